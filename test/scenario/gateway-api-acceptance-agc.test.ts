// The acceptance cases of the Gateway API dialect about Application Gateway for Containers, by number (docs/dialects.md lists
// all of them): one program, started with `sluice run -c FOLDER`, probes every backend of this file.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { WebSocketServer } from 'ws'
import { type Authority, authority, type Leaf } from '../support/certificates.ts'
import { startEcho } from '../support/gateway-echo.ts'
import { type GatewayProgram, startProgram } from '../support/gateway-program.ts'
import { tcpServer, type TcpServer } from '../support/gateway-tcp.ts'
import { caConfigMap } from '../support/gateway-tls-backend.ts'
import { gateway, pathRule, type Piece, route, service, withMetadata } from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'
import { answer, type Handler, type Probed, startProbed, upgradeRequired } from '../support/probed-backend.ts'
import { delay, until, within } from '../support/waiting.ts'
import { webSocket, type WebSocketClient } from '../support/websocket-client.ts'

/** The manifest of AGC's article on WebSockets, names included. */
const ARTICLE = `
apiVersion: alb.networking.azure.io/v1
kind: HealthCheckPolicy
metadata:
  name: websockets-backend-health-check-policy
  namespace: test-infra
spec:
  targetRef:
    group: ""
    kind: Service
    name: websockets-backend
    namespace: test-infra
  default:
    interval: 5s
    timeout: 3s
    healthyThreshold: 1
    unhealthyThreshold: 1
    http:
      path: /health
`

const AGC = { gatewayClassName: 'azure-alb-external' }
const QUICK = { interval: '200ms', timeout: '2s', healthyThreshold: 1, unhealthyThreshold: 2 }

const policy = (name: string, config: Piece): Piece => ({
  apiVersion: 'alb.networking.azure.io/v1',
  kind: 'HealthCheckPolicy',
  metadata: { name, namespace: 'infra' },
  spec: { targetRef: { group: '', kind: 'Service', name }, default: { ...QUICK, ...config } },
})

const tlsPolicy = (name: string): Piece => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'BackendTLSPolicy',
  metadata: { name, namespace: 'infra' },
  spec: {
    targetRefs: [{ group: '', kind: 'Service', name }],
    validation: { hostname: 'backend.test', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }] },
  },
})

const readyPod: Piece = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'ready-1', namespace: 'infra', labels: { app: 'ready' } },
  spec: {
    containers: [
      {
        name: 'app',
        ports: [{ containerPort: 3000 }],
        readinessProbe: { httpGet: { path: '/ready', port: 3000 }, periodSeconds: 1 },
      },
    ],
  },
}

let ca: Authority
let leaf: Leaf
let program: GatewayProgram
let startedMs = 0
let hanging: TcpServer
let body = 'all ok'
const backends = new Map<string, Probed>()

const backend = (name: string): Probed => {
  const found = backends.get(name)
  assert.ok(found !== undefined, name)
  return found
}

async function start(name: string, handler: Handler, options: { ws?: boolean; tls?: Leaf } = {}): Promise<number> {
  const started = await startProbed(handler, { ws: true, ...options })
  backends.set(name, started)
  return started.port
}

before(async () => {
  ca = await authority('backends')
  leaf = await ca.issue({ name: 'backend', dns: ['backend.test'] })
  hanging = await tcpServer(() => undefined)
  const clear = await start('clear', answer(204))
  const covered = await start('covered', answer(204), { tls: leaf })
  const ports = {
    'article-backend': await start('article', answer(200)),
    'only-websocket': await start('only-websocket', upgradeRequired),
    'expects-426': await start('expects-426', upgradeRequired),
    body: await start('body', (_, response) => response.writeHead(200).end(body)),
    'secure-clear': await start('secure-clear', answer(200), { tls: leaf }),
    'secure-covered': await start('secure-covered', answer(200), { tls: leaf }),
    'secure-same': await start('secure-same', answer(200), { tls: leaf }),
    ready: await start('ready', answer(200)),
    half: await start('half', answer(200)),
  }
  const services = Object.entries(ports).filter(([name]) => name !== 'article-backend' && name !== 'half')
  const rules = [...services.map(([name]) => name), 'hanging', 'half'].map((name) => pathRule(`/${name}`, name))
  program = await startProgram([
    gateway('gw', [{}], AGC),
    route('all', { rules: rules.slice(0, 8) }),
    route('more', { rules: rules.slice(8) }),
    ...services.flatMap(([name, port]) => service(name, [port])),
    ...service('hanging', [hanging.port]),
    ...halfService(ports.half),
    route(
      'article',
      { parentRefs: [{ name: 'gw', namespace: 'infra' }], rules: [pathRule('/article', 'websockets-backend')] },
      'HTTPRoute',
      { namespace: 'test-infra' },
    ),
    ...service('websockets-backend', [ports['article-backend']], 'test-infra'),
    ARTICLE,
    policy('expects-426', { http: { match: { statusCodes: [{ start: 426, end: 426 }] } } }),
    policy('body', { healthyThreshold: 2, http: { path: '/health', match: { body: 'ok' } } }),
    policy('secure-clear', { port: clear }),
    policy('secure-covered', { port: covered, useTLS: true }),
    policy('secure-same', { http: { path: '/same' } }),
    policy('half', {}),
    ...['secure-clear', 'secure-covered', 'secure-same'].map(tlsPolicy),
    caConfigMap('ca', ca),
    readyPod,
  ])
  startedMs = performance.now()
})

after(async () => {
  await program.stop()
  await hanging.stop()
  for (const each of backends.values()) await each.stop()
  await nothingLeft()
})

/** Two endpoints: one serves, nothing listens at the other. */
function halfService(port: number): readonly Piece[] {
  const [one = {}, slice = {}] = service('half', [port])
  const [, dead] = service('half', [1])
  return [one, slice, withMetadata(dead, { name: 'half-dead' })]
}

const handshake = async (path: string): Promise<number> => {
  const { status } = await program.ask({
    path,
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
  })
  return status
}

const becomes = (path: string, status: number): Promise<unknown> =>
  until(async () => ((await handshake(path)) === status ? true : undefined), {
    what: `a handshake of ${path} to give ${status}`,
    ms: 25_000,
  })

const probed = (name: string, count: number): Promise<unknown> =>
  until(() => (backend(name).seen.length >= count ? true : undefined), {
    what: `${count} probes of ${name}`,
    ms: 20_000,
  })

test('case 14: the article’s HealthCheckPolicy probes GET /health as localhost, every 5 seconds', async () => {
  await probed('article', 2)
  const { seen, times } = backend('article')
  assert.deepEqual(new Set(seen), new Set(['GET /health localhost']))
  const [first = 0, second = 0] = times
  assert.ok(second - first >= 4000, `${second - first} ms`)
  assert.equal(await handshake('/article'), 101)
})

test('case 15: without a policy a backend that refuses plain requests is 503 after three failures', async () => {
  await becomes('/only-websocket', 503)
  assert.ok(backend('only-websocket').seen.length >= 3)
  assert.ok(backend('only-websocket').seen.every((line) => line === 'GET / localhost'))
})

test('case 15: with 426 among the good answers it stays', async () => {
  await probed('expects-426', 5)
  assert.equal(await handshake('/expects-426'), 101)
})

test('case 16: match.body decides, and one success is not enough for healthyThreshold 2', async () => {
  assert.equal(await handshake('/body'), 101)
  body = 'no'
  await becomes('/body', 503)
  const failed = backend('body').seen.length
  body = 'all ok'
  await becomes('/body', 101)
  assert.ok(backend('body').seen.length >= failed + 2)
})

test('case 17: another port is probed in the clear, with useTLS in TLS, the Service’s own as its policy says', async () => {
  await Promise.all(['clear', 'covered', 'secure-same'].map((name) => probed(name, 3)))
  assert.equal(backend('clear').seen[0], 'GET / localhost')
  assert.equal(backend('covered').seen[0], 'https GET / localhost')
  assert.equal(backend('secure-same').seen[0], 'https GET /same localhost')
  for (const name of ['secure-clear', 'secure-covered', 'secure-same']) assert.equal(await handshake(`/${name}`), 101)
})

test('case 19: without a policy the Pod’s readinessProbe is asked', async () => {
  await probed('ready', 1)
  assert.deepEqual(new Set(backend('ready').seen), new Set(['GET /ready localhost']))
})

test('case 24: backendHealth counts healthy and unhealthy endpoints', async () => {
  const counted = async (): Promise<readonly number[]> => {
    const { body: text } = await program.proxy.admin('/backendHealth?service-name=infra/half/8080&detailed=true')
    const [{ totalEndpoints, totalHealthyEndpoints, totalUnhealthyEndpoints, endpoints }] =
      JSON.parse(text).services[0].serviceHealth
    const states = endpoints.map(({ health }: { health: { status: string } }) => health.status)
    assert.equal(states.length, 2)
    return [totalEndpoints, totalHealthyEndpoints, totalUnhealthyEndpoints]
  }
  await until(async () => ((await counted()).join() === '2,1,1' ? true : undefined), { what: 'one of two endpoints' })
})

test('case 37: a Service without a healthy endpoint is 503, for an upgrade as for a request', async () => {
  await becomes('/only-websocket', 503)
  const { status, headers } = await program.ask({ path: '/only-websocket' })
  assert.equal(status, 503)
  assert.match(headers['retry-after'] ?? '', /^\d+$/)
})

test('a probe that is not answered for 30 seconds does not keep the listeners closed that long', () => {
  const [firstProbe = 0] = backend('article').times
  assert.ok(firstProbe > 0)
  assert.ok(startedMs - firstProbe < 20_000, `${startedMs - firstProbe} ms`)
})

const open = async (of: GatewayProgram, protocol: 'http1' | 'http2'): Promise<WebSocketClient> => {
  const client = await webSocket({ protocol, port: of.port(), path: '/ws' })
  client.socket.send('hello')
  await client.next()
  return client
}

const simple = async (): Promise<{ readonly manifests: readonly Piece[]; stop(): Promise<void> }> => {
  const echo = await startEcho('v1')
  const manifests = [gateway('gw'), route('all', { rules: [pathRule('/', 'v1')] }), ...service('v1', [echo.port])]
  return { manifests, stop: echo.stop }
}

test('case 23: SIGTERM lets open WebSockets live until the drain time is over, then they get Close 1001', async () => {
  const { manifests, stop } = await simple()
  const draining = await startProgram(manifests, { args: ['--drain-time-s', '2'] })
  const one = await open(draining, 'http1')
  const two = await open(draining, 'http2')
  draining.proxy.signal('SIGTERM')
  await delay(500)
  for (const client of [one, two]) {
    client.socket.send('still here')
    assert.equal((await client.next()).data.toString(), 'still here')
  }
  await assert.rejects(open(draining, 'http1'))
  for (const client of [one, two]) {
    const { code, reason } = await within(client.closed, 'the Close')
    assert.deepEqual([code, reason], [1001, 'the proxy is stopping'])
  }
  assert.equal(await within(draining.proxy.exited, 'the end of the program'), 0)
  await one.destroy()
  await two.destroy()
  await draining.stop()
  await stop()
})

test('case 23: what the backend is told is 1001, too', async () => {
  const codes: number[] = []
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server.on('connection', (socket) => {
    socket.on('message', (data) => socket.send(data))
    socket.on('close', (code) => codes.push(code))
  })
  await new Promise((resolve) => server.on('listening', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const stopping = await startProgram([
    gateway('gw'),
    route('all', { rules: [pathRule('/', 'v1')] }),
    ...service('v1', [port]),
  ])
  const client = await open(stopping, 'http1')
  await stopping.stop()
  await until(() => codes[0], { what: 'the Close at the backend' })
  assert.deepEqual(codes, [1001])
  await client.destroy()
  await new Promise((resolve) => server.close(resolve))
})

test('two workers run the same manifests', async () => {
  const { manifests, stop } = await simple()
  const fleet = await startProgram(manifests, { args: ['--drain-time-s', '0', '--concurrency', '2'] })
  const clients = await Promise.all(Array.from({ length: 8 }, () => open(fleet, 'http1')))
  assert.equal((await fleet.proxy.tunnels()).length, 8)
  for (const client of clients) await client.close()
  await fleet.stop()
  await stop()
})
