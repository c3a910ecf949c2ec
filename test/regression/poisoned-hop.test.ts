// One client's request must not end the tunnels of all others that share an HTTP/2 connection between two proxies: an
// upgrade that declares content became an extended CONNECT with a Content-Length, which the second proxy answered with GOAWAY.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient, upgradeRequest } from '../support/raw-client.ts'
import { startTunnelApp, type TunnelApp } from '../support/tunnel-app.ts'

const UPGRADES = [{ upgrade_type: 'websocket' }, { upgrade_type: 'other' }]

let app: TunnelApp
let sidecar: ProxyProcess
let front: ProxyProcess

before(async () => {
  app = await startTunnelApp()
  sidecar = await startProxy(
    bootstrap(
      [listener({ name: 'sidecar', routes: [route('/', 'app')], upgrades: UPGRADES })],
      [cluster({ name: 'app', port: app.port })],
    ),
  )
  const hop = cluster({ name: 'hop', port: sidecar.port('sidecar'), protocol: 'http2' })
  front = await startProxy(
    bootstrap([listener({ name: 'front', routes: [route('/', 'hop')], upgrades: UPGRADES })], [hop]),
  )
})

after(async () => {
  await front.stop()
  await sidecar.stop()
  await app.stop()
  await nothingLeft()
})

for (const type of ['websocket', 'other']) {
  test(`an upgrade to ${type} that declares content is refused alone`, async () => {
    const bystander = await rawClient(front.port('front'))
    bystander.write(upgradeRequest(`/bystander/${type}`))
    assert.equal((await bystander.answer()).status, 101)

    const client = await rawClient(front.port('front'))
    client.write(`${upgradeRequest('/poison', type, { method: 'POST', headers: { 'content-length': '5' } })}hello`)
    const answer = await client.answer()
    assert.equal(answer.status, 400)
    assert.match(answer.headers.get('x-sluice-reason') ?? '', /^request_with_body_upgrade; .*Content-Length/)
    client.close()

    const seen = await app.tunnel(`/bystander/${type}`)
    seen.socket.write('still here')
    assert.equal((await bystander.read(10)).toString(), 'still here')
    assert.equal(
      app.tunnels.some(({ path }) => path === '/poison'),
      false,
    )
    bystander.reset()
  })
}

test('nothing of it stays behind', async () => {
  await front.statBecomes('cluster.hop.upstream_rq_active', 0)
  await front.statBecomes('http.front.downstream_cx_upgrades_active', 0)
  assert.equal(await front.stat('cluster.hop.upstream_cx_total'), 1)
})
