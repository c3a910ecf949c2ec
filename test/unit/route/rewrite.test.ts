import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HeaderMutations } from '../../../src/config/model/header-mutation.ts'
import { NO_MUTATIONS } from '../../../src/config/model/header-mutation.ts'
import { NOWHERE } from '../../../src/config/model/place.ts'
import type {
  HostRewrite,
  PathMatch,
  PathRewrite,
  RedirectAction,
  WeightedCluster,
} from '../../../src/config/model/route.ts'
import { compileRouteTable, type SelectedRoute } from '../../../src/route/compiled-table.ts'
import { applyMutations } from '../../../src/route/header-mutations.ts'
import { rewrittenHost } from '../../../src/route/host-rewrite.ts'
import { rewritePath } from '../../../src/route/path-rewrite.ts'
import { redirectLocation } from '../../../src/route/redirect.ts'
import { rewriteHostForEndpoint, rewriteRequest } from '../../../src/route/request-rewrite.ts'
import { selectRoute } from '../../../src/route/select-route.ts'
import { HeaderList } from '../../../src/codec/header-list.ts'
import {
  addition,
  connect,
  connectTo,
  evaluate,
  exact,
  forward,
  input,
  matching,
  prefix,
  regex,
  request,
  route,
  separated,
  table,
  text,
  virtualHost,
} from './build.ts'

const to = (value: string): PathRewrite => ({ kind: 'prefix', prefix: value })
const replace = (pattern: string, substitution: string): PathRewrite => ({
  kind: 'regex',
  regex: regex(pattern),
  substitution,
})

const PATHS: readonly (readonly [PathRewrite, PathMatch, from: string, to: string | undefined])[] = [
  [to('/new'), prefix('/old'), '/old/x?q=1', '/new/x?q=1'],
  [to('/'), prefix('/app/'), '/app/chat?x=1', '/chat?x=1'],
  [to('/'), prefix('/app'), '/app', '/'],
  [to('/new'), prefix('/OLD', false), '/old/x', '/new/x'],
  [to('/new'), exact('/old'), '/old?q', '/new?q'],
  [to('/new'), separated('/old'), '/old/x', '/new/x'],
  [to('/new'), matching('/o.*'), '/old/x?q=/o', '/new?q=/o'],
  [to('new'), prefix('/old'), '/old/x', '/new/x'],
  [to('/n'), connect, '', undefined],
  [to(''), exact('/old'), '/old', undefined],
  [to('/n'), exact('/a'), '/a;v=1?q', '/n;v=1?q'],
  [
    replace('^/service/([^/]+)(/.*)$', '\\2/instance/\\1'),
    prefix('/'),
    '/service/foo/v1/api?q=1',
    '/v1/api/instance/foo?q=1',
  ],
  [replace('one', 'two'), prefix('/'), '/x/one/y/one/z?one', '/x/two/y/two/z?one'],
  [replace('/x', '/a b\r\nc'), prefix('/'), '/x', '/a%20b%0D%0Ac'],
  [{ kind: 'full', path: '/all' }, prefix('/'), '/x?q', '/all?q'],
  [{ kind: 'full', path: '/all?own=1' }, prefix('/'), '/x?q', '/all?own=1'],
  [{ kind: 'format', template: text('/made') }, prefix('/'), '/x?q', '/made?q'],
  [{ kind: 'format', template: text('') }, prefix('/'), '/x?q', undefined],
  [{ kind: 'format', template: text('/x HTTP/1.1\r\nevil: 1') }, prefix('/'), '/', '/x%20HTTP/1.1%0D%0Aevil:%201'],
  [{ kind: 'format', template: text('/\ud800') }, prefix('/'), '/', '/%EF%BF%BD'],
]

test('path rewrites keep the query and never make an unsafe target', async (t) => {
  for (const [rewrite, match, from, wanted] of PATHS) {
    await t.test(`${JSON.stringify(rewrite)} of ${from}`, () =>
      assert.equal(rewritePath(rewrite, match, from, evaluate), wanted),
    )
  }
})

const redirect = (more: Partial<RedirectAction>): RedirectAction => ({
  kind: 'redirect',
  scheme: '',
  host: '',
  port: 0,
  path: undefined,
  status: 301,
  stripQuery: false,
  ...more,
})

const LOCATIONS: readonly (readonly [
  Partial<RedirectAction>,
  scheme: string,
  authority: string,
  path: string,
  location: string,
])[] = [
  [{ scheme: 'https' }, 'http', 'x.com', '/a?b', 'https://x.com/a?b'],
  [{ scheme: 'https' }, 'http', 'x.com:80', '/', 'https://x.com/'],
  [{ scheme: 'https' }, 'http', 'x.com:8080', '/', 'https://x.com:8080/'],
  [{ scheme: 'https' }, 'https', 'x.com:443', '/', 'https://x.com:443/'],
  [{ scheme: 'http' }, 'https', 'x.com:443', '/', 'http://x.com/'],
  [{ scheme: 'https' }, 'http', '[::1]:80', '/', 'https://[::1]/'],
  [{ scheme: 'https' }, 'http', '[::1]', '/', 'https://[::1]/'],
  [{ scheme: 'https', port: 8443 }, 'http', 'x.com:8080', '/', 'https://x.com:8443/'],
  [{ port: 8443 }, 'http', 'x.com', '/', 'http://x.com:8443/'],
  [{ port: 8443 }, 'http', '[::1]:1', '/', 'http://[::1]:8443/'],
  [{ host: 'y.org' }, 'http', 'x.com:8080', '/a', 'http://y.org/a'],
  [{ host: 'y.org', port: 81 }, 'http', 'x.com:8080', '/a', 'http://y.org:81/a'],
  [{ path: { kind: 'full', path: '/new' } }, 'http', 'x.com', '/a?b=1', 'http://x.com/new?b=1'],
  [{ path: { kind: 'full', path: '/new?own' } }, 'http', 'x.com', '/a?b=1', 'http://x.com/new?own'],
  [{ path: { kind: 'full', path: '/new?own' }, stripQuery: true }, 'http', 'x.com', '/a?b=1', 'http://x.com/new?own'],
  [{ path: { kind: 'full', path: '/new' }, stripQuery: true }, 'http', 'x.com', '/a?b=1', 'http://x.com/new'],
  [{ stripQuery: true }, 'http', 'x.com', '/a?b=1', 'http://x.com/a'],
  [{ path: to('/v2') }, 'http', 'x.com', '/v1/a?b=1', 'http://x.com/v2/a?b=1'],
  [{ path: replace('/v1/(.*)', '/\\1') }, 'http', 'x.com', '/v1/a?b=1', 'http://x.com/a?b=1'],
]

test('redirect locations', async (t) => {
  for (const [action, scheme, authority, path, location] of LOCATIONS) {
    await t.test(`${JSON.stringify(action)} for ${scheme}://${authority}${path}`, () => {
      assert.equal(
        redirectLocation(redirect(action), prefix('/v1'), request({ scheme, authority, path }), evaluate),
        location,
      )
    })
  }
  await t.test('X-Forwarded-Proto decides what the default port was', () => {
    const head = request({ scheme: 'http', authority: 'x.com:443', headers: [['x-forwarded-proto', 'https']] })
    assert.equal(redirectLocation(redirect({ scheme: 'http' }), prefix('/'), head, evaluate), 'http://x.com/')
  })
  await t.test('a CONNECT has no path to send along', () => {
    assert.equal(
      redirectLocation(redirect({ scheme: 'https' }), prefix('/'), connectTo('x.com:80'), evaluate),
      'https://x.com',
    )
  })
})

const HOSTS: readonly (readonly [HostRewrite, string | undefined])[] = [
  [{ kind: 'literal', host: 'www.example.org' }, 'www.example.org'],
  [{ kind: 'auto' }, 'endpoint.local'],
  [{ kind: 'header', header: 'x-host' }, 'from.header:8080'],
  [{ kind: 'header', header: 'x-none' }, undefined],
  [{ kind: 'header', header: 'x-evil' }, undefined],
  [{ kind: 'header', header: 'x-user' }, undefined],
  [{ kind: 'path-regex', regex: regex('^/(.+)/.*$'), substitution: '\\1' }, 'tenant'],
  [{ kind: 'format', template: text('made.example') }, 'made.example'],
  [{ kind: 'format', template: text('') }, undefined],
]

test('host rewrites take only valid authorities', async (t) => {
  const head = request({
    path: '/tenant/x?y',
    headers: [
      ['x-host', 'from.header:8080'],
      ['x-evil', 'a b'],
      ['x-user', 'me@host'],
    ],
  })
  for (const [rewrite, host] of HOSTS) {
    await t.test(JSON.stringify(rewrite), () =>
      assert.equal(rewrittenHost(rewrite, head, 'endpoint.local', evaluate), host),
    )
  }
})

const mutations = (add: HeaderMutations['add'], remove: readonly string[] = []): HeaderMutations => ({ add, remove })
const apply = (fields: readonly string[], ...levels: readonly HeaderMutations[]): readonly string[] => {
  const headers = new HeaderList([...fields])
  applyMutations(headers, levels, evaluate)
  return headers.fields
}

const MUTATIONS: readonly (readonly [
  name: string,
  fields: readonly string[],
  HeaderMutations,
  after: readonly string[],
])[] = [
  ['append to nothing', [], mutations([addition('x', '1')]), ['x', '1']],
  ['append keeps the other', ['x', '0'], mutations([addition('x', '1')]), ['x', '0', 'x', '1']],
  ['add if absent', [], mutations([addition('x', '1', 'add-if-absent')]), ['x', '1']],
  ['add if absent, there', ['x', '0'], mutations([addition('x', '1', 'add-if-absent')]), ['x', '0']],
  ['overwrite', ['x', '0', 'x', '2'], mutations([addition('x', '1', 'overwrite-or-add')]), ['x', '1']],
  ['overwrite nothing', [], mutations([addition('x', '1', 'overwrite-or-add')]), ['x', '1']],
  ['overwrite if exists', [], mutations([addition('x', '1', 'overwrite-if-exists')]), []],
  ['remove before add', ['x', '0', 'y', '1'], mutations([addition('x', '1')], ['x']), ['y', '1', 'x', '1']],
  [
    'overwrites come before appends',
    [],
    mutations([addition('x', '1'), addition('x', '2', 'overwrite-or-add')]),
    ['x', '2', 'x', '1'],
  ],
  ['empty value is not added', [], mutations([addition('x', '')]), []],
  ['empty value is kept when asked', [], mutations([addition('x', '', 'append', true)]), ['x', '']],
  ['a value with a line break is not added', [], mutations([addition('x', 'a\r\nevil: 1')]), []],
  ['a value beyond latin1 is not added', [], mutations([addition('x', '…')]), []],
  ['an endless value is not added', [], mutations([addition('x', 'a'.repeat(20000))]), []],
  [
    'host and pseudo-headers are out of reach',
    ['a', '1'],
    mutations([addition('host', 'evil'), addition(':path', '/x')], ['host', ':path']),
    ['a', '1'],
  ],
]

test('header mutations', async (t) => {
  for (const [name, fields, level, after] of MUTATIONS)
    await t.test(name, () => assert.deepEqual(apply(fields, level), after))
})

const set = (value: string) => ({
  ...NO_MUTATIONS,
  request: mutations([addition('x', value, 'overwrite-or-add'), addition('order', value)]),
})

function selected(mostSpecificMutationsWin: boolean, action = forward()): SelectedRoute {
  const routes = [route('r', prefix('/old'), { mutations: set('route'), action })]
  const hosts = [virtualHost('v', ['*'], routes, { mutations: set('host') })]
  const found = selectRoute(
    compileRouteTable(table(hosts, { mutations: set('table'), mostSpecificMutationsWin })),
    input(request({ path: '/old' })),
  )
  assert.ok(found.kind === 'route')
  return found
}

const member = (hostRewrite = ''): WeightedCluster => ({
  cluster: { kind: 'cluster', name: 'app' },
  weight: 1,
  mutations: set('member'),
  hostRewrite,
  perFilter: new Map(),
  place: NOWHERE,
})

test('mutations apply from the most specific level to the least, later winning', () => {
  const head = request({ path: '/old' })
  rewriteRequest(head, {
    selected: selected(false),
    action: forward(),
    member: member(),
    headerPrefix: 'x-envoy',
    evaluate,
  })
  assert.equal(head.headers.get('x'), 'table')
  assert.equal(head.headers.getAll('order'), 'member,route,host,table')
})

test('most_specific_header_mutations_wins turns the order round', () => {
  const head = request({ path: '/old' })
  rewriteRequest(head, {
    selected: selected(true),
    action: forward(),
    member: member(),
    headerPrefix: 'x-envoy',
    evaluate,
  })
  assert.equal(head.headers.get('x'), 'member')
  assert.equal(head.headers.getAll('order'), 'table,host,route,member')
})

test('a request is rewritten: headers, then host, then path, with the originals kept', () => {
  const action = forward({
    pathRewrite: to('/new'),
    hostRewrite: { kind: 'header', header: 'x' },
    appendForwardedHost: true,
  })
  const head = request({ authority: 'old.host', path: '/old/a?b', headers: [['x-envoy-original-path', 'forged']] })
  rewriteRequest(head, { selected: selected(false), action, member: undefined, headerPrefix: 'x-envoy', evaluate })
  assert.equal(head.authority, 'table')
  assert.equal(head.path, '/new/a?b')
  assert.equal(head.headers.get('x-envoy-original-path'), '/old/a?b')
  assert.equal(head.headers.get('x-envoy-original-host'), 'old.host')
  assert.equal(head.headers.get('x-forwarded-host'), 'old.host')
})

test('without a header prefix no originals are kept', () => {
  const head = request({ path: '/old/a' })
  rewriteRequest(head, {
    selected: selected(false),
    action: forward({ pathRewrite: to('/new') }),
    member: undefined,
    headerPrefix: '',
    evaluate,
  })
  assert.equal(head.headers.has('x-envoy-original-path'), false)
})

test('auto host rewrite waits for the endpoint, and the member of a weighted cluster overrides it', () => {
  const action = forward({ hostRewrite: { kind: 'auto' } })
  const base = { selected: selected(false), action, headerPrefix: '', evaluate }
  const head = request({ path: '/old' })
  rewriteRequest(head, { ...base, member: undefined })
  assert.equal(head.authority, 'example.com')
  rewriteHostForEndpoint(head, { ...base, member: undefined }, 'app-1.internal')
  assert.equal(head.authority, 'app-1.internal')
  const other = request({ path: '/old' })
  rewriteRequest(other, { ...base, member: member('member.host') })
  rewriteHostForEndpoint(other, { ...base, member: member('member.host') }, 'app-1.internal')
  assert.equal(other.authority, 'member.host')
})

test('a proxied CONNECT gets another target by its host rewrite and keeps having no path', () => {
  const head = connectTo('a:1')
  const action = forward({ hostRewrite: { kind: 'literal', host: 'b:2' }, pathRewrite: to('/x') })
  rewriteRequest(head, { selected: selected(false), action, member: undefined, headerPrefix: 'x-envoy', evaluate })
  assert.deepEqual([head.authority, head.path], ['b:2', ''])
})

test('a host rewrite that could break the request line of a proxied CONNECT leaves the target alone', async (t) => {
  const evil = [
    'b:2 HTTP/1.1\r\nx: y',
    'b:2\r\n',
    'b:2/x',
    'user@b:2',
    'b:2?q',
    'b 2',
    '',
    'b:2\0',
    'b:0',
    'b:',
    'b:99999',
    'b%2ec:1',
    '[::1%25eth0]:1',
  ]
  for (const value of evil) {
    await t.test(JSON.stringify(value), () => {
      const head = connectTo('a:1', { headers: [['x-to', value]] })
      const action = forward({ hostRewrite: { kind: 'header', header: 'x-to' } })
      rewriteRequest(head, { selected: selected(false), action, member: undefined, headerPrefix: '', evaluate })
      assert.equal(head.authority, 'a:1')
    })
  }
})

test('X-Forwarded-Host is appended once', () => {
  const action = forward({ hostRewrite: { kind: 'literal', host: 'b' }, appendForwardedHost: true })
  const head = request({ authority: 'a', path: '/old', headers: [['x-forwarded-host', 'z, a']] })
  rewriteRequest(head, { selected: selected(false), action, member: undefined, headerPrefix: '', evaluate })
  assert.equal(head.headers.getAll('x-forwarded-host'), 'z, a')
})
