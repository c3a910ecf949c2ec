import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { WebSocketServer } from 'ws'
import { literalTemplate } from '../../../../src/config/model/format-parse.ts'
import type { HealthCheck } from '../../../../src/config/model/health-check.ts'
import { nothingLeft } from '../../../support/leaks.ts'
import { grpcProbe, httpProbe, probeOnce, probing, tcpProbe, webSocketProbe, words } from './probe.ts'
import { startGrpcHealthApp } from '../../../support/grpc-health-app.ts'
import { listeningPort } from '../../../support/listening-port.ts'

let app: Server
let port: number
const seen: { request: IncomingMessage; body: string }[] = []
let connections = 0

before(async () => {
  app = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      seen.push({ request, body: Buffer.concat(pieces).toString() })
      const [, status = '200', text = ''] = (request.url ?? '').split('/')
      response.statusCode = Number(status) || 200
      if (text === 'degraded') response.setHeader('x-envoy-degraded', '')
      if (text === 'named') response.setHeader('x-envoy-upstream-healthchecked-cluster', 'app-eu')
      if (text === 'close') response.setHeader('connection', 'close')
      if (text === 'endless') {
        const write = (): void => {
          while (response.writable && response.write(Buffer.alloc(65_536, 'x')));
        }
        response.on('drain', write)
        write()
        return
      }
      response.setHeader('x-status', 'healthy')
      response.end(`all ${text}\n`)
    })
  })
  app.on('connection', () => connections++)
  port = await listening(app)
})

after(async () => {
  app.closeAllConnections()
  await new Promise<void>((resolve) => app.close(() => resolve()))
  await nothingLeft()
})

function listening(server: {
  listen(port: number, host: string, done: () => void): unknown
  address(): AddressInfo | string | null
}) {
  return new Promise<number>((resolve) => server.listen(0, '127.0.0.1', () => resolve(listeningPort(server))))
}

const exact = (name: string, value: string) => ({
  name,
  match: { kind: 'exact' as const, value, ignoreCase: false },
})
const bytes = (text: string) => ({ kind: 'bytes' as const, bytes: Buffer.from(text) })

const ANSWERS: readonly (readonly [name: string, check: Partial<HealthCheck>, words: string])[] = [
  ['the expected status', { probe: httpProbe() }, 'passed'],
  ['another status', { probe: httpProbe({ path: '/503' }) }, 'active: answered 503 to GET /503'],
  [
    "another status by Envoy's rule",
    { probe: httpProbe({ path: '/503' }), wrongAnswer: 'fails' },
    'active!: answered 503 to GET /503',
  ],
  [
    "a retriable status by Envoy's rule",
    { probe: httpProbe({ path: '/503', retriable: [{ first: 500, last: 599 }] }), wrongAnswer: 'fails' },
    'active: answered 503 to GET /503',
  ],
  // easegress.md, acceptance case 34.
  [
    'a status of a second range with its body',
    {
      probe: httpProbe({
        path: '/404/ok',
        expected: [
          { first: 200, last: 299 },
          { first: 400, last: 499 },
        ],
        expectedBody: [bytes('ok')],
      }),
    },
    'passed',
  ],
  [
    'a redirect, which is not followed',
    {
      probe: httpProbe({
        path: '/302/ok',
        expected: [
          { first: 200, last: 299 },
          { first: 400, last: 499 },
        ],
      }),
    },
    'active: answered 302 to GET /302/ok',
  ],
  // agc-gateway-api.md, acceptance case 16.
  ['a body that has it', { probe: httpProbe({ path: '/200/ok', expectedBody: [bytes('ok')] }) }, 'passed'],
  [
    'a body without it',
    { probe: httpProbe({ path: '/200/no', expectedBody: [bytes('ok')] }) },
    'active: answered 200 to GET /200/no without the expected body',
  ],
  [
    'pieces in their order',
    { probe: httpProbe({ path: '/200/ok', expectedBody: [bytes('all'), bytes('ok')] }) },
    'passed',
  ],
  [
    'pieces in another order',
    { probe: httpProbe({ path: '/200/ok', expectedBody: [bytes('ok'), bytes('all')] }) },
    'active: answered 200 to GET /200/ok without the expected body',
  ],
  [
    'a body that has it too late',
    { probe: httpProbe({ path: '/200/ok', expectedBody: [bytes('ok')], maxBodyBytes: 5 }) },
    'active: answered 200 to GET /200/ok without the expected body',
  ],
  ['an expected field', { probe: httpProbe({ expectedHeaders: [exact('x-status', 'healthy')] }) }, 'passed'],
  [
    'another value of a field',
    { probe: httpProbe({ expectedHeaders: [exact('x-status', 'ill')] }) },
    'active: answered 200 to GET / without the expected x-status field',
  ],
  ['degraded', { probe: httpProbe({ path: '/200/degraded' }) }, 'degraded'],
  [
    'the cluster it says it is',
    { probe: httpProbe({ path: '/200/named', serviceName: { kind: 'prefix', value: 'app', ignoreCase: false } }) },
    'passed',
  ],
  [
    'another cluster',
    { probe: httpProbe({ path: '/200/named', serviceName: { kind: 'exact', value: 'app', ignoreCase: false } }) },
    'active: answered 200 to GET /200/named for another cluster',
  ],
  ['a method without a body', { probe: httpProbe({ method: 'HEAD' }) }, 'passed'],
  ['an answer without end', { probe: httpProbe({ path: '/200/endless' }) }, 'passed'],
]

for (const [name, check, expected] of ANSWERS) {
  test(`an HTTP check answered by ${name}`, async () => {
    assert.equal(words(await probeOnce(port, check)), expected)
  })
}

test('an HTTP check sends its fields and body, and cannot be made to frame them wrongly', async () => {
  const add = [
    ['x-probe', 'yes'],
    ['user-agent', 'mine'],
    ['content-length', '3'],
    ['transfer-encoding', 'chunked'],
    ['host', 'other'],
  ].map(([header = '', value = '']) => ({
    name: header,
    value: literalTemplate(value),
    action: 'overwrite-or-add' as const,
    keepEmpty: false,
  }))
  const probe = httpProbe({
    method: 'POST',
    path: '/200/x?y=1',
    host: 'app.test:81',
    headers: { add, remove: [] },
    body: Buffer.from('hello'),
  })
  assert.equal(words(await probeOnce(port, { probe })), 'passed')
  const last = seen.at(-1)
  assert.deepEqual(last?.request.headers, {
    host: 'app.test:81',
    'user-agent': 'mine',
    'content-length': '5',
    'x-probe': 'yes',
  })
  assert.deepEqual([last?.request.method, last?.request.url, last?.body], ['POST', '/200/x?y=1', 'hello'])
})

test('without a host the name of the cluster is asked for, as Envoy does', async () => {
  await probeOnce(port, { probe: httpProbe() })
  assert.equal(seen.at(-1)?.request.headers.host, 'app')
  assert.equal(seen.at(-1)?.request.headers['user-agent'], 'Envoy/HC')
})

test('connections are kept between probes, or not', async () => {
  for (const [reuse, path, opened] of [
    [true, '/', 1],
    [false, '/', 3],
    [true, '/200/close', 3],
  ] as const) {
    const before = connections
    const made = probing(port, { probe: httpProbe({ path }), reuseConnection: reuse })
    for (let i = 0; i < 3; i++) assert.equal(words(await made.once()), 'passed')
    made.close()
    assert.equal(connections - before, opened)
  }
})

test('a kept connection that the server closed meanwhile is no failure', async () => {
  const made = probing(port, { probe: httpProbe() })
  assert.equal(words(await made.once()), 'passed')
  app.closeAllConnections()
  assert.equal(words(await made.once()), 'passed')
  made.close()
})

test('an HTTP check over HTTP/2', async () => {
  const server = createHttp2Server((request, response) => response.end(`${request.httpVersion} ok`))
  const http2 = await listening(server)
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', (session) => sessions.add(session))
  const probe = httpProbe({ version: 'http2', expectedBody: [bytes('2.0 ok')] })
  const made = probing(http2, { probe })
  assert.equal(words(await made.once()), 'passed')
  assert.equal(words(await made.once()), 'passed')
  assert.equal(sessions.size, 1)
  made.close()
  assert.match(words(await probeOnce(port, { probe })), /^network: GET \/: /)
  for (const session of sessions) session.destroy()
  await new Promise<void>((resolve) => server.close(() => resolve()))
})

/** A server that does with each connection what it is told. */
async function withTcp(handle: (socket: Socket) => void, run: (port: number) => Promise<void>): Promise<void> {
  const open = new Set<Socket>()
  const server = createTcpServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    handle(socket)
  })
  await run(await listening(server))
  for (const socket of open) socket.destroy()
  await new Promise<void>((resolve) => server.close(() => resolve()))
}

const KINDS: readonly (readonly [name: string, check: Partial<HealthCheck>])[] = [
  ['http', { probe: httpProbe() }],
  ['http2', { probe: httpProbe({ version: 'http2' }) }],
  ['grpc', { probe: grpcProbe() }],
  ['websocket', { probe: webSocketProbe({ ping: true }) }],
  ['tcp', { probe: tcpProbe({ send: Buffer.from('ping'), receive: [Buffer.from('pong')] }) }],
]

const BAD_SERVERS: readonly (readonly [name: string, handle: (socket: Socket) => void, outcome: RegExp])[] = [
  ['accepts and is silent', (socket) => void socket.resume(), /^timeout: no /],
  ['resets', (socket) => void socket.resetAndDestroy(), /^network: /],
  ['closes at once', (socket) => void socket.destroy(), /^network: /],
  ['sends garbage', (socket) => void socket.end('\0\u0001garbage\r\n\r\n'.repeat(9000)), /^network: /],
  [
    'sends garbage without end',
    (socket) => {
      const write = (): void => {
        while (socket.writable && socket.write(Buffer.alloc(65_536, 'g')));
      }
      socket.on('drain', write)
      write()
    },
    /^network: /,
  ],
]

for (const [server, handle, outcome] of BAD_SERVERS) {
  test(`a server that ${server} fails every check and keeps nothing open`, async () => {
    await withTcp(handle, async (bad) => {
      for (const [kind, check] of KINDS) {
        assert.match(words(await probeOnce(bad, { ...check, timeoutMs: 400 })), outcome, kind)
      }
    })
  })
}

test('nobody listens', async () => {
  const server = createTcpServer()
  const free = await listening(server)
  await new Promise<void>((resolve) => server.close(() => resolve()))
  for (const [kind, check] of [...KINDS, ['connect', { probe: tcpProbe() }] as const]) {
    assert.match(words(await probeOnce(free, check)), /^network: .*refused/i, kind)
  }
})

test('a server that speaks only WebSocket is well for TCP and WebSocket checks, and HTTP checks are told why not', async () => {
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await new Promise((resolve) => sockets.once('listening', resolve))
  const only = listeningPort(sockets)
  assert.equal(
    words(await probeOnce(only, { probe: httpProbe() })),
    'active: answered 426 to GET / (a server that speaks only WebSocket answers plain requests so; use a tcp or websocket check)',
  )
  // agc-gateway-api.md, acceptance case 15.
  assert.equal(words(await probeOnce(only, { probe: httpProbe({ expected: [{ first: 426, last: 426 }] }) })), 'passed')
  assert.equal(words(await probeOnce(only, { probe: tcpProbe() })), 'passed')
  assert.equal(words(await probeOnce(only, { probe: webSocketProbe({ ping: true }) })), 'passed')
  await new Promise<void>((resolve) => sockets.close(() => resolve()))
})

test('only a serving gRPC service passes', async () => {
  const grpc = await startGrpcHealthApp()
  const expected: Readonly<Record<string, string>> = {
    '': 'passed',
    down: 'active: is NOT_SERVING',
    odd: 'active: is SERVICE_UNKNOWN',
    none: 'active: is UNKNOWN',
    missing: 'active: gRPC status 5: the service is unknown to it',
  }
  grpc.services.set('down', 2).set('odd', 3).set('none', 0)
  for (const [service, outcome] of Object.entries(expected)) {
    assert.equal(words(await probeOnce(grpc.port, { probe: grpcProbe(service) })), outcome)
    assert.equal(grpc.checks.at(-1)?.service, service)
  }
  const made = probing(grpc.port, { probe: grpcProbe('down'), wrongAnswer: 'fails' })
  const before = grpc.sessions
  assert.equal(words(await made.once()), 'active!: is NOT_SERVING')
  grpc.services.set('down', 1)
  assert.equal(words(await made.once()), 'passed')
  assert.equal(grpc.sessions - before, 1)
  made.close()
  assert.equal(grpc.checks.at(-1)?.headers['te'], 'trailers')
  assert.equal(grpc.checks.at(-1)?.headers[':authority'], 'app')
  await grpc.stop()
})
