// A 2xx accepts an extended CONNECT (RFC 8441 §5.1), but only 101 accepts an upgrade in HTTP/1.1. An application's 200 that
// crossed an HTTP/2 hop came out as 101, its page as tunnel bytes; so did the 200 of a route that answers by itself.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient, upgradeRequest } from '../support/raw-client.ts'
import { startTunnelApp, type TunnelApp } from '../support/tunnel-app.ts'

const REASON = /^websocket_handshake_unsuccessful; .*answered with 20\d/

let app: TunnelApp
let sidecar: ProxyProcess
let front: ProxyProcess

before(async () => {
  app = await startTunnelApp(({ path }) =>
    path.startsWith('/204')
      ? 'HTTP/1.1 204 No Content\r\n\r\n'
      : 'HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 5\r\n\r\nplain',
  )
  const routes = [
    { match: { prefix: '/direct' }, direct_response: { status: 200, body: { inline_string: 'hello' } } },
    route('/', 'app'),
  ]
  sidecar = await startProxy(
    bootstrap([listener({ name: 'sidecar', routes })], [cluster({ name: 'app', port: app.port })]),
  )
  const hop = cluster({ name: 'hop', port: sidecar.port('sidecar'), protocol: 'http2' })
  front = await startProxy(bootstrap([listener({ name: 'front', routes: [route('/', 'hop')] })], [hop]))
})

after(async () => {
  await front.stop()
  await sidecar.stop()
  await app.stop()
  await nothingLeft()
})

for (const [path, body] of [
  ['/200', 'plain'],
  ['/204', ''],
  ['/direct', 'hello'],
] as const) {
  test(`${path} is a refusal over two hops`, async () => {
    const client = await rawClient(front.port('front'))
    client.write(`${upgradeRequest(path)}GET /smuggled HTTP/1.1\r\nhost: app.example\r\n\r\n`)
    const answer = await client.answer()
    assert.equal(answer.status, 502)
    assert.match(answer.headers.get('x-sluice-reason') ?? '', REASON)
    assert.equal(answer.headers.has('upgrade'), false)
    assert.equal((await client.rest()).toString(), body)
    client.close()
    assert.equal(
      app.tunnels.some((tunnel) => tunnel.head.includes('/smuggled') || tunnel.received().length > 0),
      false,
    )
  })

  test(`${path} is a refusal to an HTTP/2 client`, async () => {
    const session = await http2Session(`http://127.0.0.1:${sidecar.port('sidecar')}`)
    const { stream, status, headers } = await session.tunnel(path, 'websocket', { 'sec-websocket-version': '13' })
    let seen = ''
    stream.setEncoding('utf8')
    for await (const chunk of stream) seen += String(chunk)
    assert.equal(status, 502)
    assert.match(String(headers['x-sluice-reason']), REASON)
    assert.equal(seen, body)
    await session.close()
  })
}
