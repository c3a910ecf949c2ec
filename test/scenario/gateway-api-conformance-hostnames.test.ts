// Which listener and route a host belongs to: the hostname tables of the Gateway API's conformance suite, in the clear and
// in TLS, each test named after the one that it mirrors.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { authority, type Authority, type Leaf } from '../support/certificates.ts'
import {
  answersAs,
  type Ask,
  type Backends,
  conditionOf,
  duringWorld,
  gateway,
  load,
  pathRule,
  type Piece,
  route,
  startBackends,
  statusOf,
  type Story,
  to,
} from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'

let backends: Backends
let ca: Authority
let leaf: Leaf

before(async () => {
  backends = await startBackends(['v1', 'v2', 'v3'])
  ca = await authority()
  leaf = await ca.issue({
    name: 'everything',
    dns: ['example.org', '*.example.org', 'second-example.org', 'unknown-example.org', '*.wildcard.org'],
  })
})

after(async () => {
  await backends.stop()
  await nothingLeft()
})

const withWorld = (manifests: readonly Piece[], story: Story): Promise<void> =>
  duringWorld([...manifests, ...backends.manifests], story)

const parents = (...sections: readonly string[]): Piece => ({
  parentRefs: sections.map((sectionName) => ({ name: 'gw', sectionName })),
})

test('HTTPRouteListenerHostnameMatching', () =>
  withWorld(
    [
      gateway('gw', [
        { hostname: 'bar.com' },
        { hostname: 'foo.bar.com' },
        { hostname: '*.bar.com' },
        { hostname: '*.foo.com' },
      ]),
      route('one', { ...parents('listener-1'), rules: [{ backendRefs: [to('v1')] }] }),
      route('two', { ...parents('listener-2'), rules: [{ backendRefs: [to('v2')] }] }),
      route('three', { ...parents('listener-3', 'listener-4'), rules: [{ backendRefs: [to('v3')] }] }),
    ],
    (world) =>
      answersAs(world, [
        [{ host: 'bar.com' }, 'v1'],
        [{ host: 'foo.bar.com' }, 'v2'],
        [{ host: 'baz.bar.com' }, 'v3'],
        [{ host: 'boo.bar.com' }, 'v3'],
        [{ host: 'multiple.prefixes.bar.com' }, 'v3'],
        [{ host: 'multiple.prefixes.foo.com' }, 'v3'],
        [{ host: 'foo.com' }, '404'],
        [{ host: 'no.matching.host' }, '404'],
      ]),
  ))

test('HTTPRouteHostnameIntersection', () =>
  withWorld(
    [
      gateway('gw', [
        { hostname: 'very.specific.com' },
        { hostname: '*.wildcard.io' },
        { hostname: '*.anotherwildcard.io' },
      ]),
      route('specific', {
        hostnames: ['non.matching.com', '*.nonmatchingwildcard.io', 'very.specific.com'],
        rules: [pathRule('/s1', 'v1')],
      }),
      route('wild', {
        hostnames: ['non.matching.com', 'wildcard.io', 'foo.wildcard.io', 'bar.wildcard.io', 'foo.bar.wildcard.io'],
        rules: [pathRule('/s2', 'v2')],
      }),
      route('wider', { hostnames: ['non.matching.com', '*.specific.com'], rules: [pathRule('/s3', 'v3')] }),
      route('same', { hostnames: ['*.anotherwildcard.io'], rules: [pathRule('/s4', 'v1')] }),
      route('nothing', { hostnames: ['specific.but.wrong.com', 'wildcard.io'], rules: [pathRule('/s5', 'v2')] }),
    ],
    async (world) => {
      await answersAs(world, [
        [{ host: 'very.specific.com', path: '/s1' }, 'v1'],
        [{ host: 'very.specific.com:1234', path: '/s1' }, 'v1'],
        [{ host: 'non.matching.com', path: '/s1' }, '404'],
        [{ host: 'foo.nonmatchingwildcard.io', path: '/s1' }, '404'],
        [{ host: 'very.specific.com', path: '/nope' }, '404'],
        [{ host: 'foo.wildcard.io', path: '/s2' }, 'v2'],
        [{ host: 'bar.wildcard.io', path: '/s2' }, 'v2'],
        [{ host: 'foo.bar.wildcard.io', path: '/s2' }, 'v2'],
        [{ host: 'wildcard.io', path: '/s2' }, '404'],
        [{ host: 'baz.wildcard.io', path: '/s2' }, '404'],
        [{ host: 'very.specific.com', path: '/s3' }, 'v3'],
        [{ host: 'foo.specific.com', path: '/s3' }, '404'],
        [{ host: 'one.anotherwildcard.io', path: '/s4' }, 'v1'],
        [{ host: 'anotherwildcard.io', path: '/s4' }, '404'],
        [{ host: 'wildcard.io', path: '/s5' }, '404'],
      ])
      const said = conditionOf(world.loaded, 'HTTPRoute', 'nothing', 'Accepted')
      assert.equal(said, 'False NoMatchingListenerHostname')
      assert.equal(conditionOf(world.loaded, 'HTTPRoute', 'wider', 'Accepted'), 'True Accepted')
    },
  ))

const ISOLATED = ['', '*.example.com', '*.foo.example.com', 'abc.foo.example.com'] as const
const ASKED = ['bar.com', 'bar.example.com', 'bar.foo.example.com', 'abc.foo.example.com'] as const

for (const onRoutes of [false, true]) {
  test(`GatewayHTTPListenerIsolation${onRoutes ? ' with hostnames on the routes' : ''}`, () =>
    withWorld(
      [
        gateway(
          'gw',
          ISOLATED.map((hostname) => (hostname === '' ? {} : { hostname })),
        ),
        ...ISOLATED.map((_, index) =>
          route(`r${index}`, {
            ...parents(`listener-${index + 1}`),
            ...(onRoutes ? { hostnames: ASKED } : {}),
            rules: [pathRule(`/p${index}`, 'v1')],
          }),
        ),
      ],
      (world) =>
        answersAs(
          world,
          ASKED.flatMap((host, column) =>
            ISOLATED.map((_, row): readonly [Ask, string] => [
              { host, path: `/p${row}` },
              row === column ? 'v1' : '404',
            ]),
          ),
        ),
    ))
}

const secret = (name: string, made: Leaf): Piece => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'infra' },
  type: 'kubernetes.io/tls',
  data: {
    'tls.crt': Buffer.from(made.certificate).toString('base64'),
    'tls.key': Buffer.from(made.key).toString('base64'),
  },
})

const secure = (hostname = ''): Piece => ({
  port: 443,
  protocol: 'HTTPS',
  ...(hostname === '' ? {} : { hostname }),
  tls: { certificateRefs: [{ name: 'certificate' }] },
})

const httpsWorld = (): readonly Piece[] => [
  secret('certificate', leaf),
  gateway('gw', [
    secure(),
    secure('second-example.org'),
    secure('*.wildcard.org'),
    secure('fourth-example.wildcard.org'),
  ]),
  route('first', { ...parents('listener-1'), hostnames: ['example.org'], rules: [{ backendRefs: [to('v1')] }] }),
  route('second', { ...parents('listener-2'), rules: [{ backendRefs: [to('v2')] }] }),
  route('third', { ...parents('listener-3'), rules: [{ backendRefs: [to('v3')] }] }),
  route('fourth', { ...parents('listener-4'), rules: [{ backendRefs: [to('v1')] }] }),
]

test('HTTPRouteHTTPSListener', () =>
  withWorld(httpsWorld(), (world) => {
    const at = (sni: string): Ask => ({ host: sni, tls: { sni, ca: ca.certificate } })
    return answersAs(world, [
      [at('example.org'), 'v1'],
      [at('unknown-example.org'), '404'],
      [at('second-example.org'), 'v2'],
    ])
  }))

test('HTTPRouteHTTPSListenerDetectMisdirectedRequests', () =>
  withWorld(httpsWorld(), async (world) => {
    const third = 'third-example.wildcard.org'
    const fourth = 'fourth-example.wildcard.org'
    const fifth = 'fifth-example.wildcard.org'
    const table: readonly (readonly [string, string, string])[] = [
      ['example.org', 'example.org', 'v1'],
      ['example.org', 'second-example.org', '421'],
      ['example.org', 'unknown-example.org', '404'],
      ['second-example.org', 'second-example.org', 'v2'],
      ['second-example.org', 'example.org', '421'],
      ['second-example.org', 'unknown-example.org', '421'],
      [third, third, 'v3'],
      [third, fifth, 'v3'],
      [third, fourth, '421'],
      [third, 'second-example.org', '421'],
      [third, 'unknown-example.org', '421'],
      [fourth, fourth, 'v1'],
      [fourth, fifth, '421'],
      ['unknown-example.org', 'example.org', 'v1'],
      ['unknown-example.org', 'unknown-example.org', '404'],
    ]
    for (const http2 of [true, false]) {
      await answersAs(
        world,
        table.map(([sni, host, expected]) => [{ host, http2, tls: { sni, ca: ca.certificate } }, expected]),
      )
    }
    const overlap = conditionOf(world.loaded, 'Gateway', 'gw', 'OverlappingTLSConfig', 'listeners[3]')
    assert.equal(overlap, 'True OverlappingHostnames')
  }))

test('HTTPRouteListenerPortMatching', () =>
  withWorld(
    [
      gateway('gw', [{ port: 80 }, { port: 8080 }, { port: 8090, hostname: 'a.example' }]),
      route('first', { parentRefs: [{ name: 'gw', port: 80 }], rules: [{ backendRefs: [to('v1')] }] }),
      route('second', { parentRefs: [{ name: 'gw', port: 8080 }], rules: [{ backendRefs: [to('v2')] }] }),
      route('both', {
        parentRefs: [{ name: 'gw', port: 8090, sectionName: 'listener-3' }],
        rules: [{ backendRefs: [to('v3')] }],
      }),
    ],
    (world) =>
      answersAs(world, [
        [{ port: 80 }, 'v1'],
        [{ port: 8080 }, 'v2'],
        [{ port: 8090, host: 'a.example' }, 'v3'],
        [{ port: 8090, host: 'b.example' }, '404'],
      ]),
  ))

test('HTTPRouteMultipleGateways', () =>
  withWorld(
    [
      gateway('gw'),
      gateway('other', [{}], { addresses: [{ type: 'IPAddress', value: '127.0.0.2' }] }),
      route('shared', { parentRefs: [{ name: 'gw' }, { name: 'other' }], rules: [pathRule('/shared', 'v1')] }),
      route('first', { rules: [pathRule('/first', 'v2')] }),
      route('second', { parentRefs: [{ name: 'other' }], rules: [pathRule('/second', 'v3')] }),
    ],
    (world) =>
      answersAs(world, [
        [{ path: '/shared' }, 'v1'],
        [{ path: '/shared', address: '127.0.0.2' }, 'v1'],
        [{ path: '/first' }, 'v2'],
        [{ path: '/first', address: '127.0.0.2' }, '404'],
        [{ path: '/second' }, '404'],
        [{ path: '/second', address: '127.0.0.2' }, 'v3'],
      ]),
  ))

test('HTTPRouteCrossNamespace', () =>
  withWorld(
    [
      gateway('gw'),
      route(
        'elsewhere',
        {
          parentRefs: [{ name: 'gw', namespace: 'infra' }],
          rules: [{ backendRefs: [to('v1', { namespace: 'infra' })] }],
        },
        'HTTPRoute',
        {
          namespace: 'web',
        },
      ),
      {
        apiVersion: 'gateway.networking.k8s.io/v1beta1',
        kind: 'ReferenceGrant',
        metadata: { name: 'grant', namespace: 'infra' },
        spec: {
          from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'web' }],
          to: [{ group: '', kind: 'Service', name: 'v1' }],
        },
      },
    ],
    (world) => answersAs(world, [[{ path: '/' }, 'v1']]),
  ))

test('GatewayWithAttachedRoutes and GatewayWithAttachedRoutesWithPort8080', async () => {
  const loaded = await load([
    gateway('gw', [{ hostname: 'good.example' }, { port: 8080 }, { ...secure(), port: 8443 }]),
    route('one', {
      ...parents('listener-1', 'listener-3'),
      hostnames: ['good.example'],
      rules: [{ backendRefs: [to('v1')] }],
    }),
    route('two', { ...parents('listener-1'), rules: [{ backendRefs: [to('v1')] }] }),
    route('not', { ...parents('listener-1'), hostnames: ['bad.example'], rules: [{ backendRefs: [to('v1')] }] }),
    ...backends.manifests,
  ])
  const counts = [0, 1, 2].map((index) => statusOf(loaded, 'Gateway', 'gw', `listeners[${index}].attachedRoutes`))
  assert.deepEqual(counts, [2, 0, 1])
  assert.equal(conditionOf(loaded, 'HTTPRoute', 'not', 'Accepted'), 'False NoMatchingListenerHostname')
  assert.equal(conditionOf(loaded, 'Gateway', 'gw', 'ResolvedRefs', 'listeners[2]'), 'False InvalidCertificateRef')
  assert.equal(conditionOf(loaded, 'Gateway', 'gw', 'Programmed', 'listeners[2]'), 'False Invalid')
})
