// The numbers after a known sequence: Envoy's names, exact values, one set for each upgrade type that counts acceptance.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient, upgradeRequest } from '../support/raw-client.ts'
import { accept, startTunnelApp, type TunnelApp } from '../support/tunnel-app.ts'
import { until } from '../support/waiting.ts'

let app: TunnelApp
let proxy: ProxyProcess

before(async () => {
  app = await startTunnelApp((tunnel) => {
    if (tunnel.path === '/refuse') return 'HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n'
    return tunnel.path === '/plain'
      ? 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'
      : accept(tunnel)
  })
  const routes = [
    route('/off', 'app', { upgrade_configs: [{ upgrade_type: 'websocket', enabled: false }] }),
    { match: { prefix: '/direct' }, direct_response: { status: 200, body: { inline_string: 'x' } } },
    { match: { prefix: '/moved' }, redirect: { path_redirect: '/plain' } },
    route('/', 'app'),
  ]
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'web', routes, upgrades: [{ upgrade_type: 'websocket' }, { upgrade_type: 'foo' }] })],
      [cluster({ name: 'app', port: app.port })],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await nothingLeft()
})

/** One client that opens a tunnel, sends and gets ten bytes, and ends it. */
async function tunnel(path: string, type: string): Promise<void> {
  const client = await rawClient(proxy.port('web'))
  client.write(upgradeRequest(path, type))
  assert.equal((await client.answer()).status, 101)
  const end = await app.tunnel(path)
  client.write('0123456789')
  await until(() => end.received().length === 10 || undefined, { what: 'ten bytes' })
  end.socket.write('0123456789')
  await client.read(10)
  client.end()
  await until(() => end.ended || undefined, { what: 'the end' })
  end.socket.end()
  await client.ended
  client.close()
}

async function ask(request: string, status: number): Promise<void> {
  const client = await rawClient(proxy.port('web'))
  client.write(request)
  assert.equal((await client.answer()).status, status)
  client.end()
  await client.rest()
  client.close()
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`

test('after a known sequence every counter has its value and every gauge is back at zero', async () => {
  await tunnel('/one', 'foo')
  await tunnel('/two', 'FOO')
  const open = await rawClient(proxy.port('web'))
  open.write(upgradeRequest('/three'))
  assert.equal((await open.answer()).status, 101)
  await proxy.statBecomes('http.web.upgrade.websocket.active', 1)
  await proxy.statBecomes('http.web.downstream_cx_upgrades_active', 1)
  await proxy.statBecomes('cluster.app.upstream_rq_active', 1)
  await proxy.statBecomes('server.tunnels_active', 1)
  open.reset()
  await proxy.statBecomes('server.tunnels_active', 0)
  await ask(upgradeRequest('/refuse'), 401)
  await ask(upgradeRequest('/off'), 403)
  await ask(get('/plain'), 200)
  await ask(get('/direct'), 200)
  await ask(get('/moved'), 301)
  await ask('GET / HTTP/1.1\r\nbad header: x\r\nhost: a\r\n\r\n', 400)
  const session = await http2Session(`http://127.0.0.1:${proxy.port('web')}`)
  const { stream, status } = await session.tunnel('/four', 'foo')
  assert.equal(status, 200)
  stream.close(8)
  await proxy.statBecomes('server.tunnels_active', 0)
  await session.close()
  await proxy.statBecomes('http.web.downstream_cx_active', 0)
  await proxy.statBecomes('cluster.app.upstream_cx_active', 0)
  const stats = await proxy.stats()
  const expected: Readonly<Record<string, number>> = {
    'http.web.downstream_cx_total': 10,
    'http.web.downstream_cx_http1_total': 9,
    'http.web.downstream_cx_http2_total': 1,
    'http.web.downstream_cx_http1_active': 0,
    'http.web.downstream_cx_http2_active': 0,
    'http.web.downstream_cx_destroy': 10,
    'http.web.downstream_cx_protocol_error': 1,
    // The three tunnels of HTTP/1.1, the one of HTTP/2, and the one that the application refused; not the 403.
    'http.web.downstream_cx_upgrades_total': 5,
    'http.web.downstream_cx_upgrades_active': 0,
    'http.web.downstream_rq_total': 9,
    'http.web.downstream_rq_http2_total': 1,
    'http.web.downstream_rq_active': 0,
    'http.web.downstream_rq_1xx': 4,
    'http.web.downstream_rq_2xx': 2,
    'http.web.downstream_rq_3xx': 1,
    'http.web.downstream_rq_4xx': 2,
    'http.web.downstream_rq_5xx': 0,
    'http.web.downstream_rq_ws_on_non_ws_route': 1,
    'http.web.rq_direct_response': 1,
    'http.web.rq_redirect': 1,
    'http.web.no_route': 0,
    'http.web.upgrade.foo.accepted_total': 3,
    'http.web.upgrade.foo.active': 0,
    'http.web.upgrade.foo.bytes_received': 20,
    'http.web.upgrade.foo.bytes_sent': 20,
    'http.web.upgrade.foo.closed_by_client': 3,
    'http.web.upgrade.websocket.accepted_total': 1,
    // By the application; what the configuration refuses is downstream_rq_ws_on_non_ws_route.
    'http.web.upgrade.websocket.refused_total': 1,
    'http.web.upgrade.websocket.active': 0,
    'http.web.upgrade.websocket.closed_by_client': 1,
    'http.web.upgrade.websocket.closed_by_upstream': 0,
    'http.web.http2.streams_active': 0,
    'http.web.http2.rx_reset': 1,
    'cluster.app.upstream_rq_total': 6,
    'cluster.app.upstream_rq_active': 0,
    'cluster.app.upstream_rq_pending_active': 0,
    'cluster.app.upstream_rq_200': 1,
    'cluster.app.upstream_rq_401': 1,
    'cluster.app.upstream_rq_101': 4,
    'cluster.app.upstream_cx_http1_total': 6,
    'cluster.app.upstream_cx_connect_fail': 0,
    'cluster.app.membership_total': 1,
  }
  const seen = Object.fromEntries(Object.keys(expected).map((name) => [name, stats.get(name)]))
  assert.deepEqual(seen, expected)
})

test('/reset_counters sets counters to zero and leaves the rest', async () => {
  assert.equal((await proxy.admin('/reset_counters', 'POST')).status, 200)
  assert.equal(await proxy.stat('http.web.downstream_cx_upgrades_total'), 0)
  assert.equal(await proxy.stat('http.web.upgrade.foo.accepted_total'), 0)
  assert.equal(await proxy.stat('cluster.app.membership_total'), 1)
})
