// The permission for CONNECT let `Upgrade: connect` and `:protocol: connect` through as well: requests that no route meant
// to take reached the upstream as upgrades, behind an entry that the operator wrote for tunnels ending here.

import assert from 'node:assert/strict'
import { connect } from 'node:http2'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { bootstrap, cluster, listener } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient, upgradeRequest } from '../support/raw-client.ts'
import { startTunnelApp, type TunnelApp } from '../support/tunnel-app.ts'

let app: TunnelApp
let proxy: ProxyProcess

before(async () => {
  app = await startTunnelApp(
    () => 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: connect\r\n\r\n',
  )
  const routes = [
    {
      match: { prefix: '/' },
      route: {
        cluster: 'app',
        upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: { allow_post: true } }],
      },
    },
  ]
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'front', routes, upgrades: [], hcm: { http2_protocol_options: { allow_connect: true } } })],
      [cluster({ name: 'app', port: app.port })],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await nothingLeft()
})

for (const type of ['CONNECT', 'connect', 'Connect']) {
  test(`Upgrade: ${type}`, async () => {
    const client = await rawClient(proxy.port('front'))
    client.write(upgradeRequest('/', type))
    const answer = await client.answer()
    assert.equal(answer.status, 403)
    assert.match(answer.headers.get('x-sluice-reason') ?? '', /upgrade to '[Cc]/)
    await client.rest()
    client.close()
    assert.equal(app.tunnels.length, 0)
  })
}

test(':protocol connect', async () => {
  const session = connect(`http://127.0.0.1:${proxy.port('front')}`)
  await once(session, 'remoteSettings')
  const stream = session.request({ ':method': 'CONNECT', ':protocol': 'connect', ':path': '/', ':authority': 'a' })
  const [head]: unknown[] = await once(stream, 'response')
  assert.ok(typeof head === 'object' && head !== null && ':status' in head)
  assert.equal(head[':status'], 403)
  stream.on('error', () => undefined).resume()
  session.destroy()
  assert.equal(app.tunnels.length, 0)
})
