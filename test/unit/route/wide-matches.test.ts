import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AddressRange } from '../../../src/config/model/address.ts'
import type { RedirectAction, RouteMatch, SourceFilter } from '../../../src/config/model/route.ts'
import type { HeaderMatch, QueryMatch } from '../../../src/config/model/string-match.ts'
import { compileRouteTable } from '../../../src/route/compiled-table.ts'
import { HeaderList } from '../../../src/codec/header-list.ts'
import { applyMutations } from '../../../src/route/header-mutations.ts'
import { rewritePath } from '../../../src/route/path-rewrite.ts'
import { redirectLocation } from '../../../src/route/redirect.ts'
import { type RouteInput, selectRoute } from '../../../src/route/select-route.ts'
import { compileSourceFilter } from '../../../src/route/source-filter.ts'
import { addition, evaluate, input, match, place, prefix, regex, request, route, table, virtualHost } from './build.ts'

const range = (address: string, prefixLength: number): AddressRange => ({ address, prefixLength })
const filter = (more: Partial<SourceFilter>): SourceFilter => ({
  blockByDefault: false,
  allow: [],
  block: [],
  place: place(30),
  ...more,
})
const header = (name: string, value: string): HeaderMatch => ({
  name,
  test: { kind: 'string', match: { kind: 'exact', value, ignoreCase: false } },
  invert: false,
  treatMissingAsEmpty: false,
})
const query = (name: string): QueryMatch => ({ name, test: { kind: 'present', present: true } })

/** What a request gets from routes that match as given, named by their index; a miss by its status. */
function outcome(matches: readonly Partial<RouteMatch>[], given: RouteInput, nearest = true): string {
  const routes = matches.map((more, index) => route(`${index}`, match(more.path ?? prefix('/'), more)))
  const compiled = compileRouteTable(table([virtualHost('all', ['*'], routes)], nearest ? { refusal: 'nearest' } : {}))
  const found = selectRoute(compiled, given)
  return found.kind === 'route' ? found.route.name : String(found.status)
}

const get = (path: string, more: Parameters<typeof request>[0] = {}, clientIp = '192.0.2.1'): RouteInput =>
  input(request({ path, ...more }), { clientIp })

test('hosts are compared without port and letter case: exact, suffix, prefix, expression', () => {
  const hosts: RouteMatch['hosts'] = [
    { kind: 'exact', value: 'a.example' },
    { kind: 'suffix', value: '.b.example' },
    { kind: 'prefix', value: 'www.' },
    { kind: 'regex', regex: regex('c[0-9]+') },
  ]
  for (const authority of ['a.example', 'A.Example:8080', 'x.b.example', 'www.anything:1', 'c12'])
    assert.equal(outcome([{ hosts }], get('/', { authority })), '0', authority)
  for (const authority of ['xa.example', 'b.example', 'www', 'c12.example'])
    assert.equal(outcome([{ hosts }], get('/', { authority })), '404', authority)
})

test('any of several headers or parameters is enough where the match says so', () => {
  const headers = [header('x-a', '1'), header('x-b', '2')]
  const given = get('/?p', { headers: [['x-b', '2']] })
  assert.equal(outcome([{ headers, anyHeader: true }], given), '0')
  assert.equal(outcome([{ headers }], given), '400')
  assert.equal(outcome([{ query: [query('p'), query('q')], anyQuery: true }], given), '0')
  assert.equal(outcome([{ query: [query('p'), query('q')] }], given), '400')
})

test('the worst that kept a request from a route is what it gets, over all routes', () => {
  const post = { methods: ['POST'] }
  const keyed = { headers: [header('x-key', '1')] }
  const blocked = { sources: filter({ block: [range('192.0.2.0', 24)] }) }
  const elsewhere = { path: prefix('/else') }
  assert.equal(outcome([elsewhere], get('/a')), '404')
  assert.equal(outcome([elsewhere, post], get('/a')), '405')
  assert.equal(outcome([keyed, post], get('/a')), '400')
  assert.equal(outcome([post, keyed, blocked], get('/a')), '403')
  assert.equal(outcome([post, keyed, blocked], get('/a'), false), '404')
  assert.equal(outcome([post, { path: prefix('/a') }], get('/a')), '1')
})

test('within one route the first that fails counts: method, headers, query, address', () => {
  const all = {
    methods: ['POST'],
    headers: [header('x-key', '1')],
    sources: filter({ block: [range('192.0.2.0', 24)] }),
  }
  assert.equal(outcome([all], get('/')), '405')
  assert.equal(outcome([all], get('/', { method: 'POST' })), '400')
  assert.equal(outcome([all], get('/', { method: 'POST', headers: [['x-key', '1']] })), '403')
})

test('a filter before the path keeps clients from every path, one after it from its own', () => {
  const block = [range('192.0.2.0', 24)]
  const path = prefix('/a')
  assert.equal(outcome([{ path, sources: filter({ block, beforePath: true }) }], get('/b')), '403')
  assert.equal(outcome([{ path, sources: filter({ block }) }], get('/b')), '404')
  const both = [filter({ beforePath: true, block: [range('198.51.100.1', 32)] }), filter({ block })]
  assert.equal(outcome([{ path, sources: both }], get('/a')), '403')
  assert.equal(outcome([{ path, sources: both }], get('/a', {}, '203.0.113.5')), '0')
})

test('address lists: allowed alone, blocked alone, both, neither, and what is no address', () => {
  const lists = { allow: [range('10.0.0.0', 8)], block: [range('10.1.0.0', 16), range('2001:db8::', 32)] }
  const open = compileSourceFilter(filter(lists))
  const closed = compileSourceFilter(filter({ ...lists, blockByDefault: true }))
  assert.deepEqual([open('10.2.0.1'), closed('10.2.0.1')], [true, true], 'allowed')
  assert.deepEqual([open('10.1.0.1'), closed('10.1.0.1')], [true, false], 'on both: the default')
  assert.deepEqual([open('192.0.2.1'), closed('192.0.2.1')], [false, false], 'an allow list keeps others out')
  const blocking = compileSourceFilter(filter({ block: lists.block }))
  assert.deepEqual([blocking('10.1.2.3'), blocking('2001:db8::1'), blocking('2001:db9::1')], [false, false, true])
  assert.deepEqual(
    [open(''), blocking(''), compileSourceFilter(filter({ blockByDefault: true }))('')],
    [false, true, false],
  )
})

test('a prefix of whole segments is replaced as Gateway API has it', () => {
  const rows: readonly (readonly [string, string, string, string])[] = [
    ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
    ['/foo/bar', '/foo/', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo/', '/xyz/', '/xyz/bar'],
    ['/foo', '/foo', '/xyz', '/xyz'],
    ['/foo/', '/foo', '/xyz', '/xyz/'],
    ['/foo/bar', '/foo', '', '/bar'],
    ['/foo/', '/foo', '', '/'],
    ['/foo', '/foo', '', '/'],
    ['/foo/', '/foo', '/', '/'],
    ['/foo', '/foo', '/', '/'],
    ['/foo/bar?q=/foo', '/foo', '/xyz', '/xyz/bar?q=/foo'],
    ['/prefix/three', '/', '/one', '/one/prefix/three'],
  ]
  for (const [path, matched, replacement, result] of rows) {
    const rewrite = { kind: 'segment-prefix', matched, replacement } as const
    assert.equal(rewritePath(rewrite, prefix(matched), path, evaluate), result, `${path} ${matched} → ${replacement}`)
  }
})

test('a redirect leaves out the port of its scheme where it is told to', () => {
  const redirect = (more: Partial<RedirectAction>): RedirectAction => ({
    kind: 'redirect',
    scheme: '',
    host: '',
    port: 0,
    path: undefined,
    status: 302,
    stripQuery: false,
    omitDefaultPort: true,
    ...more,
  })
  const location = (more: Partial<RedirectAction>): string =>
    redirectLocation(
      redirect(more),
      prefix('/'),
      request({ authority: 'example.org:1234', path: '/x', scheme: 'http' }),
      evaluate,
    )
  assert.equal(location({ port: 8080 }), 'http://example.org:8080/x')
  assert.equal(location({ port: 80 }), 'http://example.org/x')
  assert.equal(location({ port: 443 }), 'http://example.org:443/x')
  assert.equal(location({ scheme: 'https' }), 'https://example.org/x')
  assert.equal(location({ scheme: 'https', port: 443 }), 'https://example.org/x')
  assert.equal(location({ scheme: 'https', port: 8443, host: 'other.example' }), 'https://other.example:8443/x')
  assert.equal(location({ omitDefaultPort: false, port: 80 }), 'http://example.org:80/x')
})

test('mutations leave the handshake of an upgrade as it is, asked for or accepted', () => {
  const mutations = {
    remove: ['upgrade', 'connection', 'sec-websocket-version', 'x-gone'],
    add: [
      addition('sec-websocket-key', 'forged', 'overwrite-or-add'),
      addition('sec-websocket-accept', 'forged', 'overwrite-or-add'),
      addition('sec-websocket-protocol', 'chat', 'overwrite-or-add'),
    ],
  }
  const upgrade = new HeaderList([
    'upgrade',
    'websocket',
    'connection',
    'upgrade',
    'sec-websocket-key',
    'k',
    'x-gone',
    '1',
  ])
  applyMutations(upgrade, [mutations], evaluate)
  assert.deepEqual(upgrade.fields.slice(0, 6), [
    'upgrade',
    'websocket',
    'connection',
    'upgrade',
    'sec-websocket-key',
    'k',
  ])
  assert.deepEqual(upgrade.fields.slice(6), ['sec-websocket-protocol', 'chat'])
  const plain = new HeaderList(['sec-websocket-version', '13', 'x-gone', '1'])
  applyMutations(plain, [mutations], evaluate)
  assert.equal(plain.has('sec-websocket-version'), false)
})
