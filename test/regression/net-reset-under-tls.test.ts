// On `net` sockets a TLS session was ended in order where it should have been reset: its client took half an answer for the
// whole.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { type Authority, authority } from '../support/certificates.ts'
import { bootstrap, cluster, downstreamTls } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { startTcpTarget, type TcpTarget } from '../support/tcp-target.ts'
import { dial } from '../support/tunnel-client.ts'
import { tcpListener } from '../support/tunnel-config.ts'
import { within } from '../support/waiting.ts'

let ca: Authority
let target: TcpTarget
let proxy: ProxyProcess

before(async () => {
  ca = await authority()
  target = await startTcpTarget()
  const tls = downstreamTls([await ca.issue({ name: 'localhost' })], { alpn_protocols: ['http/1.1'] })
  proxy = await startProxy(
    bootstrap([tcpListener({ name: 'in', cluster: 'target', tls })], [cluster({ name: 'target', port: target.port })]),
    { env: { SLUICE_SOCKET_ENGINE: 'net' } },
  )
})

after(async () => {
  await proxy.stop()
  await target.stop()
  await nothingLeft()
})

test('a reset by the target reaches a TLS client as a reset', async () => {
  const { socket } = dial({ port: proxy.port('in'), ca: ca.certificate })
  const far = await target.next()
  far.write('half of ')
  assert.equal(String(await within(once(socket, 'data'), 'the first half')), 'half of ')
  const failure = within(
    once(socket, 'end').then(
      () => 'an end',
      (error: unknown) => String(error),
    ),
    'the reset',
  )
  far.resetAndDestroy()
  assert.match(await failure, /ECONNRESET/)
  await proxy.statBecomes('tcp.in.downstream_cx_total', 1)
  await proxy.statBecomes('cluster.target.upstream_cx_active', 0)
  assert.deepEqual(await proxy.tunnels(), [])
  socket.destroy()
})
