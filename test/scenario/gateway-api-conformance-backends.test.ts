// What stands behind a route: backends that are missing or not granted, weights, timeouts, retries, protocols and kinds of
// Services of the Gateway API's conformance suite, each test named after the one that it mirrors.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type EchoBackend, startEcho } from '../support/gateway-echo.ts'
import {
  type Backends,
  conditionOf,
  duringWorld,
  gateway,
  pathRule,
  type Piece,
  route,
  service,
  startBackends,
  type Story,
  to,
} from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'

let backends: Backends
let h2c: EchoBackend

before(async () => {
  backends = await startBackends(['v1', 'v2', 'v3'])
  h2c = await startEcho('h2c', { h2c: true })
})

after(async () => {
  await backends.stop()
  await h2c.stop()
  await nothingLeft()
})

const withWorld = (manifests: readonly Piece[], story: Story): Promise<void> =>
  duringWorld([...manifests, ...backends.manifests], story)

const portOf = (pod: string): number => backends.all.find((each) => each.pod === pod)?.port ?? 0

const grant = (from: Piece, toEntries: readonly Piece[], namespace = 'web'): Piece => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'ReferenceGrant',
  metadata: { name: 'grant', namespace },
  spec: {
    from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'infra', ...from }],
    to: toEntries,
  },
})

test('HTTPRouteInvalidBackendRefUnknownKind', () =>
  withWorld(
    [gateway('gw'), route('r', { rules: [{ backendRefs: [to('v1', { group: 'unknown.example', kind: 'Other' })] }] })],
    async (world) => {
      assert.equal((await world.ask()).status, 500)
      assert.equal(conditionOf(world.loaded, 'HTTPRoute', 'r', 'ResolvedRefs'), 'False InvalidKind')
      assert.equal(conditionOf(world.loaded, 'HTTPRoute', 'r', 'Accepted'), 'True Accepted')
    },
  ))

test('HTTPRouteInvalidNonExistentBackendRef', () =>
  withWorld([gateway('gw'), route('r', { rules: [{ backendRefs: [to('missing')] }] })], async (world) => {
    assert.equal((await world.ask()).status, 500)
    assert.equal(conditionOf(world.loaded, 'HTTPRoute', 'r', 'ResolvedRefs'), 'False BackendNotFound')
  }))

test('HTTPRouteInvalidCrossNamespaceBackendRef', () =>
  withWorld(
    [
      gateway('gw'),
      ...service('web', [portOf('v1')], 'web'),
      route('r', { rules: [{ backendRefs: [to('web', { namespace: 'web' })] }] }),
    ],
    async (world) => {
      assert.equal((await world.ask()).status, 500)
      assert.equal(conditionOf(world.loaded, 'HTTPRoute', 'r', 'ResolvedRefs'), 'False RefNotPermitted')
    },
  ))

for (const [name, granted] of [
  ['another namespace', grant({ namespace: 'elsewhere' }, [{ group: '', kind: 'Service' }])],
  ['another kind', grant({ kind: 'GRPCRoute' }, [{ group: '', kind: 'Service' }])],
  ['another Service', grant({}, [{ group: '', kind: 'Service', name: 'other' }])],
  ['another place', grant({}, [{ group: '', kind: 'Service' }], 'infra')],
] as const) {
  test(`HTTPRouteInvalidReferenceGrant: for ${name}`, () =>
    withWorld(
      [
        gateway('gw'),
        granted,
        ...service('web', [portOf('v1')], 'web'),
        route('r', { rules: [{ backendRefs: [to('web', { namespace: 'web' })] }] }),
      ],
      async (world) => {
        assert.equal((await world.ask()).status, 500)
        assert.equal(conditionOf(world.loaded, 'HTTPRoute', 'r', 'ResolvedRefs'), 'False RefNotPermitted')
      },
    ))
}

test('HTTPRouteReferenceGrant and HTTPRoutePartiallyInvalidViaInvalidReferenceGrant', () =>
  withWorld(
    [
      gateway('gw'),
      grant({}, [{ group: '', kind: 'Service', name: 'web' }]),
      ...service('web', [portOf('v1')], 'web'),
      ...service('hidden', [portOf('v2')], 'web'),
      route('r', {
        rules: [
          { ...pathRule('/granted', 'web'), backendRefs: [to('web', { namespace: 'web' })] },
          { ...pathRule('/hidden', 'hidden'), backendRefs: [to('hidden', { namespace: 'web' })] },
        ],
      }),
    ],
    async (world) => {
      assert.equal((await world.ask({ path: '/granted' })).pod, 'v1')
      assert.equal((await world.ask({ path: '/hidden' })).status, 500)
      assert.equal(conditionOf(world.loaded, 'HTTPRoute', 'r', 'ResolvedRefs'), 'False RefNotPermitted')
    },
  ))

test('HTTPRouteNoBackendRefs', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          { matches: [{ path: { type: 'PathPrefix', value: '/omitted' } }] },
          { matches: [{ path: { type: 'PathPrefix', value: '/empty' } }], backendRefs: [] },
          { ...pathRule('/zero', 'v1'), backendRefs: [to('v1', { weight: 0 })] },
        ],
      }),
    ],
    async (world) => {
      for (const path of ['/omitted', '/empty', '/zero']) assert.equal((await world.ask({ path })).status, 500, path)
    },
  ))

test('one of two backends that does not resolve answers 500 for its share', () =>
  withWorld([gateway('gw'), route('r', { rules: [{ backendRefs: [to('v1'), to('missing')] }] })], async (world) => {
    const statuses: number[] = []
    for (let index = 0; index < 200; index++) statuses.push((await world.ask()).status)
    const failed = statuses.filter((status) => status === 500).length
    assert.equal(statuses.filter((status) => status !== 500 && status !== 200).length, 0)
    assert.ok(failed > 60 && failed < 140, `${failed} of 200`)
  }))

test('a Service without endpoints is 503, for an upgrade as for a request', () =>
  withWorld(
    [
      gateway('gw'),
      ...service('none', []),
      ...service('late', [portOf('v1')]).map((each) =>
        each['kind'] === 'EndpointSlice'
          ? { ...each, endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: false } }] }
          : each,
      ),
      route('r', { rules: [pathRule('/none', 'none'), pathRule('/late', 'late')] }),
    ],
    async (world) => {
      const upgrade = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'sec-websocket-version': '13',
      }
      for (const path of ['/none', '/late']) {
        assert.equal((await world.ask({ path })).status, 503)
        assert.equal((await world.ask({ path, headers: upgrade })).status, 503)
      }
      assert.equal(conditionOf(world.loaded, 'HTTPRoute', 'r', 'ResolvedRefs'), 'True ResolvedRefs')
    },
  ))

test('HTTPRouteWeight', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [{ backendRefs: [to('v1', { weight: 70 }), to('v2', { weight: 30 }), to('v3', { weight: 0 })] }],
      }),
    ],
    async (world) => {
      const counts = new Map<string, number>()
      const rounds = 400
      for (let index = 0; index < rounds; index++) {
        const { pod } = await world.ask()
        counts.set(pod, (counts.get(pod) ?? 0) + 1)
      }
      // Four and a half standard deviations.
      const margin = 4.5 * Math.sqrt(rounds * 0.7 * 0.3)
      assert.ok(Math.abs((counts.get('v1') ?? 0) - rounds * 0.7) < margin, JSON.stringify([...counts]))
      assert.equal(counts.get('v3'), undefined)
      assert.equal((counts.get('v1') ?? 0) + (counts.get('v2') ?? 0), rounds)
    },
  ))

const timed = (path: string, timeouts: Piece, more: Piece = {}): Piece =>
  pathRule(path, 'v1', 'PathPrefix', { timeouts, ...more })

test('HTTPRouteTimeoutRequest and HTTPRouteTimeoutBackendRequest', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          timed('/request', { request: '300ms' }),
          timed('/backend', { backendRequest: '300ms' }),
          timed('/off', { request: '0s', backendRequest: '0s' }),
        ],
      }),
    ],
    async (world) => {
      const status = async (path: string): Promise<number> => (await world.ask({ path })).status
      assert.equal(await status('/request'), 200)
      assert.equal(await status('/request?delay=3000ms'), 504)
      assert.equal(await status('/backend'), 200)
      assert.equal(await status('/backend?delay=3000ms'), 504)
      assert.equal(await status('/off?delay=700ms'), 200)
    },
  ))

const retried = (path: string, retry: Piece, timeouts: Piece = {}): Piece =>
  pathRule(path, 'v1', 'PathPrefix', { retry, timeouts })

test('HTTPRouteRetry', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          retried('/500', { codes: [500], attempts: 3, backoff: '1ms' }),
          retried('/all', { codes: [500, 502, 503, 504], attempts: 2, backoff: '1ms' }),
        ],
      }),
    ],
    async (world) => {
      const status = async (path: string): Promise<number> => (await world.ask({ path })).status
      assert.equal(await status('/500?id=a&fail=500&times=2'), 200)
      assert.equal(await status('/500?id=b&fail=500&times=4'), 500)
      assert.equal(await status('/500?id=c&fail=503&times=1'), 503)
      for (const code of [500, 502, 503, 504]) {
        assert.equal(await status(`/all?id=d${code}&fail=${code}&times=1`), 200, `${code}`)
        assert.equal(await status(`/all?id=e${code}&fail=${code}&times=3`), code, `${code}`)
      }
    },
  ))

test('HTTPRouteRetryConnectionError', () =>
  withWorld(
    [gateway('gw'), route('r', { rules: [retried('/reset', { attempts: 3, backoff: '1ms' })] })],
    async (world) => {
      assert.equal((await world.ask({ path: '/reset?id=f&fail=reset&times=2' })).status, 200)
      assert.ok([500, 502, 503].includes((await world.ask({ path: '/reset?id=g&fail=reset&times=4' })).status))
    },
  ))

test('HTTPRouteRetryWithTimeouts', () =>
  withWorld(
    [
      gateway('gw'),
      route('r', {
        rules: [
          retried('/try', { codes: [500], attempts: 2, backoff: '1ms' }, { backendRequest: '400ms' }),
          retried(
            '/both',
            { codes: [500], attempts: 5, backoff: '1ms' },
            { backendRequest: '500ms', request: '800ms' },
          ),
        ],
      }),
    ],
    async (world) => {
      const status = async (path: string): Promise<number> => (await world.ask({ path })).status
      assert.equal(await status('/try?id=h&slow=2000&times=2'), 200)
      assert.equal(await status('/try?id=i&slow=2000&times=3'), 504)
      assert.equal(await status('/both?id=j&fail=500&times=1'), 200)
      assert.equal(await status('/both?id=k&fail=500&times=6&slow=300'), 504)
    },
  ))

test('HTTPRouteBackendProtocolH2C', () =>
  withWorld(
    [
      gateway('gw'),
      ...service('h2c', [h2c.port], 'infra', { appProtocol: 'kubernetes.io/h2c' }),
      ...service('other', [portOf('v1')], 'infra', { appProtocol: 'own.example/whatever' }),
      route('r', { rules: [pathRule('/h2c', 'h2c'), pathRule('/other', 'other')] }),
    ],
    async (world) => {
      const answer = await world.ask({ path: '/h2c' })
      assert.deepEqual([answer.status, answer.echo?.proto], [200, 'HTTP/2.0'])
      assert.equal((await world.ask({ path: '/other' })).echo?.proto, 'HTTP/1.1')
    },
  ))

const slice = (
  name: string,
  serviceName: string,
  addressType: string,
  port: number,
  addresses: readonly string[],
): Piece => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'infra', labels: { 'kubernetes.io/service-name': serviceName } },
  addressType,
  ports: [{ name: 'first', port }],
  endpoints: [{ addresses }],
})
const bare = (name: string, spec: Piece): Piece => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'infra' },
  spec: { ports: [{ name: 'first', port: 8080, targetPort: 3000 }], ...spec },
})

test('HTTPRouteServiceTypes', async (context) => {
  const six = await startEcho('six', { host: '::1' }).catch(() => undefined)
  if (six === undefined) return context.skip('this host has no IPv6')
  try {
    await withWorld(
      [
        gateway('gw'),
        bare('headless', { clusterIP: 'None' }),
        slice('headless-v4', 'headless', 'IPv4', portOf('v1'), ['127.0.0.1']),
        bare('manual', {}),
        slice('manual-v6', 'manual', 'IPv6', six.port, ['::1']),
        {
          ...bare('address', { clusterIP: '127.0.0.1' }),
          spec: { clusterIP: '127.0.0.1', ports: [{ port: portOf('v2') }] },
        },
        bare('external', { type: 'ExternalName', externalName: 'localhost', ports: [] }),
        route('r', {
          rules: [
            pathRule('/headless', 'headless'),
            pathRule('/manual', 'manual'),
            { ...pathRule('/address', 'address'), backendRefs: [{ name: 'address', port: portOf('v2') }] },
            { ...pathRule('/external', 'external'), backendRefs: [{ name: 'external', port: portOf('v3') }] },
          ],
        }),
      ],
      async (world) => {
        assert.equal((await world.ask({ path: '/headless' })).pod, 'v1')
        assert.equal((await world.ask({ path: '/manual' })).pod, 'six')
        assert.equal((await world.ask({ path: '/address' })).pod, 'v2')
        assert.equal((await world.ask({ path: '/external' })).pod, 'v3')
      },
    )
  } finally {
    await six.stop()
  }
})

test('sessionPersistence keeps a client with its endpoint', () =>
  withWorld(
    [
      gateway('gw'),
      bare('pair', {}),
      slice('pair-1', 'pair', 'IPv4', portOf('v1'), ['127.0.0.1']),
      slice('pair-2', 'pair', 'IPv4', portOf('v2'), ['127.0.0.1']),
      route('r', {
        rules: [{ backendRefs: [to('pair')], sessionPersistence: { sessionName: 'mine', type: 'Cookie' } }],
      }),
    ],
    async (world) => {
      const first = await world.ask()
      const cookie = first.headers['set-cookie']?.split(';')[0] ?? ''
      assert.match(cookie, /^mine=/)
      for (let index = 0; index < 10; index++) assert.equal((await world.ask({ headers: { cookie } })).pod, first.pod)
    },
  ))
