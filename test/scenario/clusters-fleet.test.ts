// With several workers each one knows its clusters for itself: it checks, ejects, counts and limits on its own, and the admin
// pages add up what they found.

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { after, before, test } from 'node:test'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { listeningPort } from '../support/listening-port.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient } from '../support/raw-client.ts'
import { delay, until } from '../support/waiting.ts'

const WORKERS = 2
const SKIP = { skip: process.platform === 'linux' ? false : 'needs SO_REUSEPORT balancing of Linux' }

let server: Server
let proxy: ProxyProcess
let probes = 0
const upgrades = { open: 0 }

before(async () => {
  server = createServer((request, response) => {
    if (request.headers['user-agent'] === 'Envoy/HC') probes++
    response.end('well')
  })
  server.on('upgrade', (_request, socket) => {
    upgrades.open++
    socket.on('error', () => undefined)
    socket.on('close', () => upgrades.open--)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const more = {
    circuit_breakers: { thresholds: [{ max_requests: 3 }] },
    health_checks: [
      {
        timeout: '5s',
        interval: '3600s',
        no_traffic_interval: '3600s',
        unhealthy_threshold: 1,
        healthy_threshold: 1,
        http_health_check: { path: '/' },
      },
    ],
  }
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'web', upgrades: [{ upgrade_type: 'chat' }], routes: [route('/', 'app')] })],
      [cluster({ name: 'app', port: listeningPort(server), more })],
    ),
    { args: ['--concurrency', String(WORKERS), '--drain-time-s', '0'] },
  )
})

after(async () => {
  await proxy.stop()
  server.closeAllConnections()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  await nothingLeft()
})

test('each worker probes each endpoint', SKIP, async () => {
  await until(() => (probes >= WORKERS ? true : undefined), { what: 'a probe of each worker' })
  await delay(200)
  assert.equal(probes, WORKERS)
  assert.equal(await proxy.stat('cluster.app.health_check.attempt'), WORKERS)
  assert.equal(await proxy.stat('cluster.app.membership_total'), 1)
})

test('each worker has the whole limit of a circuit breaker', SKIP, async () => {
  // Connections go to either worker by chance: until both are full.
  const clients = []
  const statuses: number[] = []
  for (let i = 0; i < 200 && upgrades.open < WORKERS * 3; i++) {
    const client = await rawClient(proxy.port('web'))
    client.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n')
    statuses.push((await client.answer()).status)
    clients.push(client)
  }
  assert.equal(statuses.filter((status) => status === 101).length, WORKERS * 3)
  assert.equal(await proxy.stat('cluster.app.upstream_rq_active'), WORKERS * 3)
  for (const client of clients) client.close()
})
