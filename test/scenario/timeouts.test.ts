// The timers of a tunnel's life: before acceptance for every upgrade type, after it idle and maximum duration only. Timers
// are short here because they are real; no test measures how long something took.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { bootstrap, cluster, fileLog, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient, upgradeRequest } from '../support/raw-client.ts'
import { accept, startTunnelApp, type TunnelApp } from '../support/tunnel-app.ts'
import { delay, until } from '../support/waiting.ts'

const UPGRADES = [{ upgrade_type: 'websocket' }, { upgrade_type: 'foo' }, { upgrade_type: 'CONNECT' }]
const folder = mkdtempSync(join(tmpdir(), 'sluice-timeouts-'))
const logFile = join(folder, 'log')

let app: TunnelApp
let proxy: ProxyProcess

before(async () => {
  app = await startTunnelApp((tunnel) =>
    tunnel.path.startsWith('/silent') || tunnel.method === 'CONNECT' ? undefined : accept(tunnel),
  )
  const connect: YamlMap = { match: { connect_matcher: {} }, route: { cluster: 'app', timeout: '0.3s' } }
  const log = {
    access_log: [
      fileLog(
        logFile,
        '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CLOSED_BY% %CLOSE_CAUSE%\n',
      ),
    ],
  }
  proxy = await startProxy(
    bootstrap(
      [
        listener({
          name: 'route',
          upgrades: UPGRADES,
          hcm: log,
          routes: [connect, route('/', 'app', { timeout: '0.3s' })],
        }),
        listener({
          name: 'idle',
          upgrades: UPGRADES,
          hcm: { ...log, stream_idle_timeout: '0.4s' },
          routes: [route('/own/', 'app', { timeout: '0s', idle_timeout: '30s' }), route('/', 'app', { timeout: '0s' })],
        }),
        listener({
          name: 'duration',
          upgrades: UPGRADES,
          hcm: { ...log, common_http_protocol_options: { max_stream_duration: '0.5s' } },
          routes: [route('/', 'app', { timeout: '0s' })],
        }),
      ],
      [cluster({ name: 'app', port: app.port })],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

let count = 0
const fresh = (path: string): string => `${path}/${++count}`

/** The end line of a path in the access log. */
const logLine = (path: string): Promise<string> =>
  until(
    () =>
      readFileSync(logFile, 'utf8')
        .split('\n')
        .find((line) => line.startsWith(`${path} `))
        ?.slice(path.length + 1),
    { what: `the log line of ${path}` },
  )

describe('the route timeout', () => {
  for (const type of ['websocket', 'foo']) {
    test(`ends an upgrade to ${type} that the application does not answer with 504`, async () => {
      const path = fresh('/silent')
      const client = await rawClient(proxy.port('route'))
      client.write(upgradeRequest(path, type))
      const answer = await client.answer()
      assert.equal(answer.status, 504)
      assert.match(answer.headers.get('x-sluice-reason') ?? '', /^response_timeout; at="envoy\.yaml:\d+.*within 300 ms/)
      assert.equal(answer.headers.get('connection'), 'close')
      assert.match(await logLine(path), /^504 UT response_timeout upstream response_timeout$/)
      client.close()
    })
  }

  test('ends a CONNECT that is not answered with 504', async () => {
    const client = await rawClient(proxy.port('route'))
    client.write('CONNECT a.example:1 HTTP/1.1\r\nhost: a.example:1\r\n\r\n')
    assert.equal((await client.answer()).status, 504)
    client.close()
  })

  test('ends an extended CONNECT of HTTP/2 with 504 and closes the attempt at the application', async () => {
    const session = await http2Session(`http://127.0.0.1:${proxy.port('route')}`)
    const path = fresh('/silent')
    const { status, stream } = await session.tunnel(path, 'foo')
    assert.equal(status, 504)
    stream.destroy()
    const tunnel = await app.tunnel(path)
    await until(() => tunnel.ended || undefined, { what: 'the end of the attempt' })
    await session.close()
  })

  test('is over once the tunnel is agreed', async () => {
    const path = fresh('/open')
    const client = await rawClient(proxy.port('route'))
    client.write(upgradeRequest(path, 'foo'))
    assert.equal((await client.answer()).status, 101)
    await delay(700)
    const tunnel = await app.tunnel(path)
    client.write('alive')
    await until(() => tunnel.received().toString() === 'alive' || undefined, { what: 'the bytes' })
    // A FIN would be a half-close, which the application outlives.
    client.reset()
  })

  test('is counted', async () => {
    assert.ok((await proxy.stat('cluster.app.upstream_rq_timeout')) >= 4)
  })
})

describe('the stream idle timeout', () => {
  test('before acceptance answers 408', async () => {
    const path = fresh('/silent')
    const client = await rawClient(proxy.port('idle'))
    client.write(upgradeRequest(path, 'foo'))
    const answer = await client.answer()
    assert.equal(answer.status, 408)
    assert.match(answer.headers.get('x-sluice-reason') ?? '', /^stream_idle_timeout; at="envoy\.yaml:\d+/)
    assert.match(await logLine(path), /^408 SI stream_idle_timeout proxy stream_idle_timeout$/)
    client.close()
  })

  test('after acceptance closes both sides and the log says that the proxy did it', async () => {
    const path = fresh('/open')
    const client = await rawClient(proxy.port('idle'))
    client.write(upgradeRequest(path, 'websocket'))
    assert.equal((await client.answer()).status, 101)
    await client.ended
    const tunnel = await app.tunnel(path)
    await until(() => tunnel.ended || undefined, { what: 'the end at the app' })
    assert.match(await logLine(path), /^101 SI stream_idle_timeout proxy stream_idle_timeout$/)
    client.close()
  })

  test('starts anew with every byte of either direction', async () => {
    const path = fresh('/open')
    const client = await rawClient(proxy.port('idle'))
    client.write(upgradeRequest(path, 'foo'))
    assert.equal((await client.answer()).status, 101)
    const tunnel = await app.tunnel(path)
    for (let i = 0; i < 8; i++) {
      await delay(150)
      if (i % 2 === 0) client.write('.')
      else tunnel.socket.write('.')
    }
    assert.equal(tunnel.closed, 'open')
    assert.equal((await client.read(4)).toString(), '....')
    client.reset()
  })

  test("of the route replaces the connection manager's", async () => {
    const path = fresh('/own')
    const client = await rawClient(proxy.port('idle'))
    client.write(upgradeRequest(path, 'foo'))
    assert.equal((await client.answer()).status, 101)
    await delay(900)
    const tunnel = await app.tunnel(path)
    assert.equal(tunnel.closed, 'open')
    client.reset()
  })
})

describe('max_stream_duration', () => {
  test('ends a tunnel however busy it is', async () => {
    const path = fresh('/open')
    const client = await rawClient(proxy.port('duration'))
    client.write(upgradeRequest(path, 'foo'))
    assert.equal((await client.answer()).status, 101)
    const busy = setInterval(() => client.write('.'), 20)
    await client.ended
    clearInterval(busy)
    assert.match(await logLine(path), /^101 DT max_duration_timeout proxy max_stream_duration$/)
    client.close()
  })

  test('before acceptance answers 408', async () => {
    const client = await rawClient(proxy.port('duration'))
    client.write(upgradeRequest(fresh('/silent'), 'foo'))
    assert.equal((await client.answer()).status, 408)
    client.close()
  })
})

test('nothing that timed out leaves a connection to the application behind', async () => {
  await proxy.statBecomes('cluster.app.upstream_cx_active', 0)
  await proxy.statBecomes('cluster.app.upstream_rq_active', 0)
})
