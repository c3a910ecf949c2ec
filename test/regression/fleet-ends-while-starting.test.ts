// A SIGTERM that comes while the second worker still waits for its first health checks drains what the first one serves; it
// used to end the main process at once, and the tunnels with it.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { bootstrap, cluster, listener, route, yamlText } from '../support/envoy-config.ts'
import { freePorts } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import { runSluice } from '../support/proxy-process.ts'
import { rawClient } from '../support/raw-client.ts'
import { until, within } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

/** Long enough for a client to come and the signal to follow while the second worker waits. */
const PROBE_TIMEOUT = '4s'

let app: EchoApp
let folder: string

before(async () => {
  app = await startEchoApp()
  folder = mkdtempSync(join(tmpdir(), 'sluice-fleet-'))
})

after(async () => {
  await app.stop()
  rmSync(folder, { recursive: true })
  await nothingLeft()
})

test('SIGTERM during the start of a fleet drains', { timeout: 60_000 }, async () => {
  const silent = createServer((socket) => socket.on('error', () => undefined).resume())
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const address = silent.address()
  const frozen = typeof address === 'object' && address !== null ? address.port : 0
  const { port } = await freePorts('port')
  const check = {
    timeout: PROBE_TIMEOUT,
    interval: '60s',
    healthy_threshold: 1,
    unhealthy_threshold: 1,
    http_health_check: { path: '/' },
  }
  const file = join(folder, 'envoy.yaml')
  const config = bootstrap(
    [listener({ name: 'web', port, routes: [route('/', 'app')] })],
    [
      cluster({ name: 'app', port: app.port }),
      cluster({ name: 'frozen', port: frozen, more: { health_checks: [check] } }),
    ],
  )
  writeFileSync(file, yamlText(config))
  const program = runSluice(['run', '-c', file, '--concurrency', '2', '--drain-time-s', '30'])
  const listens = (): Promise<true | undefined> =>
    rawClient(port).then(
      (probe) => {
        probe.close()
        return true
      },
      () => undefined,
    )
  await until(listens, { what: 'the first worker', ms: 30_000, detail: program.output })
  const client = await webSocket({ protocol: 'http1', port, path: '/ws' })
  program.child.kill('SIGTERM')
  // What is over at once would be over before an echo that is asked for after it.
  await until(() => /draining/.test(program.output()) || undefined, { what: 'the drain', detail: program.output })
  client.socket.send('still there?')
  assert.equal((await client.next()).data.toString(), 'still there?')
  client.socket.close(1000)
  assert.equal(await within(program.exited, 'the end of the program', 30_000), 0)
  await new Promise<void>((resolve) => silent.close(() => resolve()))
})
