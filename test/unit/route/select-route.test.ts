import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestHead } from '../../../src/codec/http-stream.ts'
import type { PathMatch, RouteMatch } from '../../../src/config/model/route.ts'
import type { HeaderMatch, QueryMatch, StringMatch } from '../../../src/config/model/string-match.ts'
import { compileRouteTable } from '../../../src/route/compiled-table.ts'
import type { RouteInput } from '../../../src/route/select-route.ts'
import { selectRoute } from '../../../src/route/select-route.ts'
import type { TlsInfo } from '../../../src/transport/byte-stream.ts'
import {
  connect,
  connectTo,
  exact,
  input,
  match,
  matching,
  prefix,
  request,
  route,
  routeOf,
  separated,
  table,
  virtualHost,
} from './build.ts'

const PATHS: readonly (readonly [PathMatch, path: string, matches: boolean])[] = [
  [prefix('/'), '/', true],
  [prefix('/'), '/anything?x', true],
  [prefix('/api'), '/api', true],
  [prefix('/api'), '/apiary', true],
  [prefix('/api'), '/ap', false],
  [prefix('/api'), '/API', false],
  [prefix('/api', false), '/API/x', true],
  [prefix('/API', false), '/api/x', true],
  [prefix('/a?b'), '/a?b', false],
  [prefix('/a'), '/b?/a', false],
  [exact('/ws'), '/ws', true],
  [exact('/ws'), '/ws?token=1', true],
  [exact('/ws'), '/ws#frag', true],
  [exact('/ws'), '/ws/', false],
  [exact('/ws'), '/w', false],
  [exact('/ws'), '/Ws', false],
  [exact('/ws', false), '/WS?A', true],
  [separated('/foo'), '/foo', true],
  [separated('/foo'), '/foo/bar', true],
  [separated('/foo'), '/foo?x=/', true],
  [separated('/foo'), '/foobar', false],
  [separated('/foo'), '/fo', false],
  [separated('/foo'), '/FOO/bar', false],
  [separated('/foo', false), '/FOO/bar', true],
  [matching('/v[0-9]+/.*'), '/v1/x', true],
  [matching('/v[0-9]+/.*'), '/v1/x?y', true],
  [matching('/v[0-9]+'), '/v1/x', false],
  [matching('[0-9]+'), '/1', false],
  [matching('/a'), '/a?b', true],
  [connect, '/', false],
]

test('path matches', async (t) => {
  for (const [path, target, matches] of PATHS) {
    await t.test(`${JSON.stringify(path)} ${matches ? 'takes' : 'leaves'} ${target}`, () => {
      assert.equal(routeOf([route('r', path)], request({ path: target })) === 'r', matches)
    })
  }
})

test('ignore_path_parameters cuts the path at the first semicolon', () => {
  const routes = [route('r', exact('/ws'))]
  assert.equal(routeOf(routes, request({ path: '/ws;v=1?x' }), {}, { ignorePathParameters: true }), 'r')
  assert.equal(routeOf(routes, request({ path: '/ws?x=;' }), {}, { ignorePathParameters: true }), 'r')
  assert.match(routeOf(routes, request({ path: '/ws;v=1' })), /^!/)
})

const upgrade = (type: string): RequestHead => request({ path: '/ws', tunnel: { kind: 'upgrade', type } })

const TUNNELS: readonly (readonly [PathMatch, RequestHead, string, boolean])[] = [
  [connect, connectTo('a:1'), 'CONNECT', true],
  [connect, upgrade('connect-udp'), 'an upgrade to connect-udp', true],
  [connect, upgrade('CONNECT-UDP'), 'an upgrade to CONNECT-UDP', true],
  [connect, upgrade('websocket'), 'a WebSocket', false],
  [connect, upgrade('connect-ip'), 'another upgrade', false],
  [prefix('/'), connectTo('a:1'), 'CONNECT', false],
  [prefix(''), connectTo('a:1'), 'CONNECT', false],
  [matching('.*'), connectTo('a:1'), 'CONNECT', false],
  [prefix('/'), connectTo('a:1', { path: '/' }), 'a CONNECT with path', true],
  [prefix('/'), upgrade('websocket'), 'a WebSocket', true],
  [prefix('/ws'), upgrade('connect-udp'), 'an upgrade to connect-udp', true],
]

test('connect_matcher and requests without path', async (t) => {
  for (const [path, head, what, matches] of TUNNELS) {
    await t.test(`${path.kind} ${matches ? 'takes' : 'leaves'} ${what}`, () => {
      assert.equal(routeOf([route('r', path)], head) === 'r', matches)
    })
  }
})

const is = (
  value: string,
  kind: 'exact' | 'prefix' | 'suffix' | 'contains' = 'exact',
  ignoreCase = false,
): StringMatch => ({ kind, value, ignoreCase })
const header = (name: string, string: StringMatch, more: Partial<HeaderMatch> = {}): HeaderMatch => ({
  name,
  test: { kind: 'string', match: string },
  invert: false,
  treatMissingAsEmpty: false,
  ...more,
})
const range = (start: number, end: number, more: Partial<HeaderMatch> = {}): HeaderMatch =>
  header('n', is(''), { test: { kind: 'range', start, end }, ...more })
const present = (wanted: boolean, invert = false): HeaderMatch =>
  header('x', is(''), { test: { kind: 'present', present: wanted }, invert })

type Fields = readonly (readonly [string, string])[]
const HEADERS: readonly (readonly [name: string, HeaderMatch, Fields, matches: boolean])[] = [
  ['exact', header('x', is('a')), [['x', 'a']], true],
  ['exact, other value', header('x', is('a')), [['x', 'b']], false],
  ['exact, missing', header('x', is('a')), [], false],
  ['exact ignoring case', header('x', is('Ab', 'exact', true)), [['x', 'aB']], true],
  ['prefix', header('x', is('ab', 'prefix')), [['x', 'abc']], true],
  ['suffix', header('x', is('bc', 'suffix')), [['x', 'abc']], true],
  ['contains', header('x', is('b', 'contains')), [['x', 'abc']], true],
  ['contains not', header('x', is('d', 'contains')), [['x', 'abc']], false],
  ['inverted', header('x', is('a'), { invert: true }), [['x', 'b']], true],
  ['inverted, equal', header('x', is('a'), { invert: true }), [['x', 'a']], false],
  ['inverted, missing', header('x', is('a'), { invert: true }), [], false],
  ['inverted, missing treated as empty', header('x', is('a'), { invert: true, treatMissingAsEmpty: true }), [], true],
  ['empty, missing treated as empty', header('x', is(''), { treatMissingAsEmpty: true }), [], true],
  [
    'each value by itself',
    header('x', is('admin')),
    [
      ['x', 'user'],
      ['x', 'admin'],
    ],
    true,
  ],
  [
    'joined values are no value',
    header('x', is('user,admin')),
    [
      ['x', 'user'],
      ['x', 'admin'],
    ],
    false,
  ],
  ['a list in one line is one value', header('x', is('user,admin')), [['x', 'user,admin']], true],
  ['a list in one line is not split', header('x', is('admin')), [['x', 'user,admin']], false],
  [
    'inverted needs all values to differ',
    header('x', is('admin'), { invert: true }),
    [
      ['x', 'user'],
      ['x', 'admin'],
    ],
    false,
  ],
  ['present', present(true), [['x', '']], true],
  ['present, missing', present(true), [], false],
  ['absent', present(false), [], true],
  ['absent, there', present(false), [['x', '1']], false],
  ['present inverted', present(true, true), [], true],
  ['absent inverted', present(false, true), [['x', '1']], true],
  ['in range', range(1, 10), [['n', '1']], true],
  ['range end is out', range(1, 10), [['n', '10']], false],
  ['negative in range', range(-5, 0), [['n', '-5']], true],
  ['no number', range(0, 10), [['n', '1x']], false],
  ['fraction is no integer', range(0, 10), [['n', '1.5']], false],
  ['empty is no number', range(0, 10), [['n', '']], false],
  ['inverted range, missing treated as empty', range(0, 10, { invert: true, treatMissingAsEmpty: true }), [], true],
  [':method', header(':method', is('GET')), [], true],
  [':path with query', header(':path', is('/p?q=1')), [], true],
  [':authority', header(':authority', is('example.com')), [], true],
  ['host is :authority', header('host', is('example.com')), [], true],
  [':scheme', header(':scheme', is('http')), [], true],
  ['an unknown pseudo-header is missing', header(':protocol', is('websocket')), [], false],
]

test('header matches', async (t) => {
  for (const [name, matcher, fields, matches] of HEADERS) {
    await t.test(name, () => {
      const head = request({ path: '/p?q=1', headers: fields })
      assert.equal(routeOf([route('r', match(prefix('/'), { headers: [matcher] }))], head) === 'r', matches)
    })
  }
})

test('a matcher on :path finds no path on a CONNECT', () => {
  const absent: HeaderMatch = header(':path', is(''), { test: { kind: 'present', present: false } })
  assert.equal(routeOf([route('r', match(connect, { headers: [absent] }))], connectTo('a:1')), 'r')
})

const query = (name: string, value: StringMatch | boolean): QueryMatch =>
  typeof value === 'boolean'
    ? { name, test: { kind: 'present', present: value } }
    : { name, test: { kind: 'string', match: value } }

const QUERIES: readonly (readonly [QueryMatch, path: string, matches: boolean])[] = [
  [query('a', is('1')), '/?a=1', true],
  [query('a', is('1')), '/?b=2&a=1', true],
  [query('a', is('1')), '/?aa=1', false],
  [query('a', is('1')), '/?a=2&a=1', false],
  [query('a', is('1')), '/?a=1#f', true],
  [query('a', is('1')), '/', false],
  [query('a', is('')), '/?a', true],
  [query('a', is('')), '/?a=', true],
  [query('a', is('x=y')), '/?a=x=y', true],
  [query('a', is('b c')), '/?a=b%20c', false],
  [query('a', true), '/?a', true],
  [query('a', true), '/?&&a&', true],
  [query('a', true), '/a', false],
  [query('a', true), '/?b=a', false],
  [query('a', false), '/?b', true],
  [query('a', false), '/?a=1', false],
]

test('query parameter matches', async (t) => {
  for (const [matcher, path, matches] of QUERIES) {
    await t.test(`${JSON.stringify(matcher)} ${matches ? 'takes' : 'leaves'} ${path}`, () => {
      assert.equal(routeOf([route('r', match(prefix('/'), { query: [matcher] }))], request({ path })) === 'r', matches)
    })
  }
})

const tls = (certificate: boolean, peerVerified: boolean): TlsInfo => ({
  version: 'TLSv1.3',
  cipher: '',
  serverName: '',
  alpn: '',
  sessionId: '',
  sessionReused: false,
  peerVerified,
  ...(certificate ? { peerCertificate: Buffer.from([1]) } : {}),
})

const OTHERS: readonly (readonly [name: string, Partial<RouteMatch>, RequestHead, Partial<RouteInput>, boolean])[] = [
  ['gRPC', { grpcOnly: true }, request({ headers: [['content-type', 'application/grpc']] }), {}, true],
  [
    'gRPC with message type',
    { grpcOnly: true },
    request({ headers: [['content-type', 'application/grpc+proto']] }),
    {},
    true,
  ],
  [
    'grpc-web is not gRPC',
    { grpcOnly: true },
    request({ headers: [['content-type', 'application/grpc-web']] }),
    {},
    false,
  ],
  ['no content type is not gRPC', { grpcOnly: true }, request(), {}, false],
  ['fraction, below', { fraction: 0.1 }, request(), { random: 0.09 }, true],
  ['fraction, at', { fraction: 0.1 }, request(), { random: 0.1 }, false],
  ['fraction 0', { fraction: 0 }, request(), { random: 0 }, false],
  ['fraction 1', { fraction: 1 }, request(), { random: 0.999 }, true],
  [
    'certificate wanted, none',
    { tls: { presented: true, validated: undefined } },
    request(),
    { tls: tls(false, false) },
    false,
  ],
  ['certificate wanted, clear text', { tls: { presented: true, validated: undefined } }, request(), {}, false],
  [
    'certificate wanted',
    { tls: { presented: true, validated: undefined } },
    request(),
    { tls: tls(true, false) },
    true,
  ],
  ['no certificate wanted, clear text', { tls: { presented: false, validated: undefined } }, request(), {}, true],
  ['valid one wanted', { tls: { presented: true, validated: true } }, request(), { tls: tls(true, true) }, true],
  [
    'valid one wanted, invalid',
    { tls: { presented: undefined, validated: true } },
    request(),
    { tls: tls(true, false) },
    false,
  ],
  [
    'verified flag without certificate is nothing',
    { tls: { presented: undefined, validated: true } },
    request(),
    { tls: tls(false, true) },
    false,
  ],
]

test('gRPC, fraction and certificate conditions', async (t) => {
  for (const [name, conditions, head, more, matches] of OTHERS) {
    await t.test(name, () =>
      assert.equal(routeOf([route('r', match(prefix('/'), conditions))], head, more) === 'r', matches),
    )
  }
})

test('the first route that matches wins, however well a later one fits', () => {
  const routes = [route('early', prefix('/a')), route('late', exact('/a/b')), route('rest', prefix('/'))]
  assert.equal(routeOf(routes, request({ path: '/a/b' })), 'early')
  assert.equal(routeOf(routes, request({ path: '/b' })), 'rest')
})

test('all conditions must hold', () => {
  const routes = [route('both', match(prefix('/'), { headers: [header('x', is('1'))], query: [query('q', true)] }))]
  assert.equal(routeOf(routes, request({ path: '/?q', headers: [['x', '1']] })), 'both')
  assert.match(routeOf(routes, request({ path: '/', headers: [['x', '1']] })), /needs query parameter q$/)
  assert.match(routeOf(routes, request({ path: '/' })), /needs header x and query parameter q$/)
})

const MISSES: readonly (readonly [name: string, PathMatch | RouteMatch, RequestHead, says: RegExp])[] = [
  ['CONNECT without connect_matcher', prefix('/'), connectTo('a:1'), /no connect_matcher route in virtual host "all"/],
  [
    'a WebSocket at a connect_matcher',
    connect,
    upgrade('websocket'),
    /connect_matcher takes CONNECT only, and this is an upgrade to "websocket"/,
  ],
  ['letter case', exact('/Chat'), request({ path: '/chat' }), /near route "r" \(envoy.yaml:20\): letter case counts/],
  ['a slash at the end', exact('/ws'), request({ path: '/ws/' }), /the slash at the end counts/],
  ['another path', exact('/ws'), request({ path: '/other' }), /path "\/other" is none of path "\/ws"/],
  [
    'a condition',
    match(prefix('/'), { fraction: 0.1 }),
    request(),
    /route "r" \(envoy.yaml:20\) needs runtime_fraction \(10 % of requests\)/,
  ],
]

test('the explanation of a missing route names what came near', async (t) => {
  for (const [name, matched, head, says] of MISSES) {
    await t.test(name, () => assert.match(routeOf([route('r', matched)], head), says))
  }
  await t.test('no routes', () => assert.match(routeOf([], request()), /virtual host "all" has no routes/))
})

test('a miss never repeats the query, which may hold secrets', () => {
  assert.doesNotMatch(routeOf([route('r', exact('/ws'))], request({ path: '/x?token=secret' })), /secret/)
})

const TLS: readonly (readonly [
  'none' | 'external-only' | 'all',
  RequestHead,
  internal: boolean,
  redirected: boolean,
])[] = [
  ['none', request(), false, false],
  ['all', request(), true, true],
  ['all', request({ scheme: 'https' }), false, false],
  ['all', request({ headers: [['x-forwarded-proto', 'https']] }), false, false],
  ['all', request({ scheme: 'https', headers: [['x-forwarded-proto', 'http']] }), false, true],
  ['all', connectTo('example.com'), false, true],
  ['external-only', request(), false, true],
  ['external-only', request(), true, false],
]

test('require_tls redirects clear-text requests', async (t) => {
  for (const [requireTls, head, internal, redirected] of TLS) {
    await t.test(`${requireTls} ${head.method} ${head.scheme} internal=${internal}`, () => {
      const hosts = [virtualHost('v', ['*'], [route('r', prefix('/')), route('c', connect)], { requireTls })]
      const selected = selectRoute(compileRouteTable(table(hosts)), input(head, { internal }))
      assert.equal(selected.kind === 'route' && selected.route.action.kind === 'redirect', redirected)
    })
  }
})
