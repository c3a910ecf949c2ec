// What the admin pages say of tunnels: Envoy's statistics after a known sequence, endpoints that requests named, internal
// and UDP listeners, and the configuration without passwords.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { connectHttp1, connectHttp2 } from '../support/connect-client.ts'
import { bootstrap, cluster, listener, type YamlMap } from '../support/envoy-config.ts'
import { freePorts } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { startTcpApp, type TcpApp } from '../support/tcp-app.ts'
import { TcpEnd } from '../support/tcp-end.ts'
import { tcpListener, terminate } from '../support/tunnel-config.ts'
import { udpListener } from '../support/udp-config.ts'

const NAMED: YamlMap = {
  name: 'named',
  connect_timeout: '2s',
  type: 'ORIGINAL_DST',
  lb_policy: 'CLUSTER_PROVIDED',
  original_dst_lb_config: { use_http_header: true, http_header_name: ':authority' },
  cleanup_interval: '60s',
}

const SECRET: YamlMap = {
  transport_socket: {
    name: 'through-the-proxy',
    typed_config: {
      '@type': 'type.googleapis.com/sluice.v1.HttpProxyTransport',
      proxy_address: { socket_address: { address: '127.0.0.1', port_value: 1 } },
      basic_auth: { username: 'anna', password: { inline_string: 'sesame' } },
      headers_to_add: [{ header: { key: 'x-token', value: 'sesame' } }],
    },
  },
}

let app: TcpApp
let proxy: ProxyProcess

before(async () => {
  app = await startTcpApp()
  const { closed } = await freePorts('closed')
  const host = (authority: string): YamlMap => ({
    headers: [{ name: ':authority', string_match: { exact: authority } }],
  })
  proxy = await startProxy(
    bootstrap(
      [
        tcpListener({ name: 'plain', cluster: 'app' }),
        tcpListener({ name: 'dead', cluster: 'closed' }),
        listener({
          name: 'front',
          upgrades: [],
          routes: [
            terminate('app', host('app.test:1')),
            terminate('closed', host('closed.test:1')),
            { match: { connect_matcher: {}, ...host('off.test:1') }, route: { cluster: 'app' } },
            terminate('named'),
          ],
        }),
        udpListener({ name: 'udp', cluster: 'app' }),
      ],
      [
        cluster({ name: 'app', port: app.port }),
        cluster({ name: 'closed', port: closed }),
        NAMED,
        cluster({ name: 'secret', port: 1, more: SECRET }),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await nothingLeft()
})

test('after a known sequence every counter has its value and every gauge is back at zero', async () => {
  const client = new TcpEnd(connect({ port: proxy.port('plain'), host: '127.0.0.1', allowHalfOpen: true }))
  client.write('0123456789')
  const visitor = await app.visitor(0)
  await visitor.has('0123456789')
  visitor.socket.end('01234')
  await client.has('01234')
  client.end()
  const refused = new TcpEnd(connect(proxy.port('dead'), '127.0.0.1'))
  await refused.becomes('fin', 'closed', 'reset')
  refused.close()
  for (const [connector, n] of [
    [connectHttp1, 1],
    [connectHttp2, 2],
  ] as const) {
    const tunnel = await connector({ port: proxy.port('front'), target: 'app.test:1' })
    tunnel.write('abc')
    const far = await app.visitor(n)
    await far.has('abc')
    tunnel.end()
    far.socket.end()
    await tunnel.rest()
    await tunnel.close()
    for (const [target, status] of [
      ['closed.test:1', 503],
      ['off.test:1', 403],
    ] as const) {
      const asked = await connector({ port: proxy.port('front'), target })
      assert.equal(asked.status, status)
      await asked.close()
    }
  }
  await proxy.statBecomes('http.front.downstream_cx_active', 0)
  await proxy.statBecomes('listener.127.0.0.1_0.downstream_cx_active', 0)
  const expected = {
    'tcp.plain.downstream_cx_total': 1,
    'tcp.plain.downstream_cx_rx_bytes_total': 10,
    'tcp.plain.downstream_cx_tx_bytes_total': 5,
    'tcp.plain.downstream_cx_no_route': 0,
    'tcp.plain.idle_timeout': 0,
    'tcp.dead.downstream_cx_total': 1,
    'cluster.closed.upstream_cx_connect_attempts_exceeded': 1,
    'cluster.closed.upstream_cx_connect_fail': 3,
    'http.front.downstream_cx_upgrades_total': 4,
    'http.front.downstream_cx_upgrades_active': 0,
    'http.front.downstream_rq_ws_on_non_ws_route': 2,
    'http.front.downstream_rq_2xx': 2,
    'http.front.downstream_rq_4xx': 2,
    'http.front.downstream_rq_5xx': 2,
    'cluster.app.upstream_cx_total': 3,
    'cluster.app.upstream_cx_active': 0,
    'cluster.app.upstream_cx_rx_bytes_total': 5,
    'cluster.app.upstream_cx_tx_bytes_total': 16,
    'cluster.app.upstream_rq_active': 0,
    'cluster.app.upstream_rq_pending_active': 0,
  }
  const stats = await proxy.stats()
  const seen = Object.fromEntries(Object.keys(expected).map((name) => [name, stats.get(name)]))
  assert.deepEqual(seen, expected)
})

test('/clusters lists the endpoints that requests named, /connections their tunnels', async () => {
  const before = app.visitors.length
  const tunnel = await connectHttp1({ port: proxy.port('front'), target: `127.0.0.1:${app.port}` })
  await app.visitor(before)
  const { body } = await proxy.admin('/clusters?filter=^named$')
  assert.match(body, new RegExp(`^named::127\\.0\\.0\\.1:${app.port}::cx_active::1$`, 'm'))
  assert.deepEqual(
    (await proxy.tunnels()).map(({ type, method, endpoint }) => ({ type, method, endpoint })),
    [{ type: 'CONNECT', method: 'CONNECT', endpoint: `127.0.0.1:${app.port}` }],
  )
  tunnel.reset()
  await tunnel.close()
})

test('/listeners has UDP ones', async () => {
  const { body } = await proxy.admin('/listeners')
  assert.match(body, /^udp::127\.0\.0\.1:\d+$/m)
})

test('/config_dump has what is new, without its passwords', async () => {
  const { body } = await proxy.admin('/config_dump')
  assert.match(body, /sluice\.v1\.HttpProxyTransport/)
  assert.match(body, /"username": "anna"/)
  assert.match(body, /original_dst_lb_config/)
  assert.doesNotMatch(body, /sesame/)
})
