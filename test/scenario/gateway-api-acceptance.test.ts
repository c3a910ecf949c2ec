// The acceptance cases of the Gateway API dialect about WebSockets, by number (docs/dialects.md lists all of them): one
// program, started with `sluice run -c FOLDER`, carries every route of this file.

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { type Authority, authority } from '../support/certificates.ts'
import { type EchoApp, startHttp2EchoApp } from '../support/echo-app.ts'
import { type EchoBackend, startEcho } from '../support/gateway-echo.ts'
import {
  type GatewayProgram,
  conditionsIn,
  filesOf,
  runStatus,
  startProgram,
  type StatusRun,
} from '../support/gateway-program.ts'
import { tcpServer, type TcpServer } from '../support/gateway-tcp.ts'
import { type Backend, caConfigMap, startTlsEcho } from '../support/gateway-tls-backend.ts'
import { gateway, pathRule, type Piece, route, service, to, withMetadata } from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'
import { listeningPort } from '../support/listening-port.ts'
import { delay, nextEvent, until, within } from '../support/waiting.ts'
import { type ClientRequest, webSocket, type WebSocketClient } from '../support/websocket-client.ts'

/** A backend that does not simply accept: 403 with a body, a 101 after a second, or no answer at all. */
interface Reluctant {
  readonly port: number
  stop(): Promise<void>
}

async function startReluctant(): Promise<Reluctant> {
  const server: Server = createServer()
  const sockets = new WebSocketServer({ noServer: true })
  const open = new Set<Socket>()
  const timers = new Set<NodeJS.Timeout>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => open.delete(socket))
  })
  server.on('upgrade', (request, socket: Socket, head) => {
    if (request.url === '/reluctant/refuse')
      return void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nnot here')
    if (request.url === '/reluctant/silent') return
    timers.add(setTimeout(() => sockets.handleUpgrade(request, socket, head, () => undefined), 1000))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: listeningPort(server),
    async stop() {
      for (const timer of timers) clearTimeout(timer)
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const running: { stop(): Promise<void> }[] = []
let v1: EchoBackend
let v2: EchoBackend
let secure: Backend
let bare: TcpServer
let firstBytes: number[]
let h2: EchoApp
let h2Plain: EchoBackend
let ca: Authority
let stranger: Authority
let manifests: readonly Piece[]
let program: GatewayProgram
let status: StatusRun

const keep = <T extends { stop(): Promise<void> }>(one: T): T => {
  running.push(one)
  return one
}

const backendTls = (name: string, caName: string): Piece => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'BackendTLSPolicy',
  metadata: { name, namespace: 'infra' },
  spec: {
    targetRefs: [{ group: '', kind: 'Service', name }],
    validation: { hostname: 'backend.test', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: caName }] },
  },
})

const filter = (type: string, field: string, value: Piece): Piece => ({ type, [field]: value })

before(async () => {
  ca = await authority('backends')
  stranger = await authority('strangers')
  const leaf = await ca.issue({ name: 'backend', dns: ['backend.test'] })
  v1 = keep(await startEcho('v1'))
  v2 = keep(await startEcho('v2'))
  secure = keep(await startTlsEcho('secure', leaf))
  firstBytes = []
  bare = keep(await tcpServer((socket) => socket.on('data', (data: Buffer) => firstBytes.push(data[0] ?? 0))))
  h2 = keep(await startHttp2EchoApp())
  h2Plain = keep(await startEcho('h2c', { h2c: true }))
  const reluctant = keep(await startReluctant())
  manifests = [
    gateway('gw'),
    route('plain', {
      rules: [
        pathRule('/ws', 'v1-ws'),
        pathRule('/any', 'v1'),
        pathRule('/split', 'v1', 'PathPrefix', { backendRefs: [to('v1', { weight: 9 }), to('v2', { weight: 1 })] }),
        pathRule('/app', 'v1', 'PathPrefix', {
          filters: [
            filter('URLRewrite', 'urlRewrite', {
              hostname: 'inside.test',
              path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' },
            }),
            filter('RequestHeaderModifier', 'requestHeaderModifier', {
              set: [{ name: 'x-set', value: 'new' }],
              add: [{ name: 'x-add', value: 'second' }],
              remove: ['x-gone'],
            }),
            filter('ResponseHeaderModifier', 'responseHeaderModifier', { set: [{ name: 'x-answer', value: 'seen' }] }),
          ],
        }),
        {
          matches: [{ path: { type: 'PathPrefix', value: '/moved' } }],
          filters: [filter('RequestRedirect', 'requestRedirect', { hostname: 'new.test', scheme: 'https' })],
        },
        pathRule('/mirrored', 'v1', 'PathPrefix', {
          filters: [filter('RequestMirror', 'requestMirror', { backendRef: to('silent') })],
        }),
        pathRule('/cors', 'v1', 'PathPrefix', {
          filters: [filter('CORS', 'cors', { allowOrigins: ['https://good.test'] })],
        }),
        pathRule('/sticky', 'pair', 'PathPrefix', { sessionPersistence: { sessionName: 'keeper', type: 'Cookie' } }),
        pathRule('/timely', 'v1', 'PathPrefix', { timeouts: { request: '500ms' } }),
      ],
    }),
    route('failing', {
      rules: [
        pathRule('/reluctant/refuse', 'reluctant'),
        pathRule('/reluctant/late', 'reluctant', 'PathPrefix', { timeouts: { request: '500ms' } }),
        pathRule('/reluctant/silent', 'reluctant', 'PathPrefix', { timeouts: { backendRequest: '500ms' } }),
        pathRule('/closed', 'closed'),
      ],
    }),
    route('secure', { rules: [pathRule('/secure', 'secure')] }),
    route('open', { rules: [pathRule('/open', 'open')] }),
    route('wrong-ca', { rules: [pathRule('/wrong-ca', 'wrong-ca')] }),
    route('h2', { rules: [pathRule('/h2/offers', 'h2-offers'), pathRule('/h2/plain', 'h2-plain')] }),
    route('idle', { rules: [pathRule('/idle', 'v1')] }, 'HTTPRoute', {
      annotations: { 'sluice.dev/stream-idle-timeout': '1s' },
    }),
    route('short', { rules: [pathRule('/short', 'v1')] }, 'HTTPRoute', {
      annotations: { 'sluice.dev/max-stream-duration': '700ms' },
    }),
    ...service('v1', [v1.port]),
    ...service('v1-ws', [v1.port], 'infra', { appProtocol: 'kubernetes.io/ws' }),
    ...service('v2', [v2.port]),
    ...pair(),
    ...service('silent', [bare.port]),
    ...service('reluctant', [reluctant.port]),
    ...service('closed', [1]),
    ...service('secure', [secure.port], 'infra', { appProtocol: 'kubernetes.io/wss' }),
    ...service('open', [bare.port], 'infra', { appProtocol: 'kubernetes.io/wss' }),
    ...service('wrong-ca', [secure.port], 'infra', { appProtocol: 'kubernetes.io/wss' }),
    ...service('h2-offers', [h2.port], 'infra', { appProtocol: 'kubernetes.io/h2c' }),
    ...service('h2-plain', [h2Plain.port], 'infra', { appProtocol: 'kubernetes.io/h2c' }),
    backendTls('secure', 'ca'),
    backendTls('wrong-ca', 'stranger'),
    caConfigMap('ca', ca),
    caConfigMap('stranger', stranger),
  ]
  program = await startProgram(manifests)
  status = await runStatus(filesOf(manifests))
})

after(async () => {
  await program.stop()
  for (const one of running) await one.stop()
  await nothingLeft()
})

/** A Service whose two endpoints are v1 and v2. */
function pair(): readonly Piece[] {
  const [both, ...slices] = service('pair', [v1.port])
  const [, second] = service('pair', [v2.port])
  return [both ?? {}, ...slices, withMetadata(second, { name: 'pair-second' })]
}

const dial = (path: string, more: Partial<ClientRequest> = {}): Promise<WebSocketClient> =>
  webSocket({ protocol: 'http1', port: program.port(), path, ...more })

async function echoes(client: WebSocketClient): Promise<void> {
  client.socket.send('Websocket Support!')
  assert.deepEqual(await client.next(), { data: Buffer.from('Websocket Support!'), binary: false })
  client.socket.send(Buffer.from([1, 2, 3, 4, 5, 6, 7]))
  assert.deepEqual(await client.next(), { data: Buffer.from([1, 2, 3, 4, 5, 6, 7]), binary: true })
}

/** The answer to a handshake that is not accepted. */
async function refusal(path: string): Promise<{ readonly status: number; readonly location: string; text: string }> {
  const socket = new WebSocket(`ws://127.0.0.1:${program.port()}${path}`)
  socket.on('error', () => undefined)
  socket.on('open', () => socket.terminate())
  const answer = new Promise<{ status: number; location: string; text: string }>((resolve, reject) => {
    socket.on('open', () => reject(new Error('the handshake was accepted')))
    socket.on('unexpected-response', (_, response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? '', text }),
      )
    })
  })
  return within(answer, `the refusal of ${path}`, 20_000)
}

const headersSeen = (path: string): Readonly<Record<string, string>> =>
  v1.seen.find((echo) => echo.path === path)?.headers ?? {}

const conditionsOf = (kind: string, name: string): readonly string[] =>
  conditionsIn(status.objects.find((each) => each.kind === kind && each.metadata.name === name)?.status)

test('case 1: a port of appProtocol ws echoes text and bytes, whatever the Origin', async () => {
  const client = await dial('/ws', { headers: { origin: 'ws://gateway/case-1' } })
  await echoes(client)
  await client.close()
})

test('case 2: the same without appProtocol, and a plain request to either port is a request', async () => {
  const client = await dial('/any')
  await echoes(client)
  await client.close()
  for (const path of ['/any', '/ws']) assert.equal((await program.ask({ path })).status, 200)
})

test('case 3: appProtocol wss with a BackendTLSPolicy is a WebSocket over TLS with that server name', async () => {
  const client = await dial('/secure')
  await echoes(client)
  await client.close()
  const { text } = await program.ask({ path: '/secure' })
  assert.equal(JSON.parse(text).sni, 'backend.test')
  assert.deepEqual(conditionsOf('BackendTLSPolicy', 'secure'), [
    'ResolvedRefs=True/ResolvedRefs',
    'Accepted=True/Accepted',
  ])
})

test('case 3: wss without a policy is 500 and UnsupportedProtocol, and nothing is sent to the backend', async () => {
  assert.equal((await refusal('/open')).status, 500)
  assert.ok(conditionsOf('HTTPRoute', 'open').includes('ResolvedRefs=False/UnsupportedProtocol'))
  assert.deepEqual(firstBytes, [])
})

test('case 3: a backend of another CA gives 5xx before any 101', async () => {
  const { status: code } = await refusal('/wrong-ca')
  assert.ok(code >= 500 && code <= 599, `${code}`)
})

test('case 4: a refusal arrives as it is, a closed port is 503, a silent backend 504', async () => {
  const refused = await refusal('/reluctant/refuse')
  assert.deepEqual([refused.status, refused.text], [403, 'not here'])
  assert.equal((await refusal('/closed')).status, 503)
  assert.equal((await refusal('/reluctant/silent')).status, 504)
})

test('case 5: rewrites and header changes act on the handshake, and frames pass as they are', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${program.port()}/app/chat?x=1`, {
    headers: { 'x-set': 'old', 'x-add': 'first', 'x-gone': 'here' },
  })
  const answer = nextEvent<{ headers: Record<string, string> }>(socket, 'upgrade')
  await nextEvent(socket, 'open')
  assert.equal((await answer).headers['x-answer'], 'seen')
  const seen = headersSeen('/chat?x=1')
  assert.equal(seen['host'], 'inside.test')
  assert.equal(seen['x-set'], 'new')
  assert.deepEqual(seen['x-add']?.split(/, ?/), ['first', 'second'])
  assert.equal(seen['x-gone'], undefined)
  const echo = nextEvent<Buffer>(socket, 'message')
  socket.send('GET /app/ x-gone')
  assert.equal((await echo).toString(), 'GET /app/ x-gone')
  socket.terminate()
})

test('case 6: a redirect answers in place of the upgrade', async () => {
  const { status: code, location } = await refusal('/moved/here')
  assert.deepEqual([code, location], [302, 'https://new.test/moved/here'])
})

test('case 7: weights 9:1 split 500 handshakes', async () => {
  const share = async (): Promise<number> => {
    const before = v1.seen.length
    for (let wave = 0; wave < 20; wave++)
      await Promise.all(
        Array.from({ length: 25 }, async () => {
          const client = await dial('/split')
          await client.destroy()
        }),
      )
    return (v1.seen.length - before) / 500
  }
  let seen = await share()
  for (let round = 0; round < 2 && Math.abs(seen - 0.9) > 0.05; round++) seen = await share()
  assert.ok(Math.abs(seen - 0.9) <= 0.05, `${seen}`)
})

test('case 8: the request timeout ends at the 101, and a late 101 is 504', async () => {
  const client = await dial('/timely')
  for (let round = 0; round < 6; round++) {
    await echoes(client)
    await delay(250)
  }
  await client.close()
  assert.equal((await refusal('/reluctant/late')).status, 504)
})

test('case 9: a silent WebSocket ends at the idle timeout of its route, one with pings stays', async () => {
  const silent = await dial('/idle')
  const talking = await dial('/idle')
  const started = performance.now()
  const pings = setInterval(() => talking.socket.ping(), 200)
  await within(silent.closed, 'the idle end')
  assert.ok(performance.now() - started >= 900)
  await delay(500)
  await echoes(talking)
  clearInterval(pings)
  await talking.close()
})

test('case 9: the longest life of a stream is the route’s, whatever moves', async () => {
  const client = await dial('/short')
  const pings = setInterval(() => client.socket.ping(), 100)
  await within(client.closed, 'the end of its time')
  clearInterval(pings)
})

test('case 11: a mirror that never answers gets no upgrade and delays nobody', async () => {
  const client = await dial('/mirrored')
  await echoes(client)
  await client.close()
  assert.ok(!firstBytes.includes('G'.charCodeAt(0)))
})

test('case 12: CORS keeps no WebSocket away', async () => {
  const client = await dial('/cors', { headers: { origin: 'https://evil.test' } })
  await echoes(client)
  await client.close()
})

test('case 13: an extended CONNECT of an HTTP/2 client is GET with Upgrade at the backend', async () => {
  const client = await dial('/any/h2', { protocol: 'http2' })
  await echoes(client)
  await client.close()
  const seen = v1.seen.find(({ path }) => path === '/any/h2')
  assert.equal(seen?.method, 'GET')
  assert.equal(seen.headers['upgrade'], 'websocket')
})

test('case 22: sessionPersistence sets its cookie on the 101, and the cookie leads back', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${program.port()}/sticky/first`)
  const answer = nextEvent<{ headers: { 'set-cookie'?: string[] } }>(socket, 'upgrade')
  await nextEvent(socket, 'open')
  const [cookie = ''] = (await answer).headers['set-cookie'] ?? []
  assert.match(cookie, /^keeper=[^;]+;/)
  socket.terminate()
  const backend = v1.seen.some(({ path }) => path === '/sticky/first') ? v1 : v2
  for (let round = 0; round < 8; round++) {
    const client = await dial(`/sticky/${round}`, { headers: { cookie: cookie.split(';')[0] ?? '' } })
    assert.ok(backend.seen.some(({ path }) => path === `/sticky/${round}`))
    await client.close()
  }
})

test('a WebSocket to a backend of h2c is an extended CONNECT where the backend offers it', async () => {
  const client = await dial('/h2/offers')
  await echoes(client)
  await client.close()
})

test('a WebSocket to a backend of h2c that does not offer it is refused, never sent in another protocol', async () => {
  const { status: code, text } = await refusal('/h2/plain')
  assert.equal(code, 502, text)
  assert.match(text, /SETTINGS_ENABLE_CONNECT_PROTOCOL/)
  assert.deepEqual(h2Plain.seen, [])
})

test('no tunnel is left behind', async () => {
  let left = ''
  const none = async (): Promise<true | undefined> => {
    const tunnels = await program.proxy.tunnels()
    left = tunnels.map(({ path }) => path).join()
    return tunnels.length === 0 ? true : undefined
  }
  await until(none, { what: 'no tunnel', detail: () => left })
})
