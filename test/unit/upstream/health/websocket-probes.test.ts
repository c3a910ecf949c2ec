import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer as createHttp1Server } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { WebSocketServer } from 'ws'
import type { Cluster } from '../../../../src/config/model/cluster.ts'
import { literalTemplate } from '../../../../src/config/model/format-parse.ts'
import { startEchoApp, startHttp2EchoApp } from '../../../support/echo-app.ts'
import { nothingLeft } from '../../../support/leaks.ts'
import { until } from '../../../support/waiting.ts'
import { probeOnce, probing, webSocketProbe, words } from './probe.ts'
import { listeningPort } from '../../../support/listening-port.ts'

after(nothingLeft)

const HTTP2: Partial<Cluster> = { protocol: { kind: 'explicit', version: 'http2' } }

test('a WebSocket check is a visit with a ping that ends with code 1000, over HTTP/1.1 and HTTP/2', async () => {
  for (const [start, of] of [
    [startEchoApp, {}],
    [startHttp2EchoApp, HTTP2],
  ] as const) {
    const app = await start()
    const made = probing(app.port, { probe: webSocketProbe({ path: '/chat?x=1', ping: true }) }, of)
    assert.equal(words(await made.once()), 'passed')
    assert.equal(words(await made.once()), 'passed')
    assert.equal(app.visits.length, 2)
    for (const visit of app.visits) {
      const closed = await until(() => visit.closed, { what: 'the end of the visit' })
      assert.deepEqual([visit.path, closed.code, visit.pings], ['/chat?x=1', 1000, ['sluice']])
      assert.equal(visit.headers['sec-websocket-extensions'], undefined)
    }
    made.close()
    await app.stop()
  }
})

// easegress.md, acceptance cases 32 and 33.
test('fields of the handshake and of its answer', async () => {
  const http = createHttp1Server()
  const sockets = new WebSocketServer({ server: http, handleProtocols: (offered) => [...offered].at(-1) ?? false })
  const asked: (string | string[] | undefined)[] = []
  sockets.on('headers', (headers, request) => {
    asked.push(request.headers['x-probe'], request.headers.host)
    headers.push('X-Status: healthy')
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const port = listeningPort(http)
  const status = (kind: 'exact' | 'prefix', value: string) =>
    webSocketProbe({
      host: 'app.test',
      headers: {
        add: [{ name: 'x-probe', value: literalTemplate('yes'), action: 'append', keepEmpty: false }],
        remove: ['sec-websocket-key', 'upgrade'],
      },
      expectedHeaders: [{ name: 'x-status', match: { kind, value, ignoreCase: false } }],
    })
  assert.equal(words(await probeOnce(port, { probe: status('exact', 'healthy') })), 'passed')
  assert.deepEqual(asked, ['yes', 'app.test'])
  assert.equal(words(await probeOnce(port, { probe: status('prefix', 'heal') })), 'passed')
  assert.equal(
    words(await probeOnce(port, { probe: status('exact', 'ill') })),
    'active: answered 101 to a WebSocket handshake on / without the expected x-status field',
  )
  const subprotocols = ['chat.v1', 'chat.v2']
  assert.equal(words(await probeOnce(port, { probe: webSocketProbe({ subprotocols }) })), 'passed')
  for (const client of sockets.clients) client.terminate()
  sockets.close()
  await new Promise<void>((resolve) => http.close(() => resolve()))
})

const accept = (head: string): string =>
  createHash('sha1')
    .update(`${/^sec-websocket-key: *(.*?)\r$/im.exec(head)?.[1] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n'
const right = (head: string): string => `${SWITCH}sec-websocket-accept: ${accept(head)}\r\n`

const SERVERS: readonly (readonly [name: string, answer: (head: string) => string | Buffer, words: RegExp])[] = [
  ['an ordinary page', () => 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', /^active: answered 200 to a WebSocket/],
  ['a refusal', () => 'HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n', /^active: answered 403 to a WebSocket/],
  ['no accept', () => `${SWITCH}\r\n`, /^active: .* missing or wrong Sec-WebSocket-Accept$/],
  ['a wrong accept', () => `${SWITCH}sec-websocket-accept: AAAA\r\n\r\n`, /^active: .* wrong Sec-WebSocket-Accept$/],
  [
    'an extension',
    (head) => `${right(head)}sec-websocket-extensions: permessage-deflate\r\n\r\n`,
    /^active: .* extension/,
  ],
  [
    'a subprotocol',
    (head) => `${right(head)}sec-websocket-protocol: mqtt\r\n\r\n`,
    /^active: .* subprotocol that was not/,
  ],
  ['silence after the handshake', (head) => `${right(head)}\r\n`, /^timeout: no pong$/],
  [
    'a Close before the pong',
    (head) => Buffer.concat([Buffer.from(`${right(head)}\r\n`), Buffer.from([0x88, 2, 0x03, 0xf0])]),
    /^active: closed with code 1008 before its pong$/,
  ],
  [
    'no frames after the handshake',
    (head) => Buffer.concat([Buffer.from(`${right(head)}\r\n`), Buffer.from('\x0f\x05hello', 'latin1')]),
    /^active: sent something else than WebSocket frames$/,
  ],
]

async function answering(answer: (head: string) => string | Buffer): Promise<{ server: Server; open: Set<Socket> }> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    socket.once('data', (head) => socket.write(answer(head.toString('latin1'))))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, open }
}

for (const [name, answer, expected] of SERVERS) {
  test(`a WebSocket check answered by ${name}`, async () => {
    const { server, open } = await answering(answer)
    const port = listeningPort(server)
    assert.match(words(await probeOnce(port, { probe: webSocketProbe({ ping: true }), timeoutMs: 500 })), expected)
    await until(() => (open.size === 0 ? true : undefined), { what: 'the connection to be gone' })
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
}

test('a subprotocol must be chosen when some are offered', async () => {
  const { server } = await answering((head) => `${right(head)}\r\n`)
  const port = listeningPort(server)
  const probe = webSocketProbe({ subprotocols: ['chat'] })
  assert.match(words(await probeOnce(port, { probe })), /^active: .* without one of the subprotocols$/)
  await new Promise<void>((resolve) => server.close(() => resolve()))
})

test('another status passes when it is expected, and nothing is opened', async () => {
  const { server } = await answering(() => 'HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n')
  const port = listeningPort(server)
  assert.equal(
    words(await probeOnce(port, { probe: webSocketProbe({ expected: [{ first: 401, last: 401 }] }) })),
    'passed',
  )
  await new Promise<void>((resolve) => server.close(() => resolve()))
})

test('a peer that never answers our Close is left after a moment', async () => {
  const { server, open } = await answering((head) => `${right(head)}\r\n`)
  const port = listeningPort(server)
  const made = probing(port, { probe: webSocketProbe() })
  assert.equal(words(await made.once()), 'passed')
  await until(() => (open.size === 0 ? true : undefined), { what: 'the connection to be gone' })
  made.close()
  await new Promise<void>((resolve) => server.close(() => resolve()))
})
