// Cross-origin policies: preflights answered by the proxy, answers marked, WebSockets left alone. The cases are those of the
// Gateway API conformance test HTTPRouteCORS, on a route with Envoy's filter.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { bootstrap, cluster, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { webSocket } from '../support/websocket-client.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.'
const FILTER: YamlMap = { name: 'cors', typed_config: { '@type': `${TYPE}Cors` } }

const policy = (fields: YamlMap): YamlMap => ({
  typed_per_filter_config: { cors: { '@type': `${TYPE}CorsPolicy`, ...fields } },
})

const FOO = 'https://www.foo.com'
const ROUTES = [
  route(
    '/exact',
    'app',
    {},
    policy({
      allow_origin_string_match: [{ exact: FOO }, { safe_regex: { regex: 'https://.+\\.bar\\.com' } }],
      allow_methods: 'GET, OPTIONS',
      allow_headers: 'x-header-1, x-header-2',
      expose_headers: 'x-header-3, x-header-4',
      allow_credentials: true,
      max_age: '3600',
    }),
  ),
  route(
    '/star-methods',
    'app',
    {},
    policy({ allow_origin_string_match: [{ exact: FOO }], allow_methods: '*', allow_headers: '*' }),
  ),
  route(
    '/star',
    'app',
    {},
    policy({ allow_origin_string_match: [{ safe_regex: { regex: '.*' } }], allow_methods: 'GET' }),
  ),
  route(
    '/all-credentials',
    'app',
    {},
    policy({
      allow_origin_string_match: [{ safe_regex: { regex: '.*' } }],
      allow_methods: '*',
      allow_headers: '*',
      expose_headers: '*',
      allow_credentials: true,
    }),
  ),
  route(
    '/kept',
    'app',
    {},
    policy({ allow_origin_string_match: [{ exact: FOO }], forward_not_matching_preflights: false }),
  ),
  route('/gone', 'nobody', {}, policy({ allow_origin_string_match: [{ exact: FOO }] })),
  route('/plain', 'app'),
]

let app: EchoApp
let proxy: ProxyProcess

before(async () => {
  app = await startEchoApp()
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'in', routes: ROUTES, filters: [FILTER] })],
      [cluster({ name: 'app', port: app.port }), cluster({ name: 'nobody', port: 9 })],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await nothingLeft()
})

interface Answer {
  readonly status: number
  readonly body: string
  /** `access-control-` left out of the names. */
  readonly cors: Readonly<Record<string, string>>
  readonly vary: string
}

function ask(method: string, path: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { port: proxy.port('in'), host: '127.0.0.1', method, path, headers, agent: false },
      (answer) => {
        const cors: Record<string, string> = {}
        for (const [name, value] of Object.entries(answer.headers))
          if (name.startsWith('access-control-')) cors[name.slice('access-control-'.length)] = String(value)
        let body = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => (body += chunk))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body, cors, vary: answer.headers.vary ?? '' }))
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

const preflight = (path: string, origin: string, method = 'GET', names = 'x-header-1, x-header-2'): Promise<Answer> =>
  ask('OPTIONS', path, {
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': names,
  })

describe('a preflight', () => {
  for (const origin of [FOO, 'https://www.bar.com', 'https://xpto.www.bar.com']) {
    test(`from ${origin} is answered with all six fields`, async () => {
      const answer = await preflight('/exact', origin)
      assert.equal(answer.status, 200)
      assert.equal(answer.body, '')
      assert.deepEqual(answer.cors, {
        'allow-origin': origin,
        'allow-methods': 'GET, OPTIONS',
        'allow-headers': 'x-header-1, x-header-2',
        'expose-headers': 'x-header-3, x-header-4',
        'allow-credentials': 'true',
        'max-age': '3600',
      })
      assert.match(answer.vary, /Origin/)
    })
  }

  for (const origin of [
    'https://foobar.com',
    'http://www.foo.com',
    'https://www.foo.com.evil.example',
    'https://bar.com',
  ]) {
    test(`from ${origin} gets no permission`, async () => {
      const answer = await preflight('/exact', origin)
      assert.deepEqual(answer.cors, {})
      assert.equal(answer.body, 'app /exact', 'the application may answer it')
    })
  }

  test('from an origin that is not allowed stays here where the policy says so', async () => {
    const answer = await preflight('/kept', 'https://foobar.com')
    assert.deepEqual([answer.status, answer.body, answer.cors], [200, '', {}])
  })

  test('hears the method and headers it asked for where all are allowed', async () => {
    const answer = await preflight('/star-methods', FOO, 'POST', 'x-any')
    assert.deepEqual(answer.cors, { 'allow-origin': FOO, 'allow-methods': 'POST', 'allow-headers': 'x-any' })
  })

  test('never hears * with credentials', async () => {
    const answer = await preflight('/all-credentials', FOO, 'PUT', 'x-any')
    assert.deepEqual(answer.cors, {
      'allow-origin': FOO,
      'allow-methods': 'PUT',
      'allow-headers': 'x-any',
      'allow-credentials': 'true',
    })
  })
})

describe('another request', () => {
  test('of an allowed origin gets an answer that its page may read', async () => {
    const answer = await ask('GET', '/exact', { origin: FOO })
    assert.equal(answer.body, 'app /exact')
    assert.deepEqual(answer.cors, {
      'allow-origin': FOO,
      'allow-credentials': 'true',
      'expose-headers': 'x-header-3, x-header-4',
    })
    assert.match(answer.vary, /Origin/)
  })

  test('of another origin, or of none, gets the answer alone', async () => {
    for (const headers of [{ origin: 'https://foobar.com' }, {}]) {
      const answer = await ask('GET', '/exact', headers)
      assert.deepEqual([answer.status, answer.cors], [200, {}])
    }
  })

  test('of any origin is allowed with its port where all are', async () => {
    assert.deepEqual((await ask('GET', '/star', { origin: 'https://www.foo.com:12345' })).cors, {
      'allow-origin': 'https://www.foo.com:12345',
    })
  })

  test('gets the names of its answer’s fields where all are exposed with credentials', async () => {
    const { cors } = await ask('GET', '/all-credentials', { origin: FOO })
    assert.match(cors['expose-headers'] ?? '', /date/)
    assert.doesNotMatch(cors['expose-headers'] ?? '', /\*/)
  })

  test('may read what the proxy itself answers', async () => {
    const answer = await ask('GET', '/gone', { origin: FOO })
    assert.equal(answer.status, 503)
    assert.equal(answer.cors['allow-origin'], FOO)
  })

  test('OPTIONS without a method is no preflight, and a route without a policy adds nothing', async () => {
    assert.equal((await ask('OPTIONS', '/exact', { origin: FOO })).body, 'app /exact')
    assert.deepEqual((await preflight('/plain', FOO)).cors, {})
  })
})

test('a WebSocket of an origin that is not allowed opens', async () => {
  for (const protocol of ['http1', 'http2'] as const) {
    const headers = { origin: 'https://foobar.com' }
    const client = await webSocket({ protocol, port: proxy.port('in'), path: '/exact', headers })
    client.socket.send('hello')
    assert.equal((await client.next()).data.toString(), 'hello')
    await client.close()
  }
})
