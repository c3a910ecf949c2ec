// How the upstream's HTTP version is chosen for an upgrade, and what is checked of its answer: ALPN, extended CONNECT
// (RFC 8441 §3), the synthesised key (RFC 6455 §4.1).

import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { WebSocketServer } from 'ws'
import { type Authority, authority } from '../support/certificates.ts'
import { bootstrap, cluster, listener, route, upstreamTls } from '../support/envoy-config.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { webSocket } from '../support/websocket-client.ts'

let ca: Authority
let proxy: ProxyProcess
const stops: (() => Promise<void>)[] = []

/** Ends a server and whatever is still connected to it. */
function stopsWith(server: Server): void {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  stops.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
}

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === 'object' && address !== null ? address.port : 0

/** An origin that prefers HTTP/2 but takes WebSockets on HTTP/1.1 only. */
async function originWithoutExtendedConnect(): Promise<number> {
  const leaf = await ca.issue({ name: 'origin' })
  const server = createSecureServer({
    key: leaf.key,
    cert: leaf.certificate,
    allowHTTP1: true,
    settings: { enableConnectProtocol: false },
  })
  const sockets = new WebSocketServer({ noServer: true })
  stopsWith(server)
  server.on('request', (request, response) => response.end(`over ${request.httpVersion}`))
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    sockets.handleUpgrade(request, socket, head, (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return portOf(server.address())
}

/** An HTTP/1.1 origin that answers every upgrade with 101 and the given accept value. */
async function originThatAccepts(value: (key: string) => string): Promise<{ port: number; keys: string[] }> {
  const keys: string[] = []
  const server = createServer()
  stopsWith(server)
  server.on('upgrade', (request, socket: Duplex) => {
    const key = request.headers['sec-websocket-key'] ?? ''
    keys.push(key)
    const accept = value(key)
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n${accept === '' ? '' : `sec-websocket-accept: ${accept}\r\n`}\r\n`,
    )
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: portOf(server.address()), keys }
}

let wrong: { port: number; keys: string[] }
let missing: { port: number; keys: string[] }

before(async () => {
  ca = await authority()
  const origin = await originWithoutExtendedConnect()
  wrong = await originThatAccepts(() => 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  missing = await originThatAccepts(() => '')
  const tls = upstreamTls(ca.certificateFile)
  const strict = upstreamTls(ca.certificateFile, {
    alpn_protocols: ['h2'],
    validation_context: { trusted_ca: { filename: ca.certificateFile } },
  })
  proxy = await startProxy(
    bootstrap(
      [
        listener({
          name: 'edge',
          routes: [
            route('/strict', 'strict'),
            route('/wrong', 'wrong'),
            route('/missing', 'missing'),
            route('/', 'auto'),
          ],
        }),
      ],
      [
        cluster({ name: 'auto', port: origin, protocol: 'auto', tls }),
        cluster({ name: 'strict', port: origin, protocol: 'http2', tls: strict }),
        cluster({ name: 'wrong', port: wrong.port }),
        cluster({ name: 'missing', port: missing.port }),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  for (const stop of stops) await stop()
  await nothingLeft()
})

test('an HTTP/2 origin without extended CONNECT gets requests by HTTP/2 and upgrades by HTTP/1.1, and the ledger says why', async () => {
  const answer = await fetch(`http://127.0.0.1:${proxy.port('edge')}/`)
  assert.equal(await answer.text(), 'over 2.0')
  for (const protocol of ['http1', 'http2'] as const) {
    const socket = await webSocket({ protocol, port: proxy.port('edge'), path: '/chat' })
    socket.socket.send('hello')
    assert.equal((await socket.next()).data.toString(), 'hello')
    const [tunnel] = await proxy.tunnels()
    assert.equal(tunnel?.hops.upstream, 'HTTP/1.1')
    assert.match(tunnel?.hops.note ?? '', /did not offer SETTINGS_ENABLE_CONNECT_PROTOCOL, learnt \d\d:\d\d/)
    await socket.close(1000, '')
    await proxy.statBecomes('server.tunnels_active', 0)
  }
  // What was learnt is remembered: no further HTTP/2 connection was tried for the second upgrade.
  assert.equal(await proxy.stat('cluster.auto.upstream_cx_http2_total'), 1)
})

test('where HTTP/1.1 is not allowed the upgrade is 502 and says what to change', async () => {
  const h2 = await http2Session(`http://127.0.0.1:${proxy.port('edge')}`)
  const { status, headers, stream } = await h2.tunnel('/strict', 'websocket', { 'sec-websocket-version': '13' })
  stream.close()
  await h2.close()
  assert.equal(status, 502)
  assert.match(
    String(headers['x-sluice-reason']),
    /^upgrade_not_supported_upstream; at="envoy\.yaml:\d+"; detail=".*auto_config/,
  )
})

for (const [path, what] of [
  ['/wrong', 'wrong'],
  ['/missing', 'missing'],
] as const) {
  test(`a key is made for a client that sent none, and a ${what} accept for it is 502`, async () => {
    const h2 = await http2Session(`http://127.0.0.1:${proxy.port('edge')}`)
    const { status, headers, stream } = await h2.tunnel(path, 'websocket', { 'sec-websocket-version': '13' })
    stream.close()
    await h2.close()
    assert.equal(status, 502)
    assert.match(String(headers['x-sluice-reason']), /^websocket_invalid_accept/)
    const { keys } = path === '/wrong' ? wrong : missing
    assert.equal(Buffer.from(keys.at(-1) ?? '', 'base64').length, 16)
  })
}
