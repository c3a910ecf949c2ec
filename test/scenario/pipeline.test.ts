// Pipelines in front of an application: WebSockets through checks and adaptors, refusals with the right status over both
// versions, answers made on the way, failures turned into answers, bodies within their bounds, clients that leave.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import bcrypt from 'bcryptjs'
import type { PipelineFilter, PipelineText } from '../../src/config/model/pipeline.ts'
import { compileRegex, isRegex } from '../../src/config/source/regex.ts'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { http2Session, type Http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import {
  type MakeSteps,
  NO_HEADERS,
  type PipelineProxy,
  startPipelines,
  step,
  text,
} from '../support/pipeline-model.ts'
import { rawClient, upgradeRequest } from '../support/raw-client.ts'
import { delay, until } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

const SECRET = 'a secret of at least thirty-two bytes'
const LIMIT = 64 * 1024

const regex = (source: string): Extract<PipelineFilter, { kind: 'redirector' }>['regex'] => {
  const compiled = compileRegex(source)
  if (!isRegex(compiled)) throw new Error(compiled.reason)
  return compiled
}

const jwt: PipelineFilter = {
  kind: 'validator',
  checks: [{ kind: 'jwt', algorithm: 'HS256', key: Buffer.from(SECRET), cookieName: 'token' }],
}
const basic: PipelineFilter = {
  kind: 'validator',
  checks: [{ kind: 'basic-auth', users: new Map([['ann', bcrypt.hashSync('right', 4)]]) }],
}
const limiter = (limitForPeriod: number, timeoutMs = 0): PipelineFilter => ({
  kind: 'rate-limiter',
  rules: [{ methods: [], url: [], policy: { timeoutMs, refreshPeriodMs: 3_600_000, limitForPeriod } }],
})
const adapt: PipelineFilter = {
  kind: 'request-adaptor',
  method: text('DELETE'),
  host: undefined,
  path: { kind: 'replace-prefix', prefix: '/ws', value: '/chat' },
  headers: {
    set: [
      ['x-set', text('yes')],
      ['sec-websocket-key', text('forged')],
    ],
    add: [],
    remove: ['upgrade', 'connection', 'x-gone'],
  },
  body: undefined,
}
const mock = (delayMs: number): PipelineFilter => ({
  kind: 'mock',
  rules: [
    {
      match: { path: '', pathPrefix: '', headers: [], matchAllHeaders: false },
      status: 202,
      headers: [['X-Mock', 'yes']],
      body: 'mocked',
      delayMs,
    },
  ],
})
const fallback: PipelineFilter = { kind: 'fallback', status: 203, headers: [['x-fallback', 'yes']], body: 'instead' }
const looked = (name: string): PipelineText => ({
  source: '',
  parts: [
    { kind: 'text', text: 'status ' },
    { kind: 'lookup', value: { kind: 'response-status', namespace: name }, changes: [] },
  ],
})

const PIPELINES: Readonly<Record<string, MakeSteps>> = {
  ws: (action) => [
    step('auth', jwt),
    step('limit', limiter(1000)),
    step('adapt', adapt),
    step('proxy', { kind: 'websocket-proxy', action }),
    step('mark', {
      kind: 'response-adaptor',
      headers: {
        set: [
          ['x-marked', text('yes')],
          ['sec-websocket-accept', text('forged')],
        ],
        add: [],
        remove: ['upgrade'],
      },
      body: text('never on a tunnel'),
    }),
  ],
  basic: (action) => [
    step('auth', basic),
    step('proxy', { kind: 'proxy', action, breaker: undefined, failureStatuses: new Set() }),
  ],
  header: (action) => [
    step('check', {
      kind: 'validator',
      checks: [{ kind: 'header', name: 'x-key', values: ['1', '2'], regex: undefined }],
    }),
    step('proxy', { kind: 'proxy', action, breaker: undefined, failureStatuses: new Set() }),
  ],
  limited: (action) => [step('limit', limiter(1)), step('proxy', { kind: 'websocket-proxy', action })],
  mock: () => [step('mock', mock(0))],
  slow: () => [step('mock', mock(3_600_000))],
  delayed: () => [step('mock', mock(30))],
  redirect: () => [
    step('to', {
      kind: 'redirector',
      matchPart: 'uri',
      regex: regex('^/redirect/(.*)'),
      replacement: '/new/\\1',
      status: 302,
    }),
  ],
  nothing: () => [step('adapt', adapt)],
  failure: (action) => [
    step(
      'proxy',
      { kind: 'proxy', action, breaker: undefined, failureStatuses: new Set([500]) },
      { jumpIf: { failureCode: 'instead' } },
    ),
    step('mark', {
      kind: 'response-adaptor',
      headers: { ...NO_HEADERS, set: [['x-marked', text('yes')]] },
      body: undefined,
    }),
    step('end', { kind: 'end' }),
    step('instead', fallback),
  ],
  replaced: (action) => [
    step(
      'proxy',
      { kind: 'proxy', action, breaker: undefined, failureStatuses: new Set([200]) },
      { jumpIf: { failureCode: 'late' } },
    ),
    step('late', mock(20)),
  ],
  gone: (action) => [
    step('proxy', { kind: 'websocket-proxy', action }, { jumpIf: { serverError: 'late' } }),
    step('end', { kind: 'end' }),
    step('late', mock(20)),
  ],
  built: (action) => [
    step(
      'request',
      {
        kind: 'request-builder',
        source: '',
        method: text('PUT'),
        url: text('/echo/built?a=b'),
        headers: [['x-built', text('yes')]],
        body: text('made here'),
      },
      { namespace: 'other' },
    ),
    step('proxy', { kind: 'proxy', action, breaker: undefined, failureStatuses: new Set() }, { namespace: 'other' }),
    step('response', { kind: 'response-builder', source: '', status: text('201'), headers: [], body: looked('other') }),
  ],
  copied: (action) => [
    step(
      'request',
      { kind: 'request-builder', source: 'DEFAULT', method: undefined, url: undefined, headers: [], body: undefined },
      { namespace: 'other' },
    ),
    step('proxy', { kind: 'proxy', action, breaker: undefined, failureStatuses: new Set() }, { namespace: 'other' }),
    step('response', { kind: 'response-builder', source: 'other', status: undefined, headers: [], body: undefined }),
  ],
  body: (action) => [
    step('adapt', {
      kind: 'request-adaptor',
      method: undefined,
      host: text('other.example'),
      path: undefined,
      headers: NO_HEADERS,
      body: text('replaced'),
    }),
    step('proxy', { kind: 'proxy', action, breaker: undefined, failureStatuses: new Set() }),
    step('answer', { kind: 'response-adaptor', headers: NO_HEADERS, body: text('answer replaced') }),
  ],
  pass: (action) => [step('proxy', { kind: 'proxy', action, breaker: undefined, failureStatuses: new Set() })],
}

let echo: EchoApp
let app: Server
let proxy: PipelineProxy
let h2: Http2Session

const portOf = (server: Server): number => {
  const address: AddressInfo | string | null = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Tells what it saw: `METHOD host path body`. */
async function tell(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return `${request.method} ${request.headers.host} ${request.url} ${body}`
}

before(async () => {
  echo = await startEchoApp({ deflate: false })
  app = createServer((request, response) => {
    response.statusCode = request.url?.includes('broken') === true ? 500 : 200
    response.setHeader('x-app', 'yes')
    tell(request).then(
      (told) => response.end(told),
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const webSockets = ['ws', 'limited']
  const routes = Object.keys(PIPELINES).map((name) =>
    route(`/${name}`, name === 'gone' ? 'nobody' : webSockets.includes(name) ? 'echo' : 'app'),
  )
  proxy = await startPipelines(
    bootstrap(
      [listener({ name: 'in', routes })],
      [
        cluster({ name: 'echo', port: echo.port }),
        cluster({ name: 'app', port: portOf(app) }),
        cluster({ name: 'nobody', port: 9 }),
      ],
    ),
    PIPELINES,
    { maxRequestBodyBytes: LIMIT },
  )
  h2 = await http2Session(`http://127.0.0.1:${proxy.port('in')}`)
})

after(async () => {
  await h2.close()
  await proxy.stop()
  await echo.stop()
  app.closeAllConnections()
  await new Promise((resolve) => app.close(resolve))
  await nothingLeft()
})

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function token(secret = SECRET, algorithm = 'HS256', claims: object = {}): string {
  const signed = `${base64url({ alg: algorithm, typ: 'JWT' })}.${base64url({ sub: 'ann', ...claims })}`
  const hash = algorithm === 'HS512' ? 'sha512' : 'sha256'
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`
}

const url = (path: string): string => `http://127.0.0.1:${proxy.port('in')}${path}`

/** Asks for a WebSocket by HTTP/1.1 or HTTP/2; what is refused has a status. */
async function ask(
  protocol: 'http1' | 'http2',
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; headers: ReadonlyMap<string, string> }> {
  if (protocol === 'http2') {
    const answer = await h2.tunnel(path, 'websocket', { 'sec-websocket-version': '13', ...headers })
    answer.stream.close()
    return { status: answer.status, headers: new Map(Object.entries(answer.headers).map(([k, v]) => [k, String(v)])) }
  }
  const client = await rawClient(proxy.port('in'))
  client.write(upgradeRequest(path, 'websocket', { headers }))
  const answer = await client.answer()
  client.close()
  return answer
}

describe('a WebSocket through a pipeline', () => {
  for (const protocol of ['http1', 'http2'] as const) {
    test(`passes a token check, a limit and an adaptor over ${protocol}, and echoes`, async () => {
      const path = `/ws/${protocol}`
      const headers = { authorization: `Bearer ${token()}`, 'x-gone': 'x' }
      const client = await webSocket({ protocol, port: proxy.port('in'), path, headers })
      client.socket.send('hello')
      assert.equal((await client.next()).data.toString(), 'hello')
      const visit = await echo.visit(`/chat/${protocol}`)
      assert.equal(visit.headers['x-set'], 'yes')
      assert.equal(visit.headers['x-gone'], undefined)
      assert.notEqual(visit.headers['sec-websocket-key'], 'forged')
      await client.close()
    })

    test(`the token may come in a cookie over ${protocol}`, async () => {
      const headers = { cookie: `a=b; token=${token()}` }
      const client = await webSocket({ protocol, port: proxy.port('in'), path: '/ws/cookie', headers })
      await client.close()
    })

    for (const [what, headers] of [
      ['no token', {}],
      ['a token of another secret', { authorization: `Bearer ${token('another secret, also of some length')}` }],
      ['another algorithm', { authorization: `Bearer ${token(SECRET, 'HS512')}` }],
      ['an unsigned token', { authorization: `Bearer ${base64url({ alg: 'none' })}.${base64url({})}.` }],
      ['an expired token', { authorization: `Bearer ${token(SECRET, 'HS256', { exp: 1000 })}` }],
    ] as const) {
      test(`is refused with 401 over ${protocol}: ${what}`, async () => {
        const visits = echo.visits.length
        const answer = await ask(protocol, '/ws/refused', headers)
        assert.equal(answer.status, 401)
        assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/)
        assert.match(answer.headers.get('x-sluice-reason') ?? '', /^unauthenticated; at="pipeline.yaml:7"/)
        assert.equal(echo.visits.length, visits, 'the application hears nothing of it')
      })
    }
  }

  test('the answer is marked and stays a handshake', async () => {
    const answer = await ask('http1', '/ws/marked', { authorization: `Bearer ${token()}` })
    assert.equal(answer.status, 101)
    assert.equal(answer.headers.get('x-marked'), 'yes')
    assert.equal(answer.headers.get('upgrade'), 'websocket')
    assert.equal(answer.headers.get('sec-websocket-accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  })

  test('is refused with 429 beyond the limit, and nothing behind it is read as a request', async () => {
    assert.equal((await ask('http1', '/limited/1')).status, 101)
    for (const protocol of ['http1', 'http2'] as const) {
      const answer = await ask(protocol, '/limited/2')
      assert.equal(answer.status, 429)
      assert.equal(answer.headers.get('x-eg-rate-limiter'), 'too-many-requests')
    }
    const client = await rawClient(proxy.port('in'))
    client.write(`${upgradeRequest('/limited/3')}GET /mock HTTP/1.1\r\nhost: a\r\n\r\n`)
    assert.equal((await client.answer()).status, 429)
    assert.doesNotMatch((await client.rest()).toString(), /mocked/)
    client.close()
  })

  test('a mocked 202 never counts as an acceptance', async () => {
    assert.equal((await ask('http1', '/mock')).status, 202)
    assert.equal((await ask('http2', '/mock')).status, 502)
  })

  test('a backend that is not there becomes the answer of a later step', async () => {
    const answer = await ask('http1', '/gone')
    assert.equal(answer.status, 202)
    assert.equal(answer.headers.get('x-mock'), 'yes')
  })
})

describe('a request through a pipeline', () => {
  test('a right password passes, again from memory; a wrong one, an unknown user and none get 401', async () => {
    const login = (user: string, password: string): RequestInit => ({
      headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
    })
    assert.equal((await fetch(url('/basic'), login('ann', 'right'))).status, 200)
    assert.equal((await fetch(url('/basic'), login('ann', 'right'))).status, 200)
    for (const init of [login('ann', 'wrong'), login('bob', 'right'), {}]) {
      const answer = await fetch(url('/basic'), init)
      assert.equal(answer.status, 401)
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic realm=/)
      await answer.text()
    }
  })

  test('a missing or other header gets 400', async () => {
    assert.equal((await fetch(url('/header'), { headers: { 'x-key': '2' } })).status, 200)
    assert.equal((await fetch(url('/header'), { headers: { 'x-key': '3' } })).status, 400)
    assert.equal((await fetch(url('/header'))).status, 400)
  })

  test('mock, delayed mock and redirector answer themselves', async () => {
    for (const path of ['/mock', '/delayed']) {
      const answer = await fetch(url(path), { method: 'POST', body: 'ignored' })
      assert.equal(answer.status, 202)
      assert.equal(answer.headers.get('x-mock'), 'yes')
      assert.equal(answer.headers.get('x-sluice-reason'), null)
      assert.equal(await answer.text(), 'mocked')
    }
    const moved = await fetch(url('/redirect/a?b'), { redirect: 'manual' })
    assert.equal(moved.status, 302)
    assert.equal(moved.headers.get('location'), '/new/a?b')
  })

  test('a pipeline that ends with nothing is a 503 that names it', async () => {
    const answer = await fetch(url('/nothing'))
    assert.equal(answer.status, 503)
    assert.match(await answer.text(), /pipeline "nothing" ended without a response/i)
  })

  test('failureCode jumps to the fallback, all else goes on', async () => {
    const good = await fetch(url('/failure'))
    assert.equal(good.status, 200)
    assert.equal(good.headers.get('x-marked'), 'yes')
    assert.match(await good.text(), /^GET .* \/failure $/)
    const bad = await fetch(url('/failure/broken'))
    assert.equal(bad.status, 203)
    assert.equal(bad.headers.get('x-fallback'), 'yes')
    assert.equal(bad.headers.get('x-app'), 'yes')
    assert.equal(await bad.text(), 'instead')
  })

  test('an answer gives way to one that takes time, with what is left of its body', async () => {
    for (let round = 0; round < 3; round++) {
      const answer = await fetch(url('/replaced'), { method: 'POST', body: 'z'.repeat(60_000) })
      assert.equal(answer.status, 202)
      assert.equal(await answer.text(), 'mocked')
    }
  })

  test('a request of another namespace goes up, and its answer can be read and taken over', async () => {
    const built = await fetch(url('/built'), { method: 'POST', body: 'dropped' })
    assert.equal(built.status, 201)
    assert.equal(await built.text(), 'status 200')
    const copied = await fetch(url('/copied'), { method: 'POST', body: 'kept' })
    assert.equal(copied.status, 200)
    assert.match(await copied.text(), /^POST .* \/copied kept$/)
  })

  test('bodies are replaced both ways, with a length that is right', async () => {
    const answer = await fetch(url('/body'), { method: 'POST', body: 'x'.repeat(5000) })
    assert.equal(await answer.text(), 'answer replaced')
    assert.equal(answer.headers.get('content-length'), '15')
    const again = await fetch(url('/body'))
    assert.equal(await again.text(), 'answer replaced')
  })

  test('a body beyond the limit of the route gets 413, announced or not', async () => {
    assert.equal((await fetch(url('/pass'), { method: 'POST', body: 'x'.repeat(LIMIT) })).status, 200)
    assert.equal((await fetch(url('/pass'), { method: 'POST', body: 'x'.repeat(LIMIT + 1) })).status, 413)
    const client = await rawClient(proxy.port('in'))
    client.write('POST /pass HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n')
    const chunk = `4000\r\n${'y'.repeat(0x4000)}\r\n`
    for (let sent = 0; sent <= LIMIT; sent += 0x4000) client.write(chunk)
    assert.equal((await client.answer()).status, 413)
    client.close()
  })
})

describe('a client that leaves while a step waits', () => {
  for (const kind of ['request', 'upgrade'] as const) {
    test(`ends an ${kind} there and then`, async () => {
      const client = await rawClient(proxy.port('in'))
      client.write(kind === 'upgrade' ? upgradeRequest('/slow') : 'GET /slow HTTP/1.1\r\nhost: a\r\n\r\n')
      const active = (): number => gauge('downstream_rq_active')
      await until(() => (active() === 1 ? true : undefined), { what: 'the request to wait' })
      client.reset()
      await until(() => (active() === 0 ? true : undefined), { what: 'the request to end' })
    })
  }

  test('by a reset of its HTTP/2 stream, too', async () => {
    const stream = h2.session.request({ ':path': '/slow' })
    stream.on('error', () => undefined)
    await delay(50)
    stream.close(8)
    await until(() => (gauge('downstream_rq_active') === 0 ? true : undefined), { what: 'the request to end' })
  })
})

function gauge(name: string): number {
  let sum = 0
  for (const stat of proxy.proxy.services.registry.all())
    if (stat.kind === 'gauge' && stat.name.endsWith(name)) sum += stat.value
  return sum
}
