// Other proxies as the hop before Sluice or behind it: nginx, HAProxy and nghttpx, over HTTP/1.1 and over HTTP/2 with
// extended CONNECT (RFC 8441). What `ws` sends at one end is what `ws` receives at the other, byte for byte.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { type ForeignServer, freePorts, startForeign } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { needs, toolPath } from '../support/tools.ts'
import { until } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

type Program = 'nginx' | 'haproxy' | 'nghttpx'
type Version = 'HTTP/1.1' | 'HTTP/2'

/** One way from `ws` to `ws` through another program. */
interface Way {
  readonly program: Program
  /** Where the other program stands, seen from Sluice. */
  readonly side: 'before' | 'behind'
  /** The version between the two. */
  readonly version: Version
}

const WAYS: readonly Way[] = [
  { program: 'nginx', side: 'before', version: 'HTTP/1.1' },
  { program: 'nginx', side: 'behind', version: 'HTTP/1.1' },
  { program: 'haproxy', side: 'before', version: 'HTTP/1.1' },
  { program: 'haproxy', side: 'behind', version: 'HTTP/1.1' },
  { program: 'haproxy', side: 'before', version: 'HTTP/2' },
  { program: 'haproxy', side: 'behind', version: 'HTTP/2' },
  { program: 'nghttpx', side: 'before', version: 'HTTP/1.1' },
  { program: 'nghttpx', side: 'behind', version: 'HTTP/1.1' },
  { program: 'nghttpx', side: 'before', version: 'HTTP/2' },
  { program: 'nghttpx', side: 'behind', version: 'HTTP/2' },
]

const key = ({ program, side, version }: Way): string => `${program}-${side}-${version === 'HTTP/2' ? 'h2' : 'h1'}`

/**
 * nghttpx adds a key of its own to the one that an HTTP/1.1 client sent and Sluice passes on, and `ws` refuses two; a
 * client of RFC 8441 sends none (§5).
 */
const clientOf = ({ program, side, version }: Way): 'http1' | 'http2' =>
  program === 'nghttpx' && side === 'behind' && version === 'HTTP/2' ? 'http2' : 'http1'

const TITLE: Readonly<Record<Program, string>> = { nginx: 'nginx', haproxy: 'HAProxy', nghttpx: 'nghttpx' }

let app: EchoApp
let sluice: ProxyProcess
let ports: Readonly<Record<string, number>>
const others: ForeignServer[] = []

before(async () => {
  app = await startEchoApp()
  ports = await freePorts(...WAYS.map(key))
  const behind = WAYS.filter(({ side }) => side === 'behind')
  sluice = await startProxy(
    bootstrap(
      [
        listener({
          name: 'in',
          routes: [...behind.map((way) => route(`/${key(way)}`, key(way))), route('/', 'app')],
        }),
      ],
      [
        cluster({ name: 'app', port: app.port }),
        ...behind.map((way) =>
          cluster({ name: key(way), port: port(way), protocol: way.version === 'HTTP/2' ? 'http2' : 'http1' }),
        ),
      ],
    ),
  )
  await Promise.all([startNginx(), startHaproxy(), startNghttpx()])
})

after(async () => {
  for (const other of others) await other.stop()
  await sluice.stop()
  await app.stop()
  await nothingLeft()
})

const port = (way: Way): number => ports[key(way)] ?? 0

/** Where the other program sends what it receives. */
const target = ({ side }: Way): number => (side === 'before' ? sluice.port('in') : app.port)

const waysOf = (program: Program): readonly Way[] => WAYS.filter((way) => way.program === program)

async function start(
  program: Program,
  server: Omit<Parameters<typeof startForeign>[0], 'name' | 'ports'>,
  ways: readonly Way[],
): Promise<void> {
  if (toolPath(program) === undefined) return
  others.push(await startForeign({ name: program, ports: ways.map(port), ...server }))
}

function startNginx(): Promise<void> {
  const ways = waysOf('nginx')
  const servers = ways.map(
    (way) => `
  server {
    listen 127.0.0.1:${port(way)};
    location / {
      proxy_pass http://127.0.0.1:${target(way)};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $http_host;
    }
  }`,
  )
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const config = (folder: string): string => `
daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr;
events {}
http {
  access_log off;
${temporary.map((kind) => `  ${kind}_temp_path ${folder}/${kind};`).join('\n')}
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
${servers.join('\n')}
}
`
  return start('nginx', { config, args: (file, folder) => ['-p', folder, '-e', 'stderr', '-c', file] }, ways)
}

function startHaproxy(): Promise<void> {
  const ways = waysOf('haproxy')
  // The leg between the two programs is the one whose version is chosen.
  const bindProtocol = (way: Way): string => (way.side === 'behind' && way.version === 'HTTP/2' ? ' proto h2' : '')
  const serverProtocol = (way: Way): string => (way.side === 'before' && way.version === 'HTTP/2' ? ' proto h2' : '')
  const config = (): string => `
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 30s
${ways
  .map(
    (way) => `
listen ${key(way)}
  bind 127.0.0.1:${port(way)}${bindProtocol(way)}
  server next 127.0.0.1:${target(way)}${serverProtocol(way)}
`,
  )
  .join('')}`
  return start('haproxy', { config, args: (file) => ['-db', '-f', file] }, ways)
}

async function startNghttpx(): Promise<void> {
  for (const way of waysOf('nghttpx')) {
    const backend = way.side === 'before' && way.version === 'HTTP/2' ? ';;proto=h2' : ''
    const args = (file: string): string[] => [
      `--conf=${file}`,
      '--workers=1',
      '--single-process',
      `--frontend=127.0.0.1,${port(way)};no-tls`,
      `--backend=127.0.0.1,${target(way)}${backend}`,
    ]
    await start('nghttpx', { args }, [way])
  }
}

const BIG = randomBytes(1024 * 1024)

for (const way of WAYS) {
  const other = `${TITLE[way.program]} → `
  const between = `${way.version} → `
  const title = way.side === 'before' ? `${other}${between}Sluice → app` : `Sluice → ${between}${other}app`
  const options = needs(way.program)
  const entry = (): number => (way.side === 'before' ? port(way) : sluice.port('in'))
  const path = (query: string): string => `/${way.side === 'before' ? 'app' : key(way)}?${query}-${key(way)}`

  describe(title, () => {
    test(`${title}: messages of every kind and size cross unchanged`, options, async () => {
      const client = await webSocket({ protocol: clientOf(way), port: entry(), path: path('echo') })
      const visit = await app.visit(path('echo'))
      const [tunnel, ...more] = await sluice.tunnels()
      assert.deepEqual(more, [])
      const hops = [tunnel?.hops.downstream, tunnel?.hops.upstream]
      assert.deepEqual(
        hops,
        way.side === 'before'
          ? [way.version, 'HTTP/1.1']
          : [clientOf(way) === 'http2' ? 'HTTP/2' : 'HTTP/1.1', way.version],
      )
      for (const text of ['', 'hello', 'grüße ☕', 'x'.repeat(126), 'x'.repeat(70_000)]) {
        client.socket.send(text)
        const echo = await client.next()
        assert.deepEqual([echo.binary, echo.data.toString()], [false, text])
      }
      client.socket.send(BIG)
      assert.ok((await client.next()).data.equals(BIG))
      client.socket.send('parts 1 2 3')
      assert.equal((await client.next()).data.toString(), '123')
      const pong = new Promise<string>((resolve) => client.socket.once('pong', (data) => resolve(data.toString())))
      client.socket.ping('are you there')
      assert.equal(await pong, 'are you there')
      assert.equal((await client.close(4001, 'done here')).code, 4001)
      assert.deepEqual(await until(() => visit.closed, { what: 'the close at the app' }), {
        code: 4001,
        reason: 'done here',
      })
      assert.equal(visit.trace.received(), client.trace.sent(), 'no byte from the client is changed')
      assert.equal(client.trace.received(), visit.trace.sent(), 'no byte from the app is changed')
      await until(async () => (await sluice.tunnels()).length === 0 || undefined, { what: 'the tunnel to end' })
    })

    test(`${title}: permessage-deflate and a close by the app`, options, async () => {
      const client = await webSocket({ protocol: clientOf(way), port: entry(), path: path('deflate'), deflate: true })
      assert.equal(client.extensions, 'permessage-deflate')
      client.socket.send('again and again and again and again')
      assert.equal((await client.next()).data.toString(), 'again and again and again and again')
      client.socket.send('close 4002 app is done')
      assert.deepEqual(await client.closed, { code: 4002, reason: 'app is done' })
      await client.destroy()
    })

    test(`${title}: an ordinary request beside it`, options, async () => {
      const answer = await fetch(`http://127.0.0.1:${entry()}${path('plain')}`, { headers: { connection: 'close' } })
      assert.deepEqual([answer.status, await answer.text()], [200, `app ${path('plain')}`])
    })
  })
}
