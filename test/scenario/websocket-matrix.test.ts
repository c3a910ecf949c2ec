// Every way through: {HTTP/1.1, HTTP/2} downstream × the same upstream × {one hop, two hops} × {plain, TLS}, with `ws` and
// node:http2 at both ends. SUPPORT_MATRIX=write keeps the table in docs/support-matrix.md.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { type Authority, authority, type Leaf } from '../support/certificates.ts'
import { type EchoApp, startEchoApp, startHttp2EchoApp } from '../support/echo-app.ts'
import {
  bootstrap,
  cluster,
  downstreamTls,
  listener,
  route,
  upstreamTls,
  type YamlMap,
} from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { until } from '../support/waiting.ts'
import { webSocket, type WebSocketClient } from '../support/websocket-client.ts'

type Version = 'http1' | 'http2'
type Transport = 'plain' | 'tls'

/** Versions of the legs, client first: two for one hop, three for two. */
interface Path {
  readonly legs: readonly Version[]
  readonly transport: Transport
}

const VERSIONS: readonly Version[] = ['http1', 'http2']
const TRANSPORTS: readonly Transport[] = ['plain', 'tls']
const LABEL = { http1: 'HTTP/1.1', http2: 'HTTP/2' }

const paths: Path[] = TRANSPORTS.flatMap((transport) =>
  VERSIONS.flatMap((down) => VERSIONS.map((up) => ({ legs: [down, up], transport }))).concat(
    VERSIONS.flatMap((down) =>
      VERSIONS.flatMap((middle) => VERSIONS.map((up) => ({ legs: [down, middle, up], transport }))),
    ),
  ),
)

const pathText = ({ legs, transport }: Path): string => {
  const [client, ...rest] = legs.map((leg) => LABEL[leg])
  return `${client} → [Sluice] ${rest.join(' → [Sluice] ')} ${transport === 'tls' ? 'over TLS' : 'in the clear'}`
}

let ca: Authority
let apps: Readonly<Record<Transport, Readonly<Record<Version, EchoApp>>>>
let front: ProxyProcess
let back: ProxyProcess
const passed = new Map<Path, Set<string>>()

before(async () => {
  ca = await authority()
  const leaf = await ca.issue({ name: 'localhost' })
  apps = {
    plain: { http1: await startEchoApp(), http2: await startHttp2EchoApp() },
    tls: { http1: await startEchoApp({ tls: leaf }), http2: await startHttp2EchoApp({ tls: leaf }) },
  }
  const clusters = toApps()
  back = await startProxy(bootstrap(listeners(leaf, appRoutes), clusters))
  const toBack = TRANSPORTS.flatMap((transport) =>
    VERSIONS.map((version) =>
      leg(`back-${version}-${transport}`, back.port(`${version}-${transport}`), version, transport),
    ),
  )
  front = await startProxy(
    bootstrap(
      listeners(leaf, (transport) => [...backRoutes(transport), ...appRoutes(transport)]),
      [...clusters, ...toBack],
    ),
  )
})

after(async () => {
  await front.stop()
  await back.stop()
  for (const transport of TRANSPORTS) for (const version of VERSIONS) await apps[transport][version].stop()
  printTable()
  await nothingLeft()
})

const listeners = (leaf: Leaf, routes: (transport: Transport) => YamlMap[]): YamlMap[] =>
  TRANSPORTS.flatMap((transport) =>
    VERSIONS.map((version) =>
      listener({
        name: `${version}-${transport}`,
        codec: version === 'http1' ? 'HTTP1' : 'HTTP2',
        routes: routes(transport),
        ...(transport === 'tls'
          ? { tls: downstreamTls([leaf], { alpn_protocols: [version === 'http1' ? 'http/1.1' : 'h2'] }) }
          : {}),
      }),
    ),
  )

const appRoutes = (transport: Transport): YamlMap[] =>
  VERSIONS.map((version) => route(`/app-${version}`, `app-${version}-${transport}`))

const backRoutes = (transport: Transport): YamlMap[] =>
  VERSIONS.map((version) => route(`/back-${version}/`, `back-${version}-${transport}`, { prefix_rewrite: '/' }))

const toApps = (): YamlMap[] =>
  TRANSPORTS.flatMap((transport) =>
    VERSIONS.map((version) => leg(`app-${version}-${transport}`, apps[transport][version].port, version, transport)),
  )

function leg(name: string, port: number, protocol: Version, transport: Transport): YamlMap {
  const alpn = protocol === 'http1' ? 'http/1.1' : 'h2'
  return cluster({
    name,
    port,
    protocol,
    ...(transport === 'tls' ? { tls: upstreamTls(ca.certificateFile, { alpn_protocols: [alpn] }) } : {}),
  })
}

/** Opens a WebSocket along `path`; `query` tells its visit at the app from others. */
function open({ legs, transport }: Path, query: string, deflate: boolean): Promise<WebSocketClient> {
  const [protocol = 'http1', ...rest] = legs
  return webSocket({
    protocol,
    port: front.port(`${protocol}-${transport}`),
    path: `${requestPath(rest)}?${query}`,
    deflate,
    ...(transport === 'tls' ? { ca: ca.certificate } : {}),
  })
}

const requestPath = ([first, second]: readonly Version[]): string =>
  second === undefined ? `/app-${first}` : `/back-${first}/app-${second}`

const app = ({ legs, transport }: Path): EchoApp => apps[transport][legs.at(-1) ?? 'http1']

const appPath = ({ legs }: Path, query: string): string => `/app-${legs.at(-1)}?${query}`

const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex')

const BIG = randomBytes(16 * 1024 * 1024)
const COMPRESSIBLE = Buffer.from('The sluice opens and the water flows. '.repeat(30_000))

for (const path of paths) {
  describe(pathText(path), () => {
    test('text, binary and fragmented messages of every size arrive byte for byte', async () => {
      const client = await open(path, 'messages', false)
      const visit = await app(path).visit(appPath(path, 'messages'))
      for (const text of ['', 'hello', 'grüße ☕', 'x'.repeat(125), 'x'.repeat(126), 'x'.repeat(70_000)]) {
        client.socket.send(text)
        const echo = await client.next()
        assert.deepEqual([echo.binary, echo.data.toString()], [false, text])
      }
      client.socket.send(Buffer.from([0, 255, 13, 10, 0]))
      assert.deepEqual(await client.next(), { data: Buffer.from([0, 255, 13, 10, 0]), binary: true })
      for (const [part, fin] of [
        ['one ', false],
        ['two ', false],
        ['three', true],
      ] as const)
        client.socket.send(part, { fin })
      assert.equal((await client.next()).data.toString(), 'one two three')
      client.socket.send('parts 4 5 6')
      assert.equal((await client.next()).data.toString(), '456')
      await client.close()
      await until(() => visit.closed, { what: 'the close at the app' })
      assert.equal(visit.trace.received(), client.trace.sent(), 'no byte from the client is changed')
      assert.equal(client.trace.received(), visit.trace.sent(), 'no byte from the app is changed')
      done(path, 'text', 'binary', 'fragmented')
    })

    test('a message of 16 MiB arrives whole both ways', async () => {
      const client = await open(path, 'big', false)
      client.socket.send(BIG)
      const echo = await client.next(60_000)
      assert.equal(digest(echo.data), digest(BIG))
      await client.close()
      done(path, '16 MiB')
    })

    test('ping and pong pass end to end in both directions', async () => {
      const client = await open(path, 'ping', false)
      const pong = new Promise<string>((resolve) => client.socket.once('pong', (data) => resolve(data.toString())))
      client.socket.ping('from the client')
      assert.equal(await pong, 'from the client')
      const ping = new Promise<string>((resolve) => client.socket.once('ping', (data) => resolve(data.toString())))
      client.socket.send('ping from-the-app')
      assert.equal(await ping, 'from-the-app')
      const visit = await app(path).visit(appPath(path, 'ping'))
      await until(() => visit.pongs[0], { what: 'the pong at the app' })
      assert.deepEqual([visit.pings, visit.pongs], [['from the client'], ['from-the-app']])
      await client.close()
      done(path, 'ping and pong')
    })

    test('close code and reason reach the other side, whoever closes', async () => {
      const first = await open(path, 'client-closes', false)
      const answer = await first.close(4001, 'client is done')
      const visit = await app(path).visit(appPath(path, 'client-closes'))
      assert.deepEqual(await until(() => visit.closed, { what: 'the close at the app' }), {
        code: 4001,
        reason: 'client is done',
      })
      assert.equal(answer.code, 4001)
      const second = await open(path, 'app-closes', false)
      second.socket.send('close 4002 app is done')
      assert.deepEqual(await second.closed, { code: 4002, reason: 'app is done' })
      await second.destroy()
      done(path, 'close')
    })

    test('permessage-deflate is agreed end to end and its messages arrive whole', async () => {
      const client = await open(path, 'deflate', true)
      assert.equal(client.extensions, 'permessage-deflate')
      const visit = await app(path).visit(appPath(path, 'deflate'))
      assert.equal(visit.extensions, 'permessage-deflate')
      client.socket.send(COMPRESSIBLE, { binary: true })
      assert.equal(digest((await client.next()).data), digest(COMPRESSIBLE))
      client.socket.send('again, with a window')
      assert.equal((await client.next()).data.toString(), 'again, with a window')
      await client.close()
      await until(() => visit.closed, { what: 'the close at the app' })
      assert.equal(visit.trace.received(), client.trace.sent())
      assert.ok(
        Number(client.trace.sent().split(' ')[0]) < COMPRESSIBLE.length / 10,
        'what crossed the proxy was compressed',
      )
      done(path, 'deflate')
    })
  })
}

test('after all of them no tunnel, stream or connection is left in either proxy', async () => {
  for (const proxy of [front, back]) {
    await proxy.statBecomes('server.tunnels_active', 0)
    for (const name of ['http1-plain', 'http2-plain', 'http1-tls', 'http2-tls']) {
      await proxy.statBecomes(`http.${name}.downstream_rq_active`, 0)
      await proxy.statBecomes(`http.${name}.downstream_cx_upgrades_active`, 0)
    }
  }
  await front.statBecomes('http.http2-plain.downstream_cx_active', 0)
})

const CHECKS = ['text', 'binary', 'fragmented', '16 MiB', 'ping and pong', 'close', 'deflate']

function done(path: Path, ...checks: readonly string[]): void {
  const set = passed.get(path) ?? new Set()
  for (const check of checks) set.add(check)
  passed.set(path, set)
}

function printTable(): void {
  const rows = paths.map((path) => {
    const set = passed.get(path)
    return `| ${path.legs.map((version) => LABEL[version]).join(' → ')} | ${path.legs.length - 1} | ${path.transport} | ${CHECKS.map((check) => (set?.has(check) === true ? '✓' : '✗')).join(' | ')} |`
  })
  const table = [
    `| legs, client first | Sluices | transport | ${CHECKS.join(' | ')} |`,
    `|---|---|---|${CHECKS.map(() => ':-:|').join('')}`,
    ...rows,
  ].join('\n')
  process.stdout.write(`${table}\n`)
  if (process.env['SUPPORT_MATRIX'] !== 'write') return
  writeFileSync(
    new URL('../../docs/support-matrix.md', import.meta.url),
    `# WebSocket support\n\nWritten by \`SUPPORT_MATRIX=write npm test test/scenario/websocket-matrix.test.ts\`: each mark is a test that passed with\nindependent peers at both ends.\n\n${table}\n`,
  )
}
