// What filters do to requests and answers: header changes, redirects, rewrites, CORS and mirrors of the Gateway API's
// conformance suite, each test named after the one that it mirrors.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { authority, type Authority, type Leaf } from '../support/certificates.ts'
import {
  type Answer,
  type Ask,
  type Backends,
  duringWorld,
  gateway,
  pathRule,
  type Piece,
  route,
  startBackends,
  type Story,
  to,
  type World,
} from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'
import { delay, until } from '../support/waiting.ts'

let backends: Backends
let ca: Authority
let leaf: Leaf

before(async () => {
  backends = await startBackends(['v1', 'v2', 'v3'])
  ca = await authority()
  leaf = await ca.issue({ name: 'example', dns: ['example.org'] })
})

after(async () => {
  await backends.stop()
  await nothingLeft()
})

const withWorld = (manifests: readonly Piece[], story: Story): Promise<void> =>
  duringWorld([...manifests, ...backends.manifests], story)

const modify = (changes: Piece, kind = 'Request'): Piece => ({
  type: `${kind}HeaderModifier`,
  [kind === 'Request' ? 'requestHeaderModifier' : 'responseHeaderModifier']: changes,
})
const pair = (name: string, value: string): Piece => ({ name, value })
const MANY: Piece = {
  set: [pair('X-Header-Set-1', 'header-set-1'), pair('X-Header-Set-2', 'header-set-2')],
  add: [
    pair('X-Header-Add-1', 'header-add-1'),
    pair('X-Header-Add-2', 'header-add-2'),
    pair('X-Append', 'header-val-2'),
  ],
  remove: ['X-Header-Remove-1', 'x-header-remove-2'],
}

async function checkRequestHeaders(world: World): Promise<void> {
  const seen = async (path: string, headers: Ask['headers'] = {}): Promise<Readonly<Record<string, string>>> =>
    (await world.ask({ path, headers })).echo?.headers ?? {}
  assert.equal((await seen('/set'))['x-header-set'], 'set-overwrites-values')
  assert.equal((await seen('/set', { 'x-header-set': 'some-other-value' }))['x-header-set'], 'set-overwrites-values')
  assert.equal((await seen('/add'))['x-header-add'], 'add-appends-values')
  const added = (await seen('/add', { 'x-header-add': 'some-other-value' }))['x-header-add']
  assert.equal(added?.replaceAll(', ', ','), 'some-other-value,add-appends-values')
  assert.equal((await seen('/remove', { 'X-Header-Remove': 'value', other: 'stays' }))['x-header-remove'], undefined)
  const many = await seen('/many', {
    'X-Header-Set-2': 'old',
    'X-Header-Add-2': 'old',
    'X-Header-Remove-1': 'x',
    'X-HEADER-REMOVE-2': 'x',
    'another-header': 'another',
  })
  assert.equal(many['x-header-set-1'], 'header-set-1')
  assert.equal(many['x-header-set-2'], 'header-set-2')
  assert.equal(many['x-header-add-2']?.replaceAll(', ', ','), 'old,header-add-2')
  assert.deepEqual(
    [many['x-header-remove-1'], many['x-header-remove-2'], many['another-header']],
    [undefined, undefined, 'another'],
  )
}

const HEADER_RULES: readonly (readonly [string, Piece])[] = [
  ['/set', { set: [pair('X-Header-Set', 'set-overwrites-values')] }],
  ['/add', { add: [pair('X-Header-Add', 'add-appends-values')] }],
  ['/remove', { remove: ['X-Header-Remove'] }],
  ['/many', MANY],
]

test('HTTPRouteRequestHeaderModifier', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: HEADER_RULES.map(([path, changes]) =>
          pathRule(path, 'v1', 'PathPrefix', { filters: [modify(changes)] }),
        ),
      }),
    ],
    checkRequestHeaders,
  ))

test('HTTPRouteBackendRequestHeaderModifier', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: HEADER_RULES.map(([path, changes]) => ({
          ...pathRule(path, 'v1'),
          backendRefs: [to('v1', { filters: [modify(changes)] })],
        })),
      }),
    ],
    checkRequestHeaders,
  ))

test('HTTPRouteRequestHeaderModifierBackendWeights', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          {
            backendRefs: [
              to('v1', { weight: 1, filters: [modify({ set: [pair('backend', 'v1')] })] }),
              to('v2', { weight: 1, filters: [modify({ set: [pair('backend', 'v2')] })] }),
            ],
          },
        ],
      }),
    ],
    async (world) => {
      const pods = new Set<string>()
      for (let index = 0; index < 40; index++) {
        const { echo, pod } = await world.ask()
        assert.equal(echo?.headers['backend'], pod)
        pods.add(pod)
      }
      assert.equal(pods.size, 2)
    },
  ))

test('HTTPRouteResponseHeaderModifier', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          pathRule('/', 'v1', 'PathPrefix', {
            filters: [
              modify({ set: [pair('X-Set', 'set')], add: [pair('X-Add', 'added')], remove: ['X-Remove'] }, 'Response'),
              modify({ set: [pair('X-Asked', 'yes')] }),
            ],
          }),
        ],
      }),
    ],
    async (world) => {
      const { headers, echo } = await world.ask({ path: '/?x-set=old&x-add=old&x-remove=old&x-other=stays' })
      assert.equal(headers['x-set'], 'set')
      assert.equal(headers['x-add'], 'old, added')
      assert.equal(headers['x-remove'], undefined)
      assert.equal(headers['x-other'], 'stays')
      assert.equal(echo?.headers['x-asked'], 'yes')
    },
  ))

const redirectRule = (path: string, requestRedirect: Piece): Piece => ({
  matches: [{ path: { type: 'PathPrefix', value: path } }],
  filters: [{ type: 'RequestRedirect', requestRedirect }],
})

/** Each path must lead to `status location`. */
async function checkRedirects(world: World, table: readonly (readonly [Ask, string])[]): Promise<void> {
  for (const [ask, expected] of table) {
    const { status, headers } = await world.ask({ host: 'example.org', ...ask })
    assert.equal(`${status} ${headers['location'] ?? ''}`, expected, JSON.stringify({ ...ask, tls: ask.tls?.sni }))
  }
}

test('HTTPRouteRedirectHostAndStatus, HTTPRoute303Redirect, HTTPRoute307Redirect, HTTPRoute308Redirect', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          redirectRule('/hostname', { hostname: 'other.example' }),
          ...[301, 303, 307, 308].map((statusCode) =>
            redirectRule(`/${statusCode}`, { hostname: 'other.example', statusCode }),
          ),
        ],
      }),
    ],
    (world) =>
      checkRedirects(world, [
        [{ path: '/hostname?a=b' }, '302 http://other.example/hostname?a=b'],
        ...[301, 303, 307, 308].map((status): readonly [Ask, string] => [
          { path: `/${status}` },
          `${status} http://other.example/${status}`,
        ]),
      ]),
  ))

test('HTTPRouteRedirectPath', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          redirectRule('/original-prefix', {
            path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/replacement-prefix' },
          }),
          redirectRule('/full', { path: { type: 'ReplaceFullPath', replaceFullPath: '/full-path-replacement' } }),
          redirectRule('/with-host', {
            hostname: 'other.example',
            path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/p' },
          }),
          redirectRule('/with-status', { statusCode: 301, path: { type: 'ReplaceFullPath', replaceFullPath: '/f' } }),
        ],
      }),
    ],
    (world) =>
      checkRedirects(world, [
        [{ path: '/original-prefix/lemon' }, '302 http://example.org/replacement-prefix/lemon'],
        [{ path: '/full/path/original' }, '302 http://example.org/full-path-replacement'],
        [{ path: '/with-host/x' }, '302 http://other.example/p/x'],
        [{ path: '/with-status/x' }, '301 http://example.org/f'],
      ]),
  ))

const PORT_RULES = [
  redirectRule('/nothing', { path: { type: 'ReplaceFullPath', replaceFullPath: '/n' } }),
  redirectRule('/port-80', { port: 80 }),
  redirectRule('/port-8443', { port: 8443 }),
  redirectRule('/scheme-https', { scheme: 'https' }),
  redirectRule('/scheme-http', { scheme: 'http' }),
  redirectRule('/https-443', { scheme: 'https', port: 443 }),
  redirectRule('/http-8083', { hostname: 'other.example', port: 8083, statusCode: 301 }),
]

test('HTTPRouteRedirectPort, HTTPRouteRedirectScheme, HTTPRouteRedirectPortAndScheme', () =>
  withWorld(
    [
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'certificate', namespace: 'infra' },
        type: 'kubernetes.io/tls',
        stringData: { 'tls.crt': leaf.certificate, 'tls.key': leaf.key },
      },
      gateway('gw', [
        { port: 80 },
        { port: 8080 },
        { port: 443, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'certificate' }] } },
      ]),
      route('r', { rules: PORT_RULES }),
    ],
    async (world) => {
      const tls = { sni: 'example.org', ca: ca.certificate }
      await checkRedirects(world, [
        [{ path: '/nothing' }, '302 http://example.org/n'],
        [{ path: '/nothing', host: 'example.org:80' }, '302 http://example.org/n'],
        [{ path: '/port-80' }, '302 http://example.org/port-80'],
        [{ path: '/port-8443' }, '302 http://example.org:8443/port-8443'],
        [{ path: '/scheme-https' }, '302 https://example.org/scheme-https'],
        [{ path: '/https-443' }, '302 https://example.org/https-443'],
        [{ path: '/http-8083' }, '301 http://other.example:8083/http-8083'],
        [{ path: '/nothing', port: 8080 }, '302 http://example.org:8080/n'],
        [{ path: '/nothing', port: 8080, host: 'example.org:8080' }, '302 http://example.org:8080/n'],
        [{ path: '/port-80', port: 8080, host: 'example.org:8080' }, '302 http://example.org/port-80'],
        [{ path: '/scheme-https', port: 8080, host: 'example.org:8080' }, '302 https://example.org/scheme-https'],
        [{ path: '/scheme-http', port: 8080 }, '302 http://example.org/scheme-http'],
        [{ path: '/nothing', tls }, '302 https://example.org/n'],
        [{ path: '/port-8443', tls }, '302 https://example.org:8443/port-8443'],
        [{ path: '/scheme-http', tls }, '302 http://example.org/scheme-http'],
      ])
    },
  ))

const rewriteFilter = (urlRewrite: Piece): Piece => ({ type: 'URLRewrite', urlRewrite })
const prefixTo = (replacePrefixMatch: string): Piece => ({ type: 'ReplacePrefixMatch', replacePrefixMatch })

test('HTTPRouteRewritePath', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          pathRule('/prefix/one', 'v1', 'PathPrefix', { filters: [rewriteFilter({ path: prefixTo('/one') })] }),
          pathRule('/strip-prefix', 'v1', 'PathPrefix', { filters: [rewriteFilter({ path: prefixTo('/') })] }),
          pathRule('/full/one', 'v1', 'PathPrefix', {
            filters: [rewriteFilter({ path: { type: 'ReplaceFullPath', replaceFullPath: '/one' } })],
          }),
          pathRule('/full/rewrite-path-and-modify-headers', 'v1', 'PathPrefix', {
            filters: [
              rewriteFilter({ path: { type: 'ReplaceFullPath', replaceFullPath: '/test' } }),
              modify({ add: [pair('X-Append', 'header-val-2')], remove: ['X-Remove'] }),
            ],
          }),
          pathRule('/empty', 'v1', 'PathPrefix', { filters: [rewriteFilter({ path: prefixTo('') })] }),
          pathRule('/slash', 'v1', 'PathPrefix', { filters: [rewriteFilter({ path: prefixTo('/xyz/') })] }),
        ],
      }),
    ],
    async (world) => {
      const table: readonly (readonly [string, string])[] = [
        ['/prefix/one/two', '/one/two'],
        ['/prefix/one/two?q=1', '/one/two?q=1'],
        ['/strip-prefix/three', '/three'],
        ['/strip-prefix', '/'],
        ['/full/one/two', '/one'],
        ['/empty', '/'],
        ['/empty/bar', '/bar'],
        ['/slash', '/xyz'],
        ['/slash/bar', '/xyz/bar'],
      ]
      for (const [path, expected] of table) assert.equal((await world.ask({ path })).echo?.path, expected, path)
      const { echo } = await world.ask({
        path: '/full/rewrite-path-and-modify-headers',
        headers: { 'x-append': 'append-val-1', 'x-remove': 'x' },
      })
      assert.equal(echo?.path, '/test')
      assert.equal(echo.headers['x-append']?.replaceAll(', ', ','), 'append-val-1,header-val-2')
      assert.equal(echo.headers['x-remove'], undefined)
    },
  ))

test('HTTPRouteRewriteHost', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        hostnames: ['rewrite.example'],
        rules: [
          pathRule('/one', 'v1', 'PathPrefix', { filters: [rewriteFilter({ hostname: 'one.example.org' })] }),
          pathRule('/headers', 'v2', 'PathPrefix', {
            filters: [rewriteFilter({ hostname: 'two.example.org' }), modify({ set: [pair('x-seen', 'yes')] })],
          }),
        ],
      }),
    ],
    async (world) => {
      const one = await world.ask({ host: 'rewrite.example', path: '/one' })
      assert.deepEqual([one.pod, one.echo?.host], ['v1', 'one.example.org'])
      const two = await world.ask({ host: 'rewrite.example', path: '/headers' })
      assert.deepEqual([two.pod, two.echo?.host, two.echo?.headers['x-seen']], ['v2', 'two.example.org', 'yes'])
    },
  ))

const onBackend = (path: string, filter: Piece): Piece => ({
  matches: [{ path: { type: 'PathPrefix', value: path } }],
  backendRefs: [to('v1', { filters: [filter] })],
})

test('HTTPRouteBackendURLRewrite', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          onBackend('/full', rewriteFilter({ path: { type: 'ReplaceFullPath', replaceFullPath: '/rewritten-full' } })),
          onBackend('/prefix', rewriteFilter({ path: prefixTo('/rewritten-prefix') })),
          onBackend('/host', rewriteFilter({ hostname: 'one.example.org' })),
        ],
      }),
    ],
    async (world) => {
      assert.equal((await world.ask({ path: '/full/original' })).echo?.path, '/rewritten-full')
      assert.equal((await world.ask({ path: '/prefix/original' })).echo?.path, '/rewritten-prefix/original')
      assert.equal((await world.ask({ path: '/host' })).echo?.host, 'one.example.org')
    },
  ))

test('HTTPRouteBackendRequestRedirect', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          onBackend('/full', {
            type: 'RequestRedirect',
            requestRedirect: { path: { type: 'ReplaceFullPath', replaceFullPath: '/redirected-full' } },
          }),
          onBackend('/prefix', { type: 'RequestRedirect', requestRedirect: { path: prefixTo('/redirected-prefix') } }),
        ],
      }),
    ],
    (world) =>
      checkRedirects(world, [
        [{ path: '/full/original' }, '302 http://example.org/redirected-full'],
        [{ path: '/prefix/original' }, '302 http://example.org/redirected-prefix/original'],
      ]),
  ))

const mirror = (name: string, more: Piece = {}): Piece => ({
  type: 'RequestMirror',
  requestMirror: { backendRef: { name, port: 8080 }, ...more },
})

/** Requests of that path that a backend has seen. */
const copies = (pod: string, path: string): number =>
  backends.all.find((each) => each.pod === pod)?.seen.filter((echo) => echo.path === path).length ?? 0

test('HTTPRouteRequestMirror and HTTPRouteRequestMultipleMirrors', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          pathRule('/mirror', 'v1', 'PathPrefix', { filters: [mirror('v2')] }),
          pathRule('/multi', 'v1', 'PathPrefix', { filters: [mirror('v2'), mirror('v3')] }),
          pathRule('/changed', 'v1', 'PathPrefix', {
            filters: [mirror('v2'), modify({ set: [pair('x-changed', 'yes')] })],
          }),
          pathRule('/lost', 'v1', 'PathPrefix', { filters: [mirror('missing')] }),
        ],
      }),
    ],
    async (world) => {
      assert.equal((await world.ask({ path: '/mirror' })).pod, 'v1')
      assert.equal((await world.ask({ path: '/multi' })).pod, 'v1')
      assert.equal((await world.ask({ path: '/changed' })).pod, 'v1')
      assert.equal((await world.ask({ path: '/lost' })).pod, 'v1')
      await until(
        () =>
          copies('v2', '/mirror') > 0 &&
          copies('v3', '/multi') > 0 &&
          copies('v2', '/multi') > 0 &&
          copies('v2', '/changed') > 0
            ? true
            : undefined,
        { what: 'the copies' },
      )
      await delay(100)
      assert.deepEqual([copies('v2', '/mirror'), copies('v2', '/multi'), copies('v3', '/multi')], [1, 1, 1])
      const seen = backends.all[1]?.seen.find(({ path }) => path === '/changed')
      assert.equal(seen?.headers['x-changed'], 'yes')
    },
  ))

test('HTTPRouteRequestPercentageMirror', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          pathRule('/20', 'v1', 'PathPrefix', { filters: [mirror('v2', { percent: 20 })] }),
          pathRule('/half', 'v1', 'PathPrefix', {
            filters: [mirror('v2', { fraction: { numerator: 1, denominator: 2 } })],
          }),
          pathRule('/none', 'v1', 'PathPrefix', { filters: [mirror('v2', { percent: 0 })] }),
        ],
      }),
    ],
    async (world) => {
      const rounds = 300
      for (const path of ['/20', '/half', '/none'])
        for (let index = 0; index < rounds; index++) assert.equal((await world.ask({ path })).pod, 'v1')
      await delay(200)
      // Four standard deviations: once in 16,000 runs it is chance.
      const near = (path: string, share: number): void => {
        const margin = 4 * Math.sqrt(rounds * share * (1 - share))
        const count = copies('v2', path)
        assert.ok(Math.abs(count - rounds * share) <= margin, `${count} copies of ${path}`)
      }
      near('/20', 0.2)
      near('/half', 0.5)
      assert.equal(copies('v2', '/none'), 0)
    },
  ))

const cors = (policy: Piece): Piece => ({ type: 'CORS', cors: policy })
const preflight = (path: string, origin: string, method = 'GET', headers = 'x-header-1, x-header-2'): Ask => ({
  path,
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': headers },
})
const allowed = ({ headers }: Answer): string | undefined => headers['access-control-allow-origin']

test('HTTPRouteCORS', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          pathRule('/exact', 'v1', 'PathPrefix', {
            filters: [
              cors({
                allowOrigins: ['https://www.foo.com', 'https://*.bar.com'],
                allowMethods: ['GET', 'OPTIONS'],
                allowHeaders: ['x-header-1', 'x-header-2'],
                exposeHeaders: ['x-header-3', 'x-header-4'],
                allowCredentials: true,
                maxAge: 3600,
              }),
            ],
          }),
          pathRule('/methods', 'v1', 'PathPrefix', {
            filters: [cors({ allowOrigins: ['https://www.foo.com'], allowMethods: ['*'] })],
          }),
          pathRule('/star', 'v1', 'PathPrefix', { filters: [cors({ allowOrigins: ['*'], allowMethods: ['GET'] })] }),
          pathRule('/trusting', 'v1', 'PathPrefix', {
            filters: [cors({ allowOrigins: ['*'], allowMethods: ['*'], allowHeaders: ['*'], allowCredentials: true })],
          }),
        ],
      }),
    ],
    async (world) => {
      for (const origin of ['https://www.foo.com', 'https://www.bar.com', 'https://xpto.www.bar.com']) {
        const answer = await world.ask(preflight('/exact', origin))
        assert.ok([200, 204].includes(answer.status), `${answer.status}`)
        assert.equal(allowed(answer), origin)
        assert.equal(answer.headers['access-control-allow-credentials'], 'true')
        assert.equal(answer.headers['access-control-max-age'], '3600')
        assert.deepEqual(answer.headers['access-control-allow-methods']?.split(/, ?/), ['GET', 'OPTIONS'])
        assert.deepEqual(answer.headers['access-control-allow-headers']?.toLowerCase().split(/, ?/), [
          'x-header-1',
          'x-header-2',
        ])
      }
      assert.equal(allowed(await world.ask(preflight('/exact', 'https://foobar.com'))), undefined)
      assert.equal(allowed(await world.ask(preflight('/exact', 'https://evil.com/.bar.com'))), undefined)
      const actual = await world.ask({ path: '/exact', headers: { origin: 'https://www.foo.com' } })
      assert.deepEqual([actual.pod, allowed(actual)], ['v1', 'https://www.foo.com'])
      assert.deepEqual(actual.headers['access-control-expose-headers']?.split(/, ?/), ['x-header-3', 'x-header-4'])
      const other = await world.ask({ path: '/exact', headers: { origin: 'https://foobar.com' } })
      assert.deepEqual([other.pod, allowed(other)], ['v1', undefined])
      const methods = await world.ask(preflight('/methods', 'https://www.foo.com', 'POST'))
      assert.ok(['POST', '*'].includes(methods.headers['access-control-allow-methods'] ?? ''))
      assert.equal(methods.headers['access-control-allow-credentials'], undefined)
      const star = allowed(await world.ask(preflight('/star', 'https://any.example:12345')))
      assert.ok(star === '*' || star === 'https://any.example:12345')
      const trusting = await world.ask(preflight('/trusting', 'https://any.example', 'PUT', 'x-mine'))
      assert.equal(allowed(trusting), 'https://any.example')
      assert.equal(trusting.headers['access-control-allow-methods'], 'PUT')
      assert.equal(trusting.headers['access-control-allow-headers'], 'x-mine')
    },
  ))
