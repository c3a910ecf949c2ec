// `--concurrency 2`: two processes share the listener's port, one admin shows both, a dead worker is replaced.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { accept, startTunnelApp, type TunnelApp } from '../support/tunnel-app.ts'
import { until } from '../support/waiting.ts'
import { rawClient, upgradeRequest } from '../support/raw-client.ts'

const TUNNELS = 24

let app: TunnelApp
let proxy: ProxyProcess

before(async () => {
  app = await startTunnelApp((tunnel) => accept(tunnel))
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'shared', upgrades: [{ upgrade_type: 'foo' }], routes: [route('/', 'app')] })],
      [cluster({ name: 'app', port: app.port })],
    ),
    { args: ['--concurrency', '2', '--drain-time-s', '0'] },
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await nothingLeft()
})

/** Children of the main process, by /proc. */
function workers(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => parentOf(pid) === proxy.pid)
    .map(Number)
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    // It ended between the two looks.
    return undefined
  }
}

describe(
  'two workers',
  { skip: process.platform === 'linux' ? false : 'needs SO_REUSEPORT balancing and /proc of Linux' },
  () => {
    test('share one port and add up in the admin pages', async () => {
      const clients = await Promise.all(
        Array.from({ length: TUNNELS }, async () => {
          const client = await rawClient(proxy.port('shared'))
          client.write(upgradeRequest('/', 'foo'))
          assert.equal((await client.answer()).status, 101)
          return client
        }),
      )
      assert.equal(workers().length, 2)
      await proxy.statBecomes('http.shared.upgrade.foo.active', TUNNELS)
      const tunnels = await proxy.tunnels()
      assert.equal(tunnels.length, TUNNELS)
      // Ids carry the worker; with 24 connections both have some, short of odds of one in eight million.
      assert.equal(new Set(tunnels.map(({ id }) => id % 1024)).size, 2)
      for (const client of clients) client.reset()
      await proxy.statBecomes('http.shared.upgrade.foo.active', 0)
    })

    test('outlive one another: a killed worker is replaced', async () => {
      const [victim = 0] = workers()
      process.kill(victim, 'SIGKILL')
      await until(() => (!workers().includes(victim) && workers().length === 2) || undefined, {
        what: 'a new worker',
        ms: 15_000,
        detail: proxy.output,
      })
      assert.match(proxy.output(), /a worker died and is replaced/)
    })
  },
)
