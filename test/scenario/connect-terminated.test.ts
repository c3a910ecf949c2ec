// A CONNECT that ends here: the far side is a plain TCP application. Every story runs for HTTP/1.1 and HTTP/2 clients, with
// and without TLS.

import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { authority } from '../support/certificates.ts'
import { type ConnectClient, type Connector, connectHttp1, connectHttp2 } from '../support/connect-client.ts'
import { bootstrap, cluster, downstreamTls, fileLog, listener, type YamlMap } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { startTcpApp, type TcpApp, type TcpVisitor } from '../support/tcp-app.ts'
import { delay, until, within } from '../support/waiting.ts'

const ENDS_HERE = [{ upgrade_type: 'CONNECT', connect_config: {} }]
const TARGET = 'db.example:5432'

/** A route for CONNECT to one target. */
const to = (host: string, action: YamlMap): YamlMap => ({
  name: host,
  domains: [`${host}.example:5432`],
  routes: [{ name: host, match: { connect_matcher: {} }, route: { upgrade_configs: ENDS_HERE, ...action } }],
})

let app: TcpApp
let banner: TcpApp
let proxy: ProxyProcess
let ca: string
let folder: string
let logFile: string

before(async () => {
  app = await startTcpApp()
  banner = await startTcpApp((socket) => socket.write('220 ready\r\n'))
  const gone = await freePort()
  const root = await authority()
  const leaf = await root.issue({ name: 'localhost' })
  ca = root.certificate
  folder = mkdtempSync(join(tmpdir(), 'sluice-connect-'))
  logFile = join(folder, 'access.log')
  const virtualHosts = [
    to('db', { cluster: 'app' }),
    to('mail', { cluster: 'banner' }),
    to('gone', { cluster: 'gone' }),
    to('idle', { cluster: 'app', idle_timeout: '0.4s' }),
    to('brief', { cluster: 'app', max_stream_duration: { max_stream_duration: '0.4s' } }),
  ]
  const hcm = {
    route_config: { virtual_hosts: virtualHosts },
    access_log: [
      fileLog(logFile, {
        target: '%REQ(:AUTHORITY)%',
        type: '%UPGRADE_TYPE%',
        method: '%REQ(:METHOD)%',
        code: '%RESPONSE_CODE%',
        details: '%RESPONSE_CODE_DETAILS%',
        flags: '%RESPONSE_FLAGS%',
        received: '%BYTES_RECEIVED%',
        sent: '%BYTES_SENT%',
        upstream: '%UPSTREAM_HOST%',
        line: '%ROUTE_NAME%',
      }),
    ],
  }
  proxy = await startProxy(
    bootstrap(
      [
        listener({ name: 'plain', routes: [], upgrades: [], hcm }),
        listener({ name: 'tls', routes: [], upgrades: [], hcm, tls: downstreamTls([leaf]) }),
      ],
      [
        cluster({ name: 'app', port: app.port }),
        cluster({ name: 'banner', port: banner.port }),
        cluster({ name: 'gone', port: gone }),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await banner.stop()
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

interface LogLine {
  readonly target: string
  readonly type: string
  readonly method: string
  readonly code: number
  readonly details: string
  readonly flags: string
  readonly received: number
  readonly sent: number
  readonly upstream: string
}

/** The lines for one target, once there are so many. */
const logged = (target: string, count: number): Promise<readonly LogLine[]> =>
  until(
    () => {
      const lines = readFileSync(logFile, 'utf8').split('\n').filter(Boolean)
      const found = lines.map((line): LogLine => JSON.parse(line)).filter((line) => line.target === target)
      return found.length >= count ? found : undefined
    },
    { what: `${count} log lines for ${target}`, detail: () => readFileSync(logFile, 'utf8') },
  )

const lines = (target: string): number =>
  readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"${target}"`)).length

const FACES: readonly (readonly [name: string, Connector, listener: 'plain' | 'tls'])[] = [
  ['HTTP/1.1', connectHttp1, 'plain'],
  ['HTTP/1.1 over TLS', connectHttp1, 'tls'],
  ['HTTP/2', connectHttp2, 'plain'],
  ['HTTP/2 over TLS', connectHttp2, 'tls'],
]

for (const [name, connect, face] of FACES) {
  const http2 = name.startsWith('HTTP/2')
  const open = (target: string, more: { early?: string; endStream?: boolean } = {}): Promise<ConnectClient> => {
    const alpn = http2 ? {} : { ALPNProtocols: ['http/1.1'] }
    const tls = face === 'tls' ? { tls: { ca, servername: 'localhost', ...alpn } } : {}
    return connect({ port: proxy.port(face), target, ...tls, ...more })
  }
  const joined = async (more = {}): Promise<{ client: ConnectClient; visitor: TcpVisitor }> => {
    const before = app.visitors.length
    const client = await open(TARGET, more)
    assert.equal(client.status, 200)
    return { client, visitor: await app.visitor(before) }
  }

  describe(`CONNECT that ends here, by ${name}`, () => {
    test('the answer has no framing and comes when the connection stands; then bytes pass both ways', async () => {
      const { client, visitor } = await joined()
      assert.deepEqual([client.headers.has('content-length'), client.headers.has('transfer-encoding')], [false, false])
      client.write('SELECT 1')
      await visitor.has('SELECT 1')
      visitor.socket.write('ONE')
      assert.equal((await client.read(3)).toString(), 'ONE')
      await client.close()
    })

    test('a server that speaks first is heard before the client has sent a byte', async () => {
      const client = await open('mail.example:5432')
      assert.equal((await client.read(11)).toString(), '220 ready\r\n')
      await client.close()
    })

    test('bytes sent ahead of the answer reach the server once, first and in order', async () => {
      const { client, visitor } = await joined({ early: 'EARLY-' })
      client.write('LATER')
      await visitor.has('EARLY-LATER')
      await client.close()
    })

    test('a server that refuses gives 503 and says why', async () => {
      const seen = lines('gone.example:5432')
      const client = await open('gone.example:5432')
      assert.equal(client.status, 503)
      assert.match(client.headers.get('x-sluice-reason') ?? '', /^upstream_connection_failure; .*connection refused/)
      const log = (await logged('gone.example:5432', seen + 1)).at(-1)
      assert.deepEqual(
        [log?.code, log?.flags, log?.details, log?.type],
        [503, 'UF', 'upstream_reset_before_response_started{remote_connection_failure}', 'CONNECT'],
      )
      await client.close()
    })

    test('the client ends first: the server sees it, and answers still', async () => {
      const { client, visitor } = await joined()
      client.write('question')
      client.end()
      await visitor.has('question')
      await until(() => visitor.ended || undefined, { what: 'the half-close at the server' })
      visitor.socket.end('the whole answer')
      assert.equal((await client.rest()).toString(), 'the whole answer')
      assert.equal(await client.ended, 'fin')
      await client.close()
    })

    test('the server ends first: the client sees it, and what it still sends arrives', async () => {
      const { client, visitor } = await joined()
      visitor.socket.end('all I had')
      assert.equal((await client.rest()).toString(), 'all I had')
      assert.equal(await client.ended, 'fin')
      await delay(100)
      client.write('thanks')
      await visitor.has('thanks')
      client.end()
      await until(() => visitor.closed !== 'open' || undefined, { what: 'the end at the server' })
      assert.equal(visitor.closed, 'closed')
      await client.close()
    })

    test('a slow reader gets all that the server said before its end', async () => {
      const { client, visitor } = await joined()
      const bytes = randomBytes(6 * 1024 * 1024)
      client.pause()
      visitor.socket.end(bytes)
      await delay(200)
      client.write('still here')
      client.resume()
      assert.ok((await client.rest()).equals(bytes))
      await visitor.has('still here')
      await client.close()
    })

    test('a server that closes while the client still sends loses nothing of what it said', async () => {
      const { client, visitor } = await joined()
      const bytes = randomBytes(1_500_000)
      client.pause()
      visitor.socket.end(bytes, () => visitor.socket.destroy())
      for (let i = 0; i < 10; i++) {
        await delay(20)
        client.write('more')
      }
      client.resume()
      assert.ok((await client.read(bytes.length)).equals(bytes))
      await client.close()
    })

    test('a reset by the server is a reset for the client', async () => {
      const seen = lines(TARGET)
      const { client, visitor } = await joined()
      visitor.socket.resetAndDestroy()
      assert.equal(await within(client.ended, 'the reset'), 'reset')
      if (http2) assert.equal(client.resetCode, 0xa)
      const log = (await logged(TARGET, seen + 1)).at(-1)
      assert.deepEqual(
        [log?.flags, log?.details],
        ['UC', 'upstream_reset_after_response_started{connection_termination}'],
      )
      await client.close()
    })

    test('a reset by the client is a reset for the server', async () => {
      const seen = lines(TARGET)
      const { client, visitor } = await joined()
      client.write('x')
      await visitor.has('x')
      client.reset()
      await visitor.isReset()
      const log = (await logged(TARGET, seen + 1)).at(-1)
      assert.deepEqual(
        [log?.flags, log?.details],
        http2 ? ['DR', 'http2.remote_reset'] : ['DC', 'downstream_remote_disconnect'],
      )
      await client.close()
    })

    test('idle_timeout of the route ends a tunnel on which nothing moves', async () => {
      const seen = lines('idle.example:5432')
      const client = await open('idle.example:5432')
      assert.equal(client.status, 200)
      await within(client.ended, 'the end by idle timeout', 3000)
      assert.equal((await logged('idle.example:5432', seen + 1)).at(-1)?.flags, 'SI')
      await client.close()
    })

    test('max_stream_duration ends a tunnel however busy', async () => {
      const client = await open('brief.example:5432')
      const pulse = setInterval(() => client.write('.'), 50)
      await within(client.ended, 'the end by duration', 3000)
      clearInterval(pulse)
      await client.close()
    })
  })
}

test('the ledger and the log know a CONNECT by its target', async () => {
  const seen = lines(TARGET)
  const before = app.visitors.length
  const client = await connectHttp1({ port: proxy.port('plain'), target: TARGET })
  client.write('12345')
  const visitor = await app.visitor(before)
  await visitor.has('12345')
  visitor.socket.write('123')
  await client.read(3)
  const [tunnel] = await until(
    async () => {
      const open = (await proxy.tunnels()).filter(({ from_client: { bytes } }) => bytes === 5)
      return open.length > 0 ? open : undefined
    },
    { what: 'the tunnel in /connections' },
  )
  assert.deepEqual([tunnel?.type, tunnel?.method, tunnel?.hops.upstream], ['CONNECT', 'CONNECT', 'TCP'])
  assert.match(JSON.stringify(tunnel), /"authority":"db\.example:5432"/)
  client.reset()
  const log = (await logged(TARGET, seen + 1)).at(-1)
  assert.deepEqual(
    [log?.type, log?.method, log?.code, log?.received, log?.sent, log?.upstream],
    ['CONNECT', 'CONNECT', 200, 5, 3, `127.0.0.1:${app.port}`],
  )
})

test('an HTTP/2 CONNECT that ended with its head half-closes the server at once', async () => {
  const before = app.visitors.length
  const client = await connectHttp2({ port: proxy.port('plain'), target: TARGET, endStream: true })
  const visitor = await app.visitor(before)
  await until(() => visitor.ended || undefined, { what: 'the half-close at the server' })
  visitor.socket.end('bye')
  assert.equal((await client.rest()).toString(), 'bye')
  await client.close()
})

test('counters balance after all of it', async () => {
  // Clients that went by FIN left their half-closed tunnels to the server.
  for (const { socket } of [...app.visitors, ...banner.visitors]) socket.destroy()
  await proxy.statBecomes('cluster.app.upstream_rq_active', 0)
  await proxy.statBecomes('cluster.app.upstream_cx_active', 0)
  await proxy.statBecomes('http.plain.downstream_cx_upgrades_active', 0)
  const stats = await proxy.stats()
  assert.equal(stats.get('cluster.app.upstream_rq_total'), stats.get('cluster.app.upstream_cx_total'))
  assert.equal(stats.get('cluster.app.upstream_rq_200'), stats.get('cluster.app.upstream_rq_total'))
  assert.equal(stats.get('cluster.gone.upstream_cx_connect_fail'), 4)
})
