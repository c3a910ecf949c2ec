// Ends: SIGTERM drains, a second signal and SIGINT cut, /quitquitquit quits, and clients hear that they should go.

import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient } from '../support/raw-client.ts'
import { nextEvent, until, within } from '../support/waiting.ts'
import { webSocket, type WebSocketClient } from '../support/websocket-client.ts'

const PATIENT = { args: ['--drain-time-s', '60', '-l', 'debug'] }

let app: EchoApp

before(async () => {
  app = await startEchoApp()
})

after(async () => {
  await app.stop()
  await nothingLeft()
})

async function start(options?: { readonly args: readonly string[] }): Promise<ProxyProcess> {
  // The health_check filter is not needed: /ready says the same.
  const routes = [route('/', 'app')]
  return startProxy(bootstrap([listener({ name: 'web', routes })], [cluster({ name: 'app', port: app.port })]), options)
}

const open = (proxy: ProxyProcess, protocol: 'http1' | 'http2' = 'http1'): Promise<WebSocketClient> =>
  webSocket({ protocol, port: proxy.port('web'), path: '/ws' })

async function echoes(client: WebSocketClient, text: string): Promise<void> {
  client.socket.send(text)
  assert.equal((await client.next()).data.toString(), text)
}

const refusesConnections = (proxy: ProxyProcess): Promise<true> =>
  until(
    () =>
      rawClient(proxy.port('web')).then(
        (client) => {
          client.close()
          return undefined
        },
        () => true as const,
      ),
    { what: 'the port to be closed' },
  )

test('SIGTERM closes the port, leaves open WebSockets alone, and the program ends with the last of them', async () => {
  const proxy = await start(PATIENT)
  const first = await open(proxy)
  const second = await open(proxy, 'http2')
  proxy.signal('SIGTERM')
  await refusesConnections(proxy)
  assert.deepEqual(await proxy.admin('/ready'), { status: 503, body: 'DRAINING\n' })
  await echoes(first, 'still here')
  await echoes(second, 'still here too')
  await first.close(1000, 'now I go')
  await echoes(second, 'the last one')
  await second.close()
  assert.equal(await within(proxy.exited, 'the end of the program'), 0)
  await proxy.stop()
})

test('a second SIGTERM cuts what is left, and says that the operator did it', async () => {
  const proxy = await start(PATIENT)
  const client = await open(proxy)
  proxy.signal('SIGTERM')
  await refusesConnections(proxy)
  proxy.signal('SIGTERM')
  assert.equal(await within(proxy.exited, 'the end of the program'), 0)
  assert.equal((await client.closed).code, 1001)
  assert.match(proxy.output(), /close .*by operator: .*\[shutdown\]/)
  await client.destroy()
  await proxy.stop()
})

test('logs can be rotated during a drain, and SIGUSR1 opens no debugger then', async () => {
  const proxy = await start(PATIENT)
  const client = await open(proxy)
  proxy.signal('SIGTERM')
  await refusesConnections(proxy)
  proxy.signal('SIGUSR1')
  await echoes(client, 'still here')
  await client.close()
  assert.equal(await within(proxy.exited, 'the end of the program'), 0)
  assert.doesNotMatch(proxy.output(), /Debugger listening/)
  await proxy.stop()
})

test('SIGINT ends at once', async () => {
  const proxy = await start(PATIENT)
  const client = await open(proxy)
  proxy.signal('SIGINT')
  assert.equal(await within(proxy.exited, 'the end of the program'), 0)
  await client.closed
  await client.destroy()
  await proxy.stop()
})

test('the drain time is the most that SIGTERM waits, and what is left gets a Close with 1001', async () => {
  const proxy = await start({ args: ['--drain-time-s', '1'] })
  const client = await open(proxy)
  proxy.signal('SIGTERM')
  assert.equal(await within(proxy.exited, 'the end of the program'), 0)
  assert.deepEqual(await client.closed, { code: 1001, reason: 'the proxy is stopping' })
  await client.destroy()
  await proxy.stop()
})

test('no Close goes into the middle of a frame: that side sees the connection end, the other gets its 1001', async () => {
  const proxy = await start({ args: ['--drain-time-s', '0'] })
  const client = await open(proxy)
  const [visit] = app.visits.slice(-1)
  const stream: unknown = Reflect.get(client.socket, '_socket')
  if (!(stream instanceof Duplex)) throw new Error('ws keeps its socket elsewhere now')
  // A masked text frame of 100 bytes, of which 10 come.
  stream.write(Buffer.concat([Buffer.from([0x81, 0xe4, 0, 0, 0, 0]), Buffer.alloc(10, 0x61)]))
  await until(async () => ((await proxy.tunnels())[0]?.from_client.bytes === 16 ? true : undefined), {
    what: 'half a frame to pass',
  })
  await proxy.stop()
  assert.equal((await client.closed).code, 1001)
  await until(() => visit?.closed, { what: 'the end at the backend' })
  assert.equal(visit?.closed?.code, 1006)
  await client.destroy()
})

test('POST /quitquitquit ends at once, GET is refused', async () => {
  const proxy = await start(PATIENT)
  assert.equal((await proxy.admin('/quitquitquit')).status, 400)
  assert.equal((await proxy.admin('/quitquitquit', 'POST')).status, 200)
  assert.equal(await within(proxy.exited, 'the end of the program'), 0)
  await proxy.stop()
})

test('/healthcheck/fail tells HTTP/1.1 and HTTP/2 clients to go but not a WebSocket, and ok takes it back', async () => {
  const proxy = await start()
  const tunnel = await open(proxy)
  const session = await http2Session(`http://127.0.0.1:${proxy.port('web')}`)
  const goaway = nextEvent(session.session, 'goaway')
  assert.equal((await proxy.admin('/healthcheck/fail', 'POST')).status, 200)
  const draining = await rawClient(proxy.port('web'))
  draining.write('GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
  assert.equal((await draining.answer()).headers.get('connection'), 'close')
  draining.close()
  const late = await open(proxy)
  await echoes(late, 'an upgrade never gets connection: close')
  const request = session.session.request({ ':path': '/x' })
  request.resume()
  request.end()
  await goaway
  await echoes(tunnel, 'untouched')
  await session.close()
  assert.equal((await proxy.admin('/healthcheck/ok', 'POST')).status, 200)
  const client = await rawClient(proxy.port('web'))
  client.write('GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
  assert.equal((await client.answer()).headers.has('connection'), false)
  client.close()
  await late.close()
  await tunnel.close()
  await proxy.stop()
})

test('/drain_listeners closes the port and leaves tunnels and the program running', async () => {
  const proxy = await start()
  const tunnel = await open(proxy)
  assert.equal((await proxy.admin('/drain_listeners', 'POST')).status, 200)
  await refusesConnections(proxy)
  await echoes(tunnel, 'untouched')
  await tunnel.close()
  assert.equal((await proxy.admin('/server_info')).status, 200)
  await proxy.stop()
})
