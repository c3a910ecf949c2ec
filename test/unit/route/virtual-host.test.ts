import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRouteTable } from '../../../src/route/compiled-table.ts'
import { selectRoute } from '../../../src/route/select-route.ts'
import { VirtualHostIndex } from '../../../src/route/virtual-host-index.ts'
import { connectTo, exact, input, prefix, request, route, table, virtualHost } from './build.ts'

const index = (domains: readonly string[], ignorePort = false): VirtualHostIndex<string> =>
  new VirtualHostIndex(
    domains.map((domain) => [domain, domain] as const),
    ignorePort,
  )

const MANY = [
  'example.com',
  'example.com:8080',
  '*.example.com',
  '*.a.example.com',
  '*-bar.example.com',
  'example.*',
  'example.co*',
  'www.*',
  '*.org:443',
  'host:*',
  '[::1]:80',
  '10.0.0.1',
  '*',
]

const FOUND: readonly (readonly [authority: string, domain: string])[] = [
  ['example.com', 'example.com'],
  ['EXAMPLE.Com', 'example.com'],
  ['example.com:8080', 'example.com:8080'],
  ['example.com:8081', 'example.co*'],
  ['a.example.com', '*.example.com'],
  ['b.a.example.com', '*.a.example.com'],
  ['c.b.a.example.com', '*.a.example.com'],
  ['a.b.example.com', '*.example.com'],
  ['foo-bar.example.com', '*-bar.example.com'],
  ['x.foo-bar.example.com', '*-bar.example.com'],
  ['-bar.example.com', '*.example.com'],
  ['.example.com', '*'],
  ['.a.example.com', '*.example.com'],
  ['example.org', 'example.*'],
  ['example.', '*'],
  ['example.co', 'example.*'],
  ['example.com.', 'example.co*'],
  ['www.anything', 'www.*'],
  ['www.example.com', '*.example.com'],
  ['www.', '*'],
  ['kernel.org:443', '*.org:443'],
  ['www.kernel.org:443', '*.org:443'],
  ['host:22', 'host:*'],
  ['host', '*'],
  ['[::1]:80', '[::1]:80'],
  ['[::1]', '*'],
  ['10.0.0.1', '10.0.0.1'],
  ['10.0.0.1:80', '*'],
  ['other', '*'],
  ['', '*'],
]

test('finds the virtual host: exact, longest suffix, longest prefix, then any', async (t) => {
  const found = index(MANY)
  for (const [authority, domain] of FOUND) {
    await t.test(`"${authority}" → ${domain}`, () => assert.equal(found.find(authority), domain))
  }
})

test('without "*" an unknown host has no virtual host', () => {
  const found = index(['example.com', '*.example.com'])
  for (const host of ['example.org', '.example.com', 'example.com:80', '', 'xexample.com', 'example.com.evil']) {
    assert.equal(found.find(host), undefined, host)
  }
})

test('a table of only "*" takes everything, even a request without host', () => {
  assert.equal(index(['*']).find(''), '*')
  assert.equal(index([]).find('a'), undefined)
})

const IGNORING: readonly (readonly [string, string | undefined])[] = [
  ['example.com:8080', 'example.com'],
  ['example.com', 'example.com'],
  ['example.com:', 'example.com'],
  ['a.b.net:1', '*.net'],
  ['[::1]:443', '[::1]'],
  ['[::1]', '[::1]'],
  ['ported.com:80', undefined],
]

test('ignore_port_in_host_matching takes the port off the request, never off the domain', async (t) => {
  const found = index(['example.com', '*.net', '[::1]', 'ported.com:80'], true)
  for (const [authority, domain] of IGNORING) {
    await t.test(`"${authority}" → ${domain}`, () => assert.equal(found.find(authority), domain))
  }
})

test('of a repeated domain the first counts', () => {
  const found = new VirtualHostIndex(
    [
      ['a', 1],
      ['a', 2],
      ['*.a', 3],
      ['*.a', 4],
      ['*', 5],
      ['*', 6],
    ] as const,
    false,
  )
  assert.deepEqual([found.find('a'), found.find('x.a'), found.find('z')], [1, 3, 5])
})

function missOf(domains: readonly string[], authority: string, ignorePort = false): string {
  const compiled = compileRouteTable(
    table([virtualHost('web', domains, [route('r', prefix('/'))])], { ignorePortInHostMatching: ignorePort }),
  )
  const selected = selectRoute(compiled, input(request({ authority })))
  assert.ok(selected.kind === 'no-virtual-host')
  return selected.explanation
}

const HINTS: readonly (readonly [domains: readonly string[], authority: string, says: RegExp])[] = [
  [
    ['example.com'],
    'example.com:8080',
    /"example.com" is listed \(virtual host "web"\), but the port counts.*ignore_port_in_host_matching/,
  ],
  [['*.example.com'], 'a.example.com:1', /"a.example.com" is listed/],
  [['example.com:443'], 'example.com', /"example.com:443" is listed, and the port counts/],
  [['example.com:443'], 'example.com:444', /"example.com:443" is listed, and the port counts/],
  [['example.com'], 'example.com.', /strip_trailing_host_dot/],
  [['example.com:80'], 'example.com.:80', /"example.com:80" is \(virtual host "web"\)/],
  [['*.example.com'], 'example.com', /"\*\.example\.com" is listed, but needs a label before the dot/],
  [['a', 'b', 'c', 'd', 'e', 'f', 'g'], 'z', /it lists "a", "b", "c", "d", "e" and 2 more/],
  [['a'], '', /the request names no host/],
]

test('the explanation of a missing virtual host names what came near', async (t) => {
  for (const [domains, authority, says] of HINTS) {
    await t.test(`${domains.join(' ')} / "${authority}"`, () => assert.match(missOf(domains, authority), says))
  }
  await t.test('a listed port under ignore_port', () =>
    assert.match(
      missOf(['a:80'], 'a:80', true),
      /with ignore_port_in_host_matching a domain with a port never matches/,
    ),
  )
})

test('an explanation is printable and bounded whatever the client sent', () => {
  const explanation = missOf(['example.com'], `evil\u0000é\r\n${'x'.repeat(5000)}`)
  assert.match(explanation, /^[\x20-\x7e]+$/)
  assert.ok(explanation.length < 500)
})

test('CONNECT is matched by its target with the port', () => {
  const compiled = compileRouteTable(
    table([virtualHost('tunnel', ['db.internal:5432'], [route('c', { kind: 'connect' })])]),
  )
  assert.equal(selectRoute(compiled, input(connectTo('db.internal:5432'))).kind, 'route')
  assert.equal(selectRoute(compiled, input(connectTo('db.internal:22'))).kind, 'no-virtual-host')
})

test('a matched virtual host is final: no other is tried when none of its routes match', () => {
  const compiled = compileRouteTable(
    table([
      virtualHost('one', ['a'], [route('only', exact('/x'))]),
      virtualHost('two', ['*'], [route('any', prefix('/'))]),
    ]),
  )
  const selected = selectRoute(compiled, input(request({ authority: 'a', path: '/y' })))
  assert.equal(selected.kind, 'no-route')
  assert.equal(selected.virtualHost?.name, 'one')
})
