// Found with nghttpx before Sluice: after both Close frames and the application's FIN it forgets its HTTP/2 stream without
// END_STREAM or RST_STREAM, and the tunnel stayed until a timeout. Both Close frames and one end are the end (RFC 6455 §7.1.1).

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { until } from '../support/waiting.ts'

/** Masked with zeros: Close without a code. */
const CLOSE = Buffer.from([0x88, 0x80, 0, 0, 0, 0])

let app: EchoApp
let proxy: ProxyProcess

before(async () => {
  app = await startEchoApp()
  proxy = await startProxy(
    bootstrap([listener({ name: 'in', routes: [route('/', 'app')] })], [cluster({ name: 'app', port: app.port })]),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await nothingLeft()
})

test('a client that never ends its half after the closing handshake does not keep the tunnel', async () => {
  const session = await http2Session(`http://127.0.0.1:${proxy.port('in')}`)
  const { stream, status } = await session.tunnel('/chat', 'websocket', { 'sec-websocket-version': '13' })
  assert.equal(status, 200)
  const visit = await app.visit('/chat')
  stream.write(CLOSE)
  const answer: Buffer[] = []
  stream.on('data', (chunk: Buffer) => answer.push(chunk))
  const closed = await until(() => visit.closed, { what: 'the close at the app', ms: 5000 })
  assert.equal(closed.code, 1005)
  await proxy.statBecomes('server.tunnels_active', 0)
  assert.deepEqual(Buffer.concat(answer), Buffer.from([0x88, 0x00]), 'the Close of the app arrived first')
  assert.equal(await proxy.stat('http.in.upgrade.websocket.closed_by_client'), 1)
  await session.close()
})
