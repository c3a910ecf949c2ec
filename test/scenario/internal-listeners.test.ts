// Listeners that only this process reaches: HTTP wrapped into a CONNECT and unwrapped again, and what a connection brings
// along (`internal_upstream`).

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { after, before, describe, test } from 'node:test'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { bootstrap, cluster, fileLog, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { freePorts, runForeign } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import { networkFilter, TLS_INSPECTOR } from '../support/network-config.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { startTcpTarget, type TcpTarget } from '../support/tcp-target.ts'
import { tcpListener, terminate } from '../support/tunnel-config.ts'
import { until } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

const TYPE = 'type.googleapis.com/'
const folder = mkdtempSync(join(tmpdir(), 'sluice-internal-'))
const logFile = join(folder, 'log')
const FORMAT =
  '%LISTENER_NAME% %DYNAMIC_METADATA(tunnel:address)% %DYNAMIC_METADATA(team:name)% ' +
  '%FILTER_STATE(envoy.upstream.dynamic_host:PLAIN)% %DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% ' +
  '%UPSTREAM_CLUSTER% %RESPONSE_CODE%\n'
const log = { access_log: [fileLog(logFile, FORMAT)] }

/** Makes a listener internal. */
function inside({ address: _address, ...rest }: YamlMap): YamlMap {
  return { ...rest, internal_listener: {} }
}

/** A cluster that leads to an internal listener, with what it passes on. */
const insideCluster = (name: string, to: string, metadata?: YamlMap): YamlMap => ({
  ...cluster({ name, port: 0 }),
  load_assignment: {
    cluster_name: name,
    endpoints: [
      {
        lb_endpoints: [
          {
            endpoint: { address: { envoy_internal_address: { server_listener_name: to, endpoint_id: 'one' } } },
            ...(metadata === undefined ? {} : { metadata: { filter_metadata: metadata } }),
          },
        ],
      },
    ],
  },
  ...(metadata === undefined
    ? {}
    : { metadata: { filter_metadata: { team: { name: 'edge' } } }, transport_socket: PASSING }),
})

const PASSING: YamlMap = {
  name: 'internal_upstream',
  typed_config: {
    '@type': `${TYPE}envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport`,
    passthrough_metadata: [
      { kind: { host: {} }, name: 'tunnel' },
      { kind: { cluster: {} }, name: 'team' },
      { kind: { cluster: {} }, name: 'not-there' },
    ],
    transport_socket: {
      name: 'raw',
      typed_config: { '@type': `${TYPE}envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer` },
    },
  },
}

const SNI_PROXY = networkFilter('sni_dynamic_forward_proxy', 'FilterConfig', {
  dns_cache_config: { name: 'names', dns_lookup_family: 'V4_ONLY' },
  port_value: 443,
})

let app: EchoApp
let target: TcpTarget
let proxy: ProxyProcess

before(async () => {
  app = await startEchoApp()
  target = await startTcpTarget()
  const { unwrap } = await freePorts('unwrap')
  proxy = await startProxy(
    bootstrap(
      [
        listener({ name: 'web', routes: [route('/', 'wrap', {}, {})] }),
        inside(
          tcpListener({
            name: 'wrapper',
            cluster: 'next-hop',
            tcp: log,
            tunnel: { hostname: '%DYNAMIC_METADATA(tunnel:address)%' },
          }),
        ),
        listener({
          name: 'unwrap',
          port: unwrap,
          codec: 'HTTP2',
          upgrades: [],
          routes: [terminate('unwrapped', { headers: [{ name: ':authority', string_match: { exact: 'a.test:80' } }] })],
        }),
        inside(listener({ name: 'inner', routes: [route('/', 'app')], hcm: log })),
        tcpListener({
          name: 'sni',
          cluster: 'noting',
          before: [SNI_PROXY],
          more: { listener_filters: [TLS_INSPECTOR] },
        }),
        inside(tcpListener({ name: 'noted', cluster: 'target', tcp: log })),
        tcpListener({ name: 'nowhere', cluster: 'missing', tcp: log }),
      ],
      [
        insideCluster('wrap', 'wrapper', { tunnel: { address: 'a.test:80' }, other: { kept: 'no' } }),
        cluster({ name: 'next-hop', port: unwrap, protocol: 'http2' }),
        insideCluster('unwrapped', 'inner'),
        insideCluster('noting', 'noted', { tunnel: { address: 'unused' } }),
        insideCluster('missing', 'absent'),
        cluster({ name: 'app', port: app.port }),
        cluster({ name: 'target', port: target.port }),
      ],
      {
        bootstrap_extensions: [
          {
            name: 'envoy.bootstrap.internal_listener',
            typed_config: { '@type': `${TYPE}envoy.extensions.bootstrap.internal_listener.v3.InternalListener` },
          },
        ],
      },
    ),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await target.stop()
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

const logged = (listenerName: string): Promise<string> =>
  until(
    () =>
      readFileSync(logFile, 'utf8')
        .split('\n')
        .findLast((line) => line.startsWith(`${listenerName} `)),
    { what: `a log line of ${listenerName}`, ms: 5000 },
  )

describe('HTTP wrapped into a CONNECT and unwrapped', () => {
  test('requests and WebSockets pass', async () => {
    const { stdout } = await runForeign('curl', ['-sS', '--max-time', '10', `http://127.0.0.1:${proxy.port('web')}/a`])
    assert.equal(stdout, 'app /a')
    const client = await webSocket({ protocol: 'http1', port: proxy.port('web'), path: '/ws' })
    client.socket.send('x'.repeat(3_000_000))
    assert.equal((await client.next()).data.length, 3_000_000)
    assert.equal((await client.close(1000, 'bye')).code, 1000)
  })

  test('each layer has statistics, listed tunnels and a listener of its own', async () => {
    const client = await webSocket({ protocol: 'http1', port: proxy.port('web'), path: '/listed' })
    const types = (await proxy.tunnels()).map(({ type }) => type)
    assert.deepEqual(types.sort(), ['CONNECT', 'CONNECT', 'websocket', 'websocket'])
    assert.ok((await proxy.stat('listener.envoy_internal_inner.downstream_cx_total')) > 0)
    assert.ok((await proxy.stat('listener.envoy_internal_wrapper.downstream_cx_active')) > 0)
    const listeners = await proxy.admin('/listeners')
    assert.match(listeners.body, /^wrapper::envoy:\/\/wrapper\/$/m)
    const clusters = await proxy.admin('/clusters')
    assert.match(clusters.body, /^wrap::envoy:\/\/wrapper\/one::cx_active::1$/m)
    const asJson = await proxy.admin('/clusters?format=json&filter=^wrap$')
    assert.match(
      asJson.body,
      /"envoy_internal_address":\s*{\s*"server_listener_name": "wrapper",\s*"endpoint_id": "one"/,
    )
    await client.close()
  })
})

describe('internal_upstream', () => {
  test('metadata of the endpoint and the cluster names the tunnel and is in the inner log', async () => {
    const client = await webSocket({ protocol: 'http1', port: proxy.port('web'), path: '/logged' })
    await client.close()
    assert.equal(
      await logged('wrapper'),
      'wrapper a.test:80 edge - envoy://internal_client_address/ envoy://wrapper/one next-hop 0',
    )
    // What a name does not lead to is counted; the connections of this cluster are kept and shared.
    assert.equal(
      await proxy.stat('cluster.wrap.internal_upstream.no_metadata'),
      await proxy.stat('cluster.wrap.upstream_cx_total'),
    )
    // Without the transport socket nothing passes.
    assert.match(await logged('inner'), /^inner - - - envoy:\/\/internal_client_address\/ envoy:\/\/inner\/one app /)
  })

  test('filter state of the client’s connection is there, too', async () => {
    const client = connectTls({ port: proxy.port('sni'), host: '127.0.0.1', servername: 'localhost' })
    client.on('error', () => undefined)
    const far = await target.next()
    far.destroy()
    client.destroy()
    assert.match(await logged('noted'), /^noted unused edge localhost /)
  })
})

test('a listener that is not there is a failed connection', async () => {
  const { code } = await runForeign('curl', ['-sS', '--max-time', '5', `http://127.0.0.1:${proxy.port('nowhere')}/`])
  assert.notEqual(code, 0)
  await logged('nowhere')
  assert.equal(await proxy.stat('cluster.missing.upstream_cx_connect_fail'), 1)
})
