// UDP listeners: datagrams passed on as they are, or through CONNECT-UDP and POST tunnels, to independent peers (node:dgram,
// node:http2) and to a Sluice that ends the tunnel. Sessions, limits, retries, logs, workers and the end.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type ServerHttp2Stream } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { datagram, takeDatagrams } from '../support/capsules.ts'
import { bootstrap, cluster, listener } from '../support/envoy-config.ts'
import { type Http2TunnelApp, startHttp2TunnelApp } from '../support/http2-tunnel-app.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { sample } from '../support/sample-config.ts'
import { freePorts } from '../support/foreign-program.ts'
import { tunneling, udpListener, udpRoute } from '../support/udp-config.ts'
import { startUdpEcho, type UdpClient, udpClient, type UdpEcho } from '../support/udp-peers.ts'
import { until } from '../support/waiting.ts'

const PATH = '/.well-known/masque/udp/target.example/443/'
const LOG =
  '%ACCESS_LOG_TYPE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_CLUSTER% %UPSTREAM_REQUEST_ATTEMPT_COUNT%\n'

const STATE = '%FILTER_STATE(envoy.udp_proxy.propagate_response_headers:PLAIN)%'

const TYPE = 'type.googleapis.com/envoy.extensions'
const DNS_CACHE = { dns_cache_config: { name: 'names', dns_lookup_family: 'V4_ONLY' } }
const DYNAMIC_FORWARD_PROXY = {
  name: 'dynamic_forward_proxy',
  typed_config: { '@type': `${TYPE}.filters.http.dynamic_forward_proxy.v3.FilterConfig`, ...DNS_CACHE },
}
const NAMED_CLUSTER = {
  name: 'named',
  lb_policy: 'CLUSTER_PROVIDED',
  cluster_type: {
    name: 'envoy.clusters.dynamic_forward_proxy',
    typed_config: { '@type': `${TYPE}.clusters.dynamic_forward_proxy.v3.ClusterConfig`, ...DNS_CACHE },
  },
}

let echo: UdpEcho

before(async () => {
  echo = await startUdpEcho()
})

after(async () => {
  await echo.stop()
  await nothingLeft()
})

/** Stopped after each test, the last one first. */
const open: { stop(): Promise<void> }[] = []

function kept<T extends { stop(): Promise<void> }>(thing: T): T {
  open.push(thing)
  return thing
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'sluice-udp-'))
  kept({ stop: async () => rmSync(made, { recursive: true }) })
  return made
}

const runProxy = async (...args: Parameters<typeof startProxy>): Promise<ProxyProcess> =>
  kept(await startProxy(...args))
const newClient = async (...args: Parameters<typeof udpClient>): Promise<UdpClient> => kept(await udpClient(...args))
const newApp = async (...args: Parameters<typeof startHttp2TunnelApp>): Promise<Http2TunnelApp> =>
  kept(await startHttp2TunnelApp(...args))

afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.stop()
})

/** Waits for a line in the log, which is written now and then. */
const logged = (file: string, line: RegExp): Promise<string> =>
  until(
    () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .find((text) => line.test(text)),
    {
      what: `${line} in the log`,
      detail: () => readFileSync(file, 'utf8'),
    },
  )

describe('datagrams passed on as they are', () => {
  test('each client has a session of its own, and hears only what is its', async () => {
    const proxy = await runProxy(
      bootstrap([udpListener({ name: 'in', cluster: 'echo' })], [cluster({ name: 'echo', port: echo.port })]),
    )
    const clients = await Promise.all(Array.from({ length: 10 }, () => newClient(proxy.port('in'))))
    const from = echo.received.length
    const answers = await Promise.all(clients.map((client, index) => client.ask(`client ${index}`)))
    assert.deepEqual(
      answers,
      clients.map((_, index) => `client ${index}`),
    )
    assert.equal(await clients[0]?.ask(Buffer.alloc(60_000, 'x')), 'x'.repeat(60_000))
    assert.equal(await clients[0]?.ask(''), '')
    assert.equal(new Set(echo.received.slice(from).map((received) => received.from)).size, 10)
    const stats = await proxy.stats()
    assert.equal(stats.get('udp.in.downstream_sess_total'), 10)
    assert.equal(stats.get('udp.in.downstream_sess_active'), 10)
    assert.equal(stats.get('udp.in.downstream_sess_rx_datagrams'), 12)
    assert.equal(stats.get('udp.in.downstream_sess_tx_datagrams'), 12)
    assert.equal(stats.get('cluster.echo.udp.sess_tx_datagrams'), 12)
    assert.equal(stats.get('cluster.echo.udp.sess_rx_datagrams'), 12)
    const [listed] = await proxy.tunnels()
    assert.deepEqual([listed?.type, listed?.hops.upstream], ['UDP', 'UDP'])
  })

  test('a session ends when it is idle, with a line in the log', async () => {
    const file = join(folder(), 'udp.log')
    const proxy = await runProxy(
      bootstrap(
        [udpListener({ name: 'in', cluster: 'echo', more: { idle_timeout: '0.3s' }, log: { file, format: LOG } })],
        [cluster({ name: 'echo', port: echo.port })],
      ),
    )
    const client = await newClient(proxy.port('in'))
    assert.equal(await client.ask('hello'), 'hello')
    await proxy.statBecomes('udp.in.idle_timeout', 1)
    await proxy.statBecomes('udp.in.downstream_sess_active', 0)
    assert.equal((await proxy.tunnels()).length, 0)
    assert.equal(await client.ask('again'), 'again')
    assert.equal(await proxy.stat('udp.in.downstream_sess_total'), 2)
    await logged(file, /^UdpSessionEnd - 5 5 echo 1$/)
  })

  test('max_connections bounds the sessions, and a refused port is an error that ends nothing', async () => {
    const breakers = { circuit_breakers: { thresholds: [{ max_connections: 2 }] } }
    const { closed } = await freePorts('closed')
    const proxy = await runProxy(
      bootstrap(
        [udpListener({ name: 'in', cluster: 'echo' }), udpListener({ name: 'dead', cluster: 'dead' })],
        [cluster({ name: 'echo', port: echo.port, more: breakers }), cluster({ name: 'dead', port: closed })],
      ),
    )
    const clients = await Promise.all(Array.from({ length: 3 }, () => newClient(proxy.port('in'))))
    const [first, second, third] = clients
    assert.equal(await first?.ask('1'), '1')
    assert.equal(await second?.ask('2'), '2')
    third?.send('3')
    await proxy.statBecomes('cluster.echo.upstream_cx_overflow', 1)
    assert.equal(await first?.ask('still'), 'still')
    assert.equal(third?.received.length, 0)
    const dead = await newClient(proxy.port('dead'))
    dead.send('anybody?')
    await proxy.statBecomes('cluster.dead.udp.sess_rx_errors', 1)
    assert.equal(await proxy.stat('udp.dead.downstream_sess_active'), 1)
  })

  test('by IPv6', async (context) => {
    const echo6 = await startUdpEcho(undefined, '::1').catch(() => undefined)
    if (echo6 === undefined) return context.skip('no IPv6 here')
    kept(echo6)
    const target = cluster({ name: 'echo', port: echo6.port })
    const endpoint = { endpoint: { address: { socket_address: { address: '::1', port_value: echo6.port } } } }
    const proxy = await runProxy(
      bootstrap(
        [udpListener({ name: 'in', cluster: 'echo', host: '::1' })],
        [{ ...target, load_assignment: { cluster_name: 'echo', endpoints: [{ lb_endpoints: [endpoint] }] } }],
      ),
    )
    const client = await newClient(proxy.port('in'), '::1')
    assert.equal(await client.ask('six'), 'six')
  })

  test('workers share the port, and a session stays with one of them', async () => {
    const config = bootstrap(
      [udpListener({ name: 'in', cluster: 'echo' })],
      [cluster({ name: 'echo', port: echo.port })],
    )
    const proxy = await runProxy(config, { args: ['--drain-time-s', '0', '--concurrency', '2'] })
    const clients = await Promise.all(Array.from({ length: 16 }, () => newClient(proxy.port('in'))))
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(clients.map((client, index) => client.ask(`${round} ${index}`)))
      assert.deepEqual(
        answers,
        clients.map((_, index) => `${round} ${index}`),
      )
    }
    assert.equal(await proxy.stat('udp.in.downstream_sess_total'), 16)
  })
})

describe('datagrams in a tunnel', () => {
  test('to a Sluice that ends it: raw_udp_tunneling_http2 as it is', async () => {
    const { l1, l2 } = await freePorts('l1', 'l2')
    await runProxy(
      bootstrap(
        [listener({ name: 'l2', port: l2, codec: 'HTTP2', upgrades: [], routes: [udpRoute('echo')] })],
        [cluster({ name: 'echo', port: echo.port })],
      ),
    )
    const front = await runProxy(sample('raw_udp_tunneling_http2', { ports: { 10000: l1, 10001: l2 } }))
    const clients = await Promise.all(Array.from({ length: 8 }, () => newClient(l1)))
    const answers = await Promise.all(clients.map((client, index) => client.ask(`datagram ${index}`)))
    assert.deepEqual(
      answers,
      clients.map((_, index) => `datagram ${index}`),
    )
    const large = 'z'.repeat(30_000)
    assert.equal(await clients[0]?.ask(large), large)
    assert.equal(await clients[0]?.ask(''), '')
    assert.equal(await front.stat('cluster.cluster_0.udp.sess_tunnel_success'), 8)
    assert.equal(await front.stat('cluster.cluster_0.upstream_cx_total'), 1, 'one connection carries them all')
    const [listed] = await front.tunnels()
    assert.deepEqual([listed?.type, listed?.hops.upstream], ['UDP', 'HTTP/2'])
  })

  test('to a Sluice that ends it at the name in the path, by HTTP/1.1, with a line in the log', async () => {
    const file = join(folder(), 'udp.log')
    const back = await runProxy(
      bootstrap(
        [listener({ name: 'end', upgrades: [], routes: [udpRoute('named')], filters: [DYNAMIC_FORWARD_PROXY] })],
        [NAMED_CLUSTER],
      ),
    )
    const proxy = await runProxy(
      bootstrap(
        [
          udpListener({
            name: 'in',
            cluster: 'back',
            tunneling: tunneling({
              target_host: 'localhost',
              default_target_port: echo.port,
              propagate_response_headers: true,
            }),
            more: {
              access_log_options: { flush_access_log_on_tunnel_connected: true, access_log_flush_interval: '0.5s' },
            },
            log: {
              file,
              format: `%ACCESS_LOG_TYPE% %UPSTREAM_PROTOCOL% %DYNAMIC_METADATA(udp.proxy.session:datagrams_sent)% ${STATE}\n`,
            },
          }),
        ],
        [cluster({ name: 'back', port: back.port('end') })],
      ),
    )
    const client = await newClient(proxy.port('in'))
    assert.equal(await client.ask('by name'), 'by name')
    assert.equal(await client.ask('again'), 'again')
    assert.equal(await back.stat('cluster.named.udp.sess_tx_datagrams'), 2)
    await logged(file, /^UdpTunnelUpstreamConnected HTTP\/1\.1 0 .*"capsule-protocol","value":"\?1"/)
    await logged(file, /^UdpPeriodic HTTP\/1\.1 2 /)
  })

  test('the request is CONNECT-UDP with capsules, and what came before the 200 waits', async () => {
    const app = await newApp('later')
    const more = {
      headers_to_add: [{ header: { key: 'from-port', value: '%DOWNSTREAM_REMOTE_PORT%' } }],
      proxy_port: 8443,
      target_host: '2001:db8::1',
      default_target_port: 53,
    }
    const proxy = await runProxy(
      bootstrap(
        [udpListener({ name: 'in', cluster: 'app', tunneling: tunneling(more) })],
        [cluster({ name: 'app', port: app.port, protocol: 'http2' })],
      ),
    )
    const client = await newClient(proxy.port('in'))
    client.send('first')
    client.send('second')
    const tunnel = await app.tunnel('/.well-known/masque/udp/2001%3Adb8%3A%3A1/53/')
    assert.deepEqual(
      [':method', ':protocol', ':authority', ':scheme', 'capsule-protocol', 'from-port'].map(
        (name) => tunnel.headers[name],
      ),
      ['CONNECT', 'connect-udp', 'proxy.example:8443', 'http', '?1', String(client.port)],
    )
    await proxy.statBecomes('udp.in.downstream_sess_rx_datagrams', 2)
    assert.equal(tunnel.received().length, 0, 'nothing goes up before the answer')
    tunnel.stream.respond({ ':status': 200, 'capsule-protocol': '?1' })
    await until(() => tunnel.received().length >= 17 || undefined, { what: 'the datagrams' })
    assert.deepEqual(takeDatagrams(tunnel.received()).payloads.map(String), ['first', 'second'])
    tunnel.stream.write(Buffer.concat([datagram(Buffer.from('back')), datagram(Buffer.from('again'))]))
    assert.deepEqual((await client.has(2)).map(String), ['back', 'again'])
  })

  test('POST carries the datagrams without capsules', async () => {
    const heard: string[] = []
    const server = createServer()
    kept({ stop: () => new Promise<void>((resolve) => server.close(() => resolve())) })
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      heard.push(`${headers[':method']} ${headers[':path']} ${String(headers['capsule-protocol'])}`)
      stream.on('error', () => undefined)
      stream.respond({ ':status': 200 })
      stream.on('data', (chunk: Buffer) => stream.write(Buffer.concat([Buffer.from('re: '), chunk])))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const proxy = await runProxy(
      bootstrap(
        [
          udpListener({
            name: 'in',
            cluster: 'app',
            capsules: false,
            tunneling: tunneling({ use_post: true, post_path: '/udp' }),
          }),
        ],
        [cluster({ name: 'app', port, protocol: 'http2' })],
      ),
    )
    const client = await newClient(proxy.port('in'))
    assert.equal(await client.ask('one'), 're: one')
    assert.equal(await client.ask('two'), 're: two')
    assert.deepEqual(heard, ['POST /udp undefined'])
  })

  test('without buffer_options what comes before the answer is dropped and counted; with them the rest', async () => {
    const app = await newApp('later')
    const small = tunneling({ buffer_options: { max_buffered_datagrams: 2, max_buffered_bytes: 1000 } })
    const { buffer_options: _none, ...bare } = tunneling()
    const proxy = await runProxy(
      bootstrap(
        [
          udpListener({ name: 'small', cluster: 'app', tunneling: small }),
          udpListener({ name: 'bare', cluster: 'bare', tunneling: bare }),
        ],
        [
          cluster({ name: 'app', port: app.port, protocol: 'http2' }),
          cluster({ name: 'bare', port: app.port, protocol: 'http2' }),
        ],
      ),
    )
    const client = await newClient(proxy.port('small'))
    for (const text of ['1', '2', '3', '4']) client.send(text)
    await proxy.statBecomes('cluster.app.udp.sess_tunnel_buffer_overflow', 2)
    const tunnel = await app.tunnel(PATH)
    tunnel.stream.respond({ ':status': 200 })
    await until(() => takeDatagrams(tunnel.received()).payloads.length >= 2 || undefined, { what: 'what was kept' })
    assert.deepEqual(takeDatagrams(tunnel.received()).payloads.map(String), ['1', '2'])
    const other = await newClient(proxy.port('bare'))
    other.send('lost')
    await proxy.statBecomes('cluster.bare.udp.sess_tunnel_buffer_overflow', 1)
  })

  test('a proxy that does not read makes datagrams drop, and memory stays bounded', async () => {
    const app = await newApp()
    const proxy = await runProxy(
      bootstrap(
        [udpListener({ name: 'in', cluster: 'app', tunneling: tunneling() })],
        [
          cluster({
            name: 'app',
            port: app.port,
            protocol: 'http2',
            more: { per_connection_buffer_limit_bytes: 65_536 },
          }),
        ],
      ),
    )
    const client = await newClient(proxy.port('in'))
    client.send('hello')
    const tunnel = await app.tunnel(PATH)
    tunnel.stream.pause()
    await until(
      async () => {
        for (let i = 0; i < 50; i++) client.send(Buffer.alloc(8000))
        return (await proxy.stat('cluster.app.udp.sess_tunnel_buffer_overflow')) > 50 || undefined
      },
      { what: 'datagrams to be dropped' },
    )
    const [listed] = await proxy.tunnels()
    assert.ok(
      (listed?.from_client.queued_bytes ?? Infinity) < 200_000,
      `${listed?.from_client.queued_bytes} bytes wait`,
    )
  })

  test('a refused tunnel is tried again as often as it may, then the session ends', async () => {
    const app = await newApp(503)
    const file = join(folder(), 'udp.log')
    const proxy = await runProxy(
      bootstrap(
        [
          udpListener({
            name: 'in',
            cluster: 'app',
            tunneling: tunneling({ retry_options: { max_connect_attempts: 3 } }),
            log: { file, format: LOG },
          }),
        ],
        [cluster({ name: 'app', port: app.port, protocol: 'http2' })],
      ),
    )
    const client = await newClient(proxy.port('in'))
    client.send('anybody?')
    await proxy.statBecomes('cluster.app.upstream_cx_connect_attempts_exceeded', 1)
    assert.equal(app.tunnels.length, 3)
    const stats = await proxy.stats()
    assert.equal(stats.get('cluster.app.udp.sess_tunnel_failure'), 3)
    assert.equal(stats.get('udp.in.downstream_sess_active'), 0)
    assert.equal(stats.get('cluster.app.upstream_rq_active'), 0)
    await logged(file, /^UdpSessionEnd (?:UF,URX|URX,UF) 8 0 app 3$/)
  })

  test('an end or a reset of the far side ends the session, and the next datagram opens another', async () => {
    const app = await newApp()
    const proxy = await runProxy(
      bootstrap(
        [udpListener({ name: 'in', cluster: 'app', tunneling: tunneling() })],
        [cluster({ name: 'app', port: app.port, protocol: 'http2' })],
      ),
    )
    const client = await newClient(proxy.port('in'))
    const ends: readonly ((stream: ServerHttp2Stream) => void)[] = [
      (stream) => stream.end(),
      (stream) => stream.close(2),
      (stream) => stream.write(Buffer.from([0x00, 0x00])),
    ]
    for (const [index, end] of ends.entries()) {
      client.send(`session ${index}`)
      const tunnel = await until(() => app.tunnels[index], { what: 'a tunnel' })
      await until(() => tunnel.received().length > 0 || undefined, { what: 'its datagram' })
      end(tunnel.stream)
      await proxy.statBecomes('udp.in.downstream_sess_active', 0)
    }
    assert.equal(await proxy.stat('udp.in.downstream_sess_total'), 3)
    assert.equal(await proxy.stat('cluster.app.upstream_rq_active'), 0)
  })
})

test('a drain opens no new session and lets the others go on', async () => {
  const proxy = await runProxy(
    bootstrap(
      [udpListener({ name: 'in', cluster: 'echo', more: { idle_timeout: '1s' } })],
      [cluster({ name: 'echo', port: echo.port })],
    ),
    { args: ['--drain-time-s', '30'] },
  )
  const port = proxy.port('in')
  const client = await newClient(port)
  const late = await newClient(port)
  assert.equal(await client.ask('before'), 'before')
  proxy.signal('SIGTERM')
  await until(() => proxy.output().includes('draining') || undefined, { what: 'the drain' })
  assert.equal(await client.ask('during'), 'during')
  late.send('too late')
  assert.equal(await proxy.exited, 0, 'it ends when the session is idle')
  assert.equal(late.received.length, 0)
})
