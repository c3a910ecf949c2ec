// The TCP proxy as the real program, with real sockets: passed on as it is, over TLS, and wrapped in CONNECT and POST for
// servers of others.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { authority } from '../support/certificates.ts'
import { bootstrap, cluster, downstreamTls, endpoint, fileLog, type YamlMap } from '../support/envoy-config.ts'
import { freePorts } from '../support/foreign-program.ts'
import { type ForwardProxy, startNghttpx, startSquid } from '../support/forward-proxies.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { TcpEnd } from '../support/tcp-end.ts'
import { startTcpTarget, type TcpTarget } from '../support/tcp-target.ts'
import { dial } from '../support/tunnel-client.ts'
import { tcpListener } from '../support/tunnel-config.ts'
import { startHttp1Tunnels, startHttp2Tunnels, type TunnelServer } from '../support/tunnel-servers.ts'
import { until } from '../support/waiting.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-tcp-proxy-'))
const logFile = join(folder, 'log')
const FORMAT =
  '%LISTENER_NAME% %ACCESS_LOG_TYPE% %RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_REQUEST_ATTEMPT_COUNT% ' +
  '%CLOSED_BY% %CLOSE_CAUSE% %CONNECTION_TERMINATION_DETAILS% %BYTES_RECEIVED%/%BYTES_SENT% ' +
  '%UPSTREAM_HOST% %DOWNSTREAM_LOCAL_PORT% %REQUESTED_SERVER_NAME% %CLOSE_DETAIL%\n'

/** Listeners that lead to the application, and what the bytes travel in. */
const WAYS = ['plain', 'tls', 'h1-connect', 'h1-post', 'h2-connect', 'h2-post'] as const
type Way = (typeof WAYS)[number]

/** The plain path shows the volume, the others that framing and windows do not touch it. */
const MIB_EACH_WAY: Readonly<Record<Way, number>> = {
  plain: 64,
  tls: 64,
  'h1-connect': 16,
  'h1-post': 16,
  'h2-connect': 16,
  'h2-post': 16,
}

/** Node's HTTP/1.1 server does not tell a reset of a request body from its end. */
const RESETS: readonly Way[] = ['plain', 'tls', 'h1-connect', 'h2-connect', 'h2-post']

let app: TcpTarget
let http1: TunnelServer
let http2: TunnelServer
let squid: ForwardProxy
let nghttpx: ForwardProxy
let proxy: ProxyProcess
let ca: string
let closedPort: number

before(async () => {
  const issuer = await authority()
  const leaf = await issuer.issue({ name: 'localhost' })
  ca = issuer.certificate
  app = await startTcpTarget()
  http1 = await startHttp1Tunnels(app.port)
  http2 = await startHttp2Tunnels(app.port)
  squid = await startSquid({ user: 'u', password: 'p' })
  nghttpx = await startNghttpx(squid.port)
  closedPort = (await freePorts('closed')).closed
  const log = { access_log: [fileLog(logFile, FORMAT)] }
  const door = (name: string, to: string, tcp: YamlMap = {}, tunnel?: YamlMap): YamlMap =>
    tcpListener({ name, cluster: to, tcp: { ...log, ...tcp }, ...(tunnel === undefined ? {} : { tunnel }) })
  const headers = [{ header: { key: 'original_dst_port', value: '%DOWNSTREAM_LOCAL_PORT%' } }]
  const basic = [{ header: { key: 'proxy-authorization', value: `Basic ${Buffer.from('u:p').toString('base64')}` } }]
  const target = `127.0.0.1:${app.port}`
  proxy = await startProxy(
    bootstrap(
      [
        door('plain', 'app'),
        tcpListener({ name: 'tls', cluster: 'app', tcp: log, tls: downstreamTls([leaf]) }),
        door('h1-connect', 'http1', {}, { hostname: 'host.test:443', headers_to_add: headers }),
        door('h1-post', 'http1', {}, { hostname: 'host.test:443', use_post: true, post_path: '/tunnel' }),
        door('h2-connect', 'http2', {}, { hostname: 'host.test:443', headers_to_add: headers }),
        door('h2-post', 'http2', {}, { hostname: 'host.test:443', use_post: true, post_path: '/tunnel' }),
        ...[403, 407, 503].flatMap((status) =>
          ['http1', 'http2'].map((to) => door(`${to}-${status}`, to, {}, { hostname: `refuse-${status}.test:1` })),
        ),
        door('http2-201', 'http2', {}, { hostname: 'refuse-201.test:1' }),
        door('http2-over', 'http2', {}, { hostname: 'over.test:1' }),
        door('retried', 'both', { max_connect_attempts: 3 }),
        door('retried-tunnel', 'both-http1', { max_connect_attempts: 3 }, { hostname: 'host.test:443' }),
        door('closed', 'closed', { max_connect_attempts: 2 }),
        door('idle', 'app', { idle_timeout: '0.4s' }),
        door('duration', 'app', { max_downstream_connection_duration: '0.4s' }),
        door('early', 'app', { upstream_connect_mode: 'ON_DOWNSTREAM_DATA', max_early_data_bytes: 1024 }),
        door('squid', 'squid', {}, { hostname: target, headers_to_add: basic }),
        door('squid-unknown', 'squid', {}, { hostname: target }),
        door('nghttpx', 'nghttpx', {}, { hostname: target, headers_to_add: basic }),
        door('nghttpx-unknown', 'nghttpx', {}, { hostname: target }),
      ],
      [
        cluster({ name: 'app', port: app.port }),
        cluster({ name: 'http1', port: http1.port }),
        cluster({ name: 'http2', port: http2.port, protocol: 'http2' }),
        cluster({ name: 'closed', port: closedPort }),
        cluster({ name: 'both', port: closedPort, more: endpoints('both', app.port) }),
        cluster({ name: 'both-http1', port: closedPort, more: endpoints('both-http1', http1.port) }),
        cluster({ name: 'squid', port: squid.port }),
        cluster({ name: 'nghttpx', port: nghttpx.port, protocol: 'http2' }),
      ],
    ),
  )
})

/** A dead endpoint beside a living one. */
const endpoints = (name: string, port: number): YamlMap => ({
  load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint(closedPort), endpoint(port)] }] },
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await http1.stop()
  await http2.stop()
  await nghttpx.stop()
  await squid.stop()
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

function enter(name: string): TcpEnd {
  const { socket, raw } = dial({ port: proxy.port(name), ...(name === 'tls' ? { ca } : {}) })
  return new TcpEnd(socket, raw)
}

/** The next connection at the application. */
const arrives = async (): Promise<TcpEnd> => new TcpEnd(await app.next())

/** Both ends of a session. */
async function joined(name: string): Promise<{ client: TcpEnd; server: TcpEnd }> {
  const client = enter(name)
  return { client, server: await arrives() }
}

const lines = (name: string): string[] =>
  readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${name} `))
    .map((line) => line.slice(name.length + 1))

/** Waits for a line of a listener, from the `n`th on, that looks like this. */
const logs = (name: string, n: number, pattern: RegExp): Promise<string> =>
  until(
    () =>
      lines(name)
        .slice(n)
        .find((line) => pattern.test(line)),
    { what: `${pattern} in the log of ${name}`, ms: 5000, detail: () => lines(name).slice(n).join('\n') },
  )

for (const way of WAYS) {
  describe(`through ${way}`, () => {
    test('both directions carry bytes, and the session is listed while it lives', async () => {
      const { client, server } = await joined(way)
      client.write('hello')
      await server.has('hello')
      server.write('welcome')
      await client.has('welcome')
      const tunnels = await proxy.tunnels()
      const type = way.endsWith('connect') ? 'CONNECT' : way.endsWith('post') ? 'POST' : 'TCP'
      const upstream = way.startsWith('h2') ? 'HTTP/2' : way.startsWith('h1') ? 'HTTP/1.1' : 'TCP'
      assert.deepEqual(
        tunnels.map((tunnel) => [tunnel.type, tunnel.hops.downstream, tunnel.hops.upstream, tunnel.from_client.bytes]),
        [[type, 'TCP', upstream, 5]],
      )
      client.end()
      server.end()
      await client.becomes('fin', 'closed')
      await until(async () => ((await proxy.tunnels()).length === 0 ? true : undefined), { what: 'an empty list' })
    })

    test('a server that speaks first is heard by a client that has said nothing', async () => {
      const { client, server } = await joined(way)
      server.write('220 ready\r\n')
      await client.has('220 ready\r\n')
      client.close()
      server.close()
    })

    test(`${MIB_EACH_WAY[way]} MiB each way arrive as they were sent`, { timeout: 60_000 }, async () => {
      const { client, server } = await joined(way)
      const bytes = MIB_EACH_WAY[way] * 1024 * 1024
      const [up, down, sentUp, sentDown] = await Promise.all([
        server.checksum(bytes),
        client.checksum(bytes),
        client.send(bytes),
        server.send(bytes),
      ])
      assert.equal(up, sentUp)
      assert.equal(down, sentDown)
      client.close()
      server.close()
    })

    test('the client may end its half and still hear the answer', async () => {
      const { client, server } = await joined(way)
      const before = lines(way).length
      client.end('question')
      await server.becomes('fin')
      await server.has('question')
      server.end('answer after the end')
      await client.has('answer after the end')
      await client.becomes('fin', 'closed')
      await logs(way, before, /^TcpConnectionEnd 0 - 1 client finished - 8\/20 /)
    })

    test('the application may end its half and still hear the client', async () => {
      const { client, server } = await joined(way)
      const before = lines(way).length
      server.end('that was all')
      await client.becomes('fin')
      await client.has('that was all')
      client.end('not quite')
      await server.has('not quite')
      await server.becomes('fin', 'closed')
      await logs(way, before, /^TcpConnectionEnd 0 - 1 upstream finished - 9\/12 /)
    })

    if (!RESETS.includes(way)) return

    test('a reset of the application reaches the client as a reset', async () => {
      const { client, server } = await joined(way)
      client.write('x')
      await server.has('x')
      const before = lines(way).length
      server.reset()
      await client.becomes('reset')
      await logs(way, before, /^TcpConnectionEnd 0 - 1 upstream upstream_(closed|reset) - 1\/0 /)
    })

    test('a reset of the client reaches the application as a reset', async () => {
      const { client, server } = await joined(way)
      client.write('x')
      await server.has('x')
      const before = lines(way).length
      client.reset()
      await server.becomes('reset')
      await logs(way, before, /^TcpConnectionEnd 0 - 1 client client_disconnect - 1\/0 /)
    })
  })
}

describe('what the tunnel servers were asked for', () => {
  test('CONNECT has no path, POST has the configured one, and both carry the evaluated headers', async () => {
    for (const way of ['h1-connect', 'h1-post', 'h2-connect', 'h2-post'] as const) {
      const { client, server } = await joined(way)
      const asked = (way.startsWith('h1') ? http1 : http2).asked.at(-1)
      const post = way.endsWith('post')
      assert.deepEqual([asked?.method, asked?.authority], [post ? 'POST' : 'CONNECT', 'host.test:443'])
      assert.equal(asked?.path, post ? '/tunnel' : '')
      if (!post) assert.equal(asked?.headers['original_dst_port'], String(proxy.port(way)))
      if (way === 'h1-post') assert.equal(asked?.headers['transfer-encoding'], 'chunked')
      if (way === 'h2-post') assert.equal(asked?.headers[':scheme'], 'http')
      if (way === 'h2-connect') assert.equal(asked?.headers[':scheme'], undefined)
      client.close()
      server.close()
    }
  })

  test('all HTTP/2 tunnels share one connection', () => assert.equal(http2.connections, 1))
})

describe('refusals', () => {
  for (const status of [403, 407, 503]) {
    for (const version of ['http1', 'http2']) {
      test(`${status} over ${version} closes the client, and the log has the status and who said it`, async () => {
        const name = `${version}-${status}`
        const client = enter(name)
        client.write('must not arrive')
        await client.becomes('fin', 'closed', 'reset')
        await client.has('')
        client.close()
        await logs(
          name,
          0,
          new RegExp(
            `^TcpConnectionEnd ${status} UF,URX 1 upstream tunnel_refused tcp_initializion_failure:0 0/0 .*` +
              `the proxy answered ${status}.* to CONNECT refuse-${status}\\.test:1$`,
          ),
        )
        assert.equal(await proxy.stat(`tcp.${name}.downstream_cx_total`), 1)
      })
    }
  }

  test('over HTTP/2 only 200 opens a tunnel, and only one that is not over', async () => {
    for (const [name, answer] of [
      ['http2-201', '201 to CONNECT refuse-201.test:1'],
      ['http2-over', '200 to CONNECT over.test:1 and ended the stream'],
    ] as const) {
      const client = enter(name)
      await client.becomes('fin', 'closed', 'reset')
      await logs(name, 0, new RegExp(`^TcpConnectionEnd ${answer.slice(0, 3)} UF,URX 1 upstream tunnel_refused `))
      await logs(name, 0, new RegExp(`the proxy answered ${answer}$`))
      client.close()
    }
  })

  test('squid that wants to know who asks is answered, or its 407 reaches the log', async () => {
    for (const name of ['squid', 'nghttpx']) {
      const { client, server } = await joined(name)
      client.write('hello')
      await server.has('hello')
      server.write('welcome')
      await client.has('welcome')
      // Neither carries a half-close: squid ends both directions with either, nghttpx keeps END_STREAM to itself.
      server.end()
      await client.becomes('fin', 'closed')
      client.close()
      server.close()
      const unknown = enter(`${name}-unknown`)
      await unknown.becomes('fin', 'closed', 'reset')
      await logs(`${name}-unknown`, 0, /^TcpConnectionEnd 407 UF,URX 1 upstream tunnel_refused /)
      unknown.close()
    }
  })
})

describe('attempts', () => {
  test('an endpoint that refuses is followed by the next one', async () => {
    const attempts: string[] = []
    for (const name of ['retried', 'retried-tunnel']) {
      for (let i = 0; i < 2; i++) {
        const { client, server } = await joined(name)
        client.write('x')
        await server.has('x')
        client.end()
        server.end()
        attempts.push((await logs(name, i, /End/)).split(' ').slice(2, 4).join(' '))
      }
    }
    // Round robin begins with either endpoint, and a second attempt is a turn, too: from the one that refuses on, every
    // session begins with it.
    for (const attempt of attempts) assert.match(attempt, /^(?:- 1|UF 2)$/)
    assert.ok(attempts.includes('UF 2'), attempts.join('; '))
    assert.equal(await proxy.stat('cluster.both.upstream_cx_connect_attempts_exceeded'), 0)
  })

  test('the last one that fails closes the client', async () => {
    const client = enter('closed')
    await client.becomes('fin', 'closed', 'reset')
    client.close()
    await logs(
      'closed',
      0,
      new RegExp(
        `^TcpConnectionEnd 0 UF,URX 2 upstream upstream_connection_failure tcp_initializion_failure:0 0/0 ` +
          `127\\.0\\.0\\.1:${closedPort} \\d+ - 2 attempts failed, the last one: .*ECONNREFUSED`,
      ),
    )
    assert.equal(await proxy.stat('cluster.closed.upstream_cx_connect_attempts_exceeded'), 1)
    assert.equal(await proxy.stat('cluster.closed.upstream_cx_connect_fail'), 2)
  })
})

describe('time', () => {
  for (const [name, code, flags] of [
    ['idle', 'tcp_session_idle_timeout', '-'],
    ['duration', 'max_connection_duration', 'DT'],
  ] as const) {
    test(`${name} ends both sides`, async () => {
      const { client, server } = await joined(name)
      await client.becomes('fin', 'closed')
      await server.becomes('fin', 'closed')
      client.end()
      server.end()
      await logs(name, 0, new RegExp(`^TcpConnectionEnd 0 ${flags} 1 proxy ${code} `))
    })
  }
})

test('with ON_DOWNSTREAM_DATA the upstream is dialled when the client speaks, and hears all it said', async () => {
  const before = app.accepted
  const client = enter('early')
  await until(async () => ((await proxy.stat('tcp.early.downstream_cx_total')) === 1 ? true : undefined), {
    what: 'the session',
  })
  assert.equal(app.accepted, before)
  client.end('all of it')
  const server = await arrives()
  await server.has('all of it')
  await server.becomes('fin')
  server.end('thanks')
  await client.has('thanks')
  assert.equal(await proxy.stat('tcp.early.early_data_received_count_total'), 1)
})

test('an operator can close a session, and is named', async () => {
  const { client, server } = await joined('plain')
  const before = lines('plain').length
  const [tunnel] = await proxy.tunnels()
  const { status } = await proxy.admin(`/connections/close?id=${tunnel?.id}`, 'POST')
  assert.equal(status, 200)
  await client.becomes('fin', 'closed')
  await server.becomes('fin', 'closed')
  client.end()
  server.end()
  await logs('plain', before, /^TcpConnectionEnd 0 - 1 operator admin_close /)
})
