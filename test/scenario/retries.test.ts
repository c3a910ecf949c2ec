// Requests and upgrades that are tried again: what makes another try, where it goes, what of the request is sent again, and
// what the client, the log and the statistics are told.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import {
  createServer as createHttp2Server,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { bootstrap, cluster, endpoint, fileLog, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { acceptHttp2WebSocket } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient } from '../support/raw-client.ts'
import { type ScriptedApp, startScriptedApp } from '../support/scripted-app.ts'
import { delay, until } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

const FAST = { base_interval: '0.001s', max_interval: '0.005s' }
const retry = (retry_on: string, num_retries: number, more: YamlMap = {}): YamlMap => ({
  retry_policy: { retry_on, num_retries, retry_back_off: FAST, ...more },
})
const PREVIOUS_HOSTS = [
  {
    name: 'envoy.retry_host_predicates.previous_hosts',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
    },
  },
]

const LIMIT = 64 * 1024
const LOG = join(tmpdir(), `sluice-retries-${process.pid}.log`)

const ROUTES: readonly YamlMap[] = [
  route('/resets', 'app', retry('reset', 3)),
  route('/codes', 'app', retry('retriable-status-codes', 2, { retriable_status_codes: [503] })),
  route('/other-code', 'app', retry('retriable-status-codes', 2, { retriable_status_codes: [503] })),
  route(
    '/headers',
    'app',
    retry('retriable-headers', 2, { retriable_headers: [{ name: 'x-again', present_match: true }] }),
  ),
  route('/grpc', 'app', retry('unavailable', 2)),
  route('/limit', 'app', retry('5xx', 2)),
  route(
    '/reads',
    'app',
    retry('5xx', 2, { retriable_request_headers: [{ name: ':method', string_match: { exact: 'GET' } }] }),
  ),
  route('/slow', 'app', retry('5xx', 2, { per_try_timeout: '0.2s' })),
  route('/together', 'app', { timeout: '0.7s', ...retry('5xx', 9, { per_try_timeout: '0.3s' }) }),
  route('/timed', 'app', { retry_policy: { per_try_timeout: '0.2s' } }),
  route('/idle', 'app', retry('5xx', 1, { per_try_idle_timeout: '0.3s' })),
  route(
    '/paused',
    'app',
    retry('retriable-4xx,retriable-status-codes', 1, {
      retriable_status_codes: [429],
      rate_limited_retry_back_off: { reset_headers: [{ name: 'retry-after', format: 'SECONDS' }] },
    }),
  ),
  route('/body', 'app', retry('5xx', 2)),
  route('/patience', 'app', {
    retry_policy: { retry_on: '5xx', num_retries: 1, retry_back_off: { base_interval: '30s' } },
  }),
  route('/ws', 'app', retry('5xx,reset,connect-failure', 3)),
  route(
    '/hosts',
    'half',
    retry('connect-failure', 1, { retry_host_predicate: PREVIOUS_HOSTS, host_selection_retry_max_attempts: 5 }),
  ),
  route('/dead', 'dead', retry('connect-failure', 2)),
  route('/h2', 'h2', retry('5xx', 2)),
  route('/no-slot', 'no-slot', retry('5xx', 2)),
  route('/budget', 'budget', retry('5xx', 1, { retry_back_off: { base_interval: '0.6s', max_interval: '0.6s' } })),
  route('/of-cluster', 'of-cluster'),
  {
    match: { connect_matcher: {} },
    route: {
      cluster: 'half',
      upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }],
      ...retry('connect-failure', 1, { retry_host_predicate: PREVIOUS_HOSTS, host_selection_retry_max_attempts: 5 }),
    },
  },
  route('/', 'app'),
]

const OK = { status: 200, body: 'fine' }
const BAD = { status: 503, body: 'bad' }

let app: ScriptedApp
let h2: Http2Server
const h2Sessions = new Set<ServerHttp2Session>()
let h2Tries = 0
let proxy: ProxyProcess

before(async () => {
  app = await startScriptedApp({
    '/resets': ['reset', 'reset', OK],
    '/resets/always': ['reset'],
    '/codes': [BAD, BAD, OK],
    '/other-code': [{ status: 500 }, OK],
    '/headers': [{ status: 200, headers: { 'x-again': 'yes' } }, OK],
    '/grpc': [
      { status: 200, headers: { 'grpc-status': '14' } },
      { status: 200, headers: { 'grpc-status': '0' } },
    ],
    '/limit': [BAD],
    '/reads': [BAD, OK],
    '/reads/post': [BAD, OK],
    '/slow': ['hang', 'hang', OK],
    '/together': ['hang'],
    '/timed': ['hang'],
    '/idle': ['hang', OK],
    '/paused': [{ status: 429, headers: { 'retry-after': '1' } }, OK],
    '/body': [BAD, 'reset', OK],
    '/body/early': [{ ...BAD, early: true }, OK],
    '/body/large': [BAD, OK],
    '/patience': [BAD],
    '/ws': [{ status: 500, body: 'no' }, 'reset', 'accept'],
    '/ws/h2-client': [{ status: 500, body: 'no' }, 'accept'],
    '/ws/refused': [{ status: 503, body: 'never' }],
    '/ws/redirect': [{ status: 302 }, 'accept'],
    '/no-slot': [BAD, OK],
    '/budget': [BAD],
    '/of-cluster': [BAD, OK],
    '/plain': [BAD, OK],
    '/plain/reset': ['reset', OK],
    '/asked': [BAD, BAD, OK],
  })
  h2 = createHttp2Server({ settings: { enableConnectProtocol: true } })
  h2.on('session', (session) => {
    h2Sessions.add(session)
    session.on('close', () => h2Sessions.delete(session))
  })
  h2.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => undefined)
    if (++h2Tries < 3) {
      stream.respond({ ':status': 500 })
      stream.end('no')
      return
    }
    const socket = acceptHttp2WebSocket(stream, headers, false)
    socket.on('message', (data, binary) => socket.send(data, { binary }))
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => h2.listen(0, '127.0.0.1', resolve))
  proxy = await startProxy(configuration(app.port, portOf(h2.address()), await closedPort()))
})

after(async () => {
  await proxy.stop()
  await app.stop()
  for (const session of h2Sessions) session.destroy()
  await new Promise<void>((resolve) => h2.close(() => resolve()))
  await nothingLeft()
})

function configuration(port: number, h2Port: number, deadPort: number): YamlMap {
  const hcm = {
    upgrade_configs: [{ upgrade_type: 'websocket' }, { upgrade_type: 'CONNECT' }],
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: ROUTES,
          include_request_attempt_count: true,
          include_attempt_count_in_response: true,
        },
      ],
    },
    access_log: [
      fileLog(
        LOG,
        '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_REQUEST_ATTEMPT_COUNT% %RESPONSE_CODE_DETAILS%\n',
      ),
    ],
  }
  const inside = {
    ...hcm,
    use_remote_address: true,
    internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
  }
  const half = cluster({ name: 'half', port })
  const ofCluster = cluster({ name: 'of-cluster', port })
  const more = { per_connection_buffer_limit_bytes: LIMIT }
  return bootstrap(
    [
      listener({ name: 'web', routes: [], hcm, more }),
      listener({ name: 'inside', routes: [], hcm: inside, more }),
      listener({ name: 'outside', routes: [], hcm: { ...hcm, use_remote_address: true }, more }),
    ],
    [
      cluster({ name: 'app', port, more: breakers(100) }),
      {
        ...half,
        load_assignment: { cluster_name: 'half', endpoints: [{ lb_endpoints: [endpoint(deadPort), endpoint(port)] }] },
      },
      cluster({ name: 'dead', port: deadPort }),
      cluster({ name: 'h2', port: h2Port, protocol: 'http2' }),
      cluster({ name: 'no-slot', port, more: breakers(0) }),
      cluster({
        name: 'budget',
        port,
        more: { circuit_breakers: { thresholds: [{ retry_budget: { min_retry_concurrency: 2 } }] } },
      }),
      {
        ...ofCluster,
        typed_extension_protocol_options: Object.fromEntries(
          Object.entries(Object(ofCluster['typed_extension_protocol_options'])).map(([name, options]) => [
            name,
            { ...Object(options), ...retry('5xx', 1) },
          ]),
        ),
      },
    ],
  )
}

const breakers = (max_retries: number): YamlMap => ({ circuit_breakers: { thresholds: [{ max_retries }] } })

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === 'object' && address !== null ? address.port : 0

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server.address())
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}

interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: readonly string[]
  readonly listener?: string
}

function ask(
  path: string,
  { method = 'GET', headers = {}, body = [], listener: name = 'web' }: Asked = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port: proxy.port(name), path, method, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
    })
    request.on('error', reject)
    for (const piece of body) request.write(piece)
    request.end()
  })
}

const attempts = ({ headers }: Answered): string | undefined => String(headers['x-envoy-attempt-count'])

describe('a request with a retry policy', () => {
  test('that is reset twice gets its answer from the third try, and each try says which it is', async () => {
    const before = await proxy.stats()
    const answer = await ask('/resets')
    assert.deepEqual([answer.status, answer.body, attempts(answer)], [200, 'fine', '3'])
    assert.deepEqual(
      app.seen('/resets').map(({ headers }) => headers['x-envoy-attempt-count']),
      ['1', '2', '3'],
    )
    const now = await proxy.stats()
    const grown = (name: string): number =>
      (now.get(`cluster.app.${name}`) ?? 0) - (before.get(`cluster.app.${name}`) ?? 0)
    assert.equal(grown('upstream_rq_retry'), 2)
    assert.equal(grown('upstream_rq_retry_success'), 1)
    assert.equal(grown('upstream_rq_retry_backoff_exponential'), 2)
    assert.equal(now.get('cluster.app.upstream_rq_active'), 0)
  })

  test('is told the last failure, with URX in the log, when no try is left', async () => {
    const answer = await ask('/resets/always')
    assert.equal(answer.status, 503)
    assert.match(answer.body, /the last of 4 attempts/)
    assert.equal(app.seen('/resets/always').length, 4)
    const line = await logLine('/resets/always')
    assert.match(line, /^503 (UC|UR),URX|^503 URX,(UC|UR)/)
    assert.match(line, / 4 /)
  })

  test('tries again for the statuses it names, and for no other', async () => {
    const again = await ask('/codes')
    assert.deepEqual([again.status, attempts(again)], [200, '3'])
    const other = await ask('/other-code')
    assert.deepEqual([other.status, attempts(other)], [500, '1'])
  })

  test('tries again for a header, and for a gRPC status in the head', async () => {
    assert.equal(attempts(await ask('/headers')), '2')
    const grpc = await ask('/grpc')
    assert.deepEqual([grpc.headers['grpc-status'], attempts(grpc)], ['0', '2'])
  })

  test('gets the last answer as it is when the limit of tries is reached', async () => {
    const answer = await ask('/limit')
    assert.deepEqual([answer.status, answer.body, attempts(answer)], [503, 'bad', '3'])
    assert.match(await logLine('/limit'), /^503 URX 3 via_upstream/)
  })

  test('is tried once when its own headers are not those that allow it', async () => {
    assert.equal((await ask('/reads')).status, 200)
    assert.equal((await ask('/reads/post', { method: 'POST', body: ['x'] })).status, 503)
  })

  test('is tried again when a try takes too long, and answers 504 when all do', async () => {
    const before = await proxy.stat('cluster.app.upstream_rq_per_try_timeout')
    assert.equal(attempts(await ask('/slow')), '3')
    assert.equal((await proxy.stat('cluster.app.upstream_rq_per_try_timeout')) - before, 2)
    const timed = await ask('/timed')
    assert.equal(timed.status, 504)
    assert.match(await logLine('/timed'), /^504 UT 1 upstream_per_try_timeout/)
    assert.equal(attempts(await ask('/idle')), '2')
  })

  test('has the route timeout for all its tries together', async () => {
    const answer = await ask('/together')
    assert.equal(answer.status, 504)
    assert.match(await logLine('/together'), /response_timeout/)
    const tries = app.seen('/together').length
    assert.ok(tries >= 2 && tries < 6, `${tries} tries`)
  })

  test('waits as long as the answer asks for', async () => {
    const started = performance.now()
    assert.equal(attempts(await ask('/paused')), '2')
    assert.ok(performance.now() - started >= 990)
    assert.equal(await proxy.stat('cluster.app.upstream_rq_retry_backoff_ratelimited'), 1)
  })

  test('is given up while it waits for its next try when the client leaves', async () => {
    const client = await rawClient(proxy.port('web'))
    client.write('GET /patience HTTP/1.1\r\nhost: x\r\n\r\n')
    await until(() => (app.seen('/patience').length > 0 ? true : undefined), { what: 'the first try' })
    client.reset()
    await proxy.statBecomes('http.web.downstream_rq_active', 0)
    assert.equal(app.seen('/patience').length, 1)
  })

  test('finds no slot for a retry, and says so', async () => {
    const answer = await ask('/no-slot')
    assert.equal(answer.status, 503)
    assert.equal(await proxy.stat('cluster.no-slot.upstream_rq_retry_overflow'), 1)
    assert.match(await logLine('/no-slot'), /^503 UO 1/)
  })

  test('shares the retry budget of its cluster with the others', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask('/budget')))
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([503]))
    const retried = await proxy.stat('cluster.budget.upstream_rq_retry')
    assert.ok(retried >= 2 && retried < 8, `${retried} retries`)
    assert.equal(await proxy.stat('cluster.budget.upstream_rq_retry_overflow'), 8 - retried)
  })

  test('goes to another host when the first cannot be reached', async () => {
    for (let i = 0; i < 4; i++) assert.equal((await ask('/hosts')).status, 200)
    const dead = await ask('/dead')
    assert.deepEqual([dead.status, attempts(dead)], [503, '3'])
  })

  test('follows the policy of its cluster before that of its route', async () => {
    assert.equal(attempts(await ask('/of-cluster')), '2')
  })
})

describe('the body of a request that is tried again', () => {
  test('is sent again in whole', async () => {
    const answer = await ask('/body', { method: 'POST', body: ['first ', 'second'] })
    assert.deepEqual([answer.status, attempts(answer)], [200, '3'])
    assert.deepEqual(
      app.seen('/body').map(({ body }) => body),
      ['first second', 'first second', 'first second'],
    )
  })

  test('is taken on in the middle of an upload', async () => {
    const client = await rawClient(proxy.port('web'))
    client.write('POST /body/early HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n01234')
    await until(() => (app.seen('/body/early').length > 1 ? true : undefined), { what: 'a second try' })
    client.write('56789')
    assert.equal((await client.answer()).status, 200)
    client.close()
    assert.equal(app.seen('/body/early').at(-1)?.body, '0123456789')
  })

  test('beyond the buffer limit is streamed once: there is no second try', async () => {
    const abandoned = await proxy.stat('cluster.app.retry_or_shadow_abandoned')
    const piece = 'x'.repeat(LIMIT)
    const answer = await ask('/body/large', { method: 'POST', body: [piece, piece, piece] })
    assert.deepEqual([answer.status, attempts(answer)], [503, '1'])
    assert.equal(app.seen('/body/large')[0]?.body.length, 3 * LIMIT)
    assert.equal((await proxy.stat('cluster.app.retry_or_shadow_abandoned')) - abandoned, 1)
  })
})

describe('an upgrade with a retry policy', () => {
  test('is refused with 500, then lost, then accepted: the client sees a 101 and its WebSocket works', async () => {
    const client = await webSocket({ protocol: 'http1', port: proxy.port('web'), path: '/ws' })
    client.socket.send('hello')
    assert.equal((await client.next()).data.toString(), 'hello')
    client.socket.close()
    await client.closed
    assert.equal(app.seen('/ws').length, 3)
  })

  test('comes by HTTP/2 and is tried with a fresh key', async () => {
    const client = await webSocket({ protocol: 'http2', port: proxy.port('web'), path: '/ws/h2-client' })
    client.socket.send('hello')
    assert.equal((await client.next()).data.toString(), 'hello')
    await client.close(1000)
    const keys = app.seen('/ws/h2-client').map(({ headers }) => headers['sec-websocket-key'])
    assert.equal(keys.length, 2)
    assert.notEqual(keys[0], keys[1])
  })

  test('goes on to an HTTP/2 upstream and is tried there', async () => {
    const client = await webSocket({ protocol: 'http1', port: proxy.port('web'), path: '/h2' })
    client.socket.send('hello')
    assert.equal((await client.next()).data.toString(), 'hello')
    client.socket.close()
    await client.closed
    assert.equal(h2Tries, 3)
  })

  test('keeps the bytes that came too early for the try that is accepted', async () => {
    const client = await rawClient(proxy.port('web'))
    client.write(
      'GET /ws?early HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n' +
        'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    // A masked text frame "hi".
    client.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]))
    assert.equal((await client.answer()).status, 101)
    assert.deepEqual([...(await client.read(4))], [0x81, 2, 0x68, 0x69])
    client.close()
  })

  test('gets the last refusal, and a redirect at once', async () => {
    const refused = await upgrade('/ws/refused')
    assert.equal(refused, 503)
    assert.equal(app.seen('/ws/refused').length, 4)
    assert.equal(await upgrade('/ws/redirect'), 302)
  })

  test('to a terminated CONNECT connects to another host', async () => {
    for (let i = 0; i < 2; i++) {
      const client = await rawClient(proxy.port('web'))
      client.write('CONNECT somewhere:80 HTTP/1.1\r\nhost: somewhere:80\r\n\r\n')
      assert.equal((await client.answer()).status, 200)
      client.close()
    }
  })
})

async function upgrade(path: string): Promise<number> {
  const client = await rawClient(proxy.port('web'))
  client.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`)
  const { status } = await client.answer()
  client.close()
  return status
}

describe('a request without a policy', () => {
  test('is tried once', async () => {
    const refused = await ask('/plain')
    assert.deepEqual([refused.status, refused.body], [503, 'bad'])
    assert.equal((await ask('/plain/reset')).status, 503)
    assert.equal(app.seen('/plain/reset').length, 1)
  })

  test('is tried as its caller asks when that is one of us, and never for anybody else', async () => {
    const headers = { 'x-envoy-retry-on': '5xx', 'x-envoy-max-retries': '2' }
    assert.equal((await ask('/asked', { headers, listener: 'outside' })).status, 503)
    assert.equal((await ask('/asked', { headers, listener: 'inside' })).status, 200)
    const seen = app.seen('/asked')
    assert.equal(seen.length, 3)
    for (const { headers: received } of seen) assert.equal(received['x-envoy-retry-on'], undefined)
  })
})

/** The log line of a path, without it. */
async function logLine(path: string): Promise<string> {
  return until(
    () =>
      readFileSync(LOG, 'latin1')
        .split('\n')
        .find((line) => line.startsWith(`${path} `))
        ?.slice(path.length + 1),
    { what: `a log line for ${path}` },
  )
}

test('every slot and timer is given back', async () => {
  await delay(50)
  for (const name of ['app', 'half', 'h2', 'no-slot'])
    assert.equal(await proxy.stat(`cluster.${name}.upstream_rq_active`), 0, name)
  assert.equal(await proxy.stat('cluster.app.circuit_breakers.default.rq_retry_open'), 0)
})
