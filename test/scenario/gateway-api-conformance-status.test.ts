// What status says of Gateways, listeners and routes that are right, half right or wrong: the status tests of the Gateway
// API's conformance suite, each test named after the one that it mirrors.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { LoadedConfig } from '../../src/config/dialect.ts'
import {
  conditionOf,
  gateway,
  load,
  type Piece,
  route,
  service,
  startWorld,
  statusOf,
  to,
} from '../support/gateway-world.ts'
import { nothingLeft } from '../support/leaks.ts'

after(nothingLeft)

const rules = [{ backendRefs: [to('v1')] }]
const accepted = (loaded: LoadedConfig, name = 'r', index = 0, kind = 'HTTPRoute'): string =>
  conditionOf(loaded, kind, name, 'Accepted', `parents[${index}]`)
const listener = (loaded: LoadedConfig, type: string, index = 0): string =>
  conditionOf(loaded, 'Gateway', 'gw', type, `listeners[${index}]`)
const kindsOf = (loaded: LoadedConfig, index = 0): unknown => {
  const kinds = statusOf(loaded, 'Gateway', 'gw', `listeners[${index}].supportedKinds`)
  return Array.isArray(kinds)
    ? kinds.map((each: unknown) => (typeof each === 'object' && each !== null ? Reflect.get(each, 'kind') : each))
    : kinds
}
const attached = (loaded: LoadedConfig, index = 0): unknown =>
  statusOf(loaded, 'Gateway', 'gw', `listeners[${index}].attachedRoutes`)

test('HTTPRouteDisallowedKind', async () => {
  const loaded = await load([
    gateway('gw', [{ allowedRoutes: { kinds: [{ kind: 'GRPCRoute' }] } }]),
    route('r', { rules }),
    ...service('v1', [1]),
  ])
  assert.equal(accepted(loaded), 'False NotAllowedByListeners')
})

test('HTTPRouteInvalidCrossNamespaceParentRef', async () => {
  const loaded = await load([
    gateway('gw', [{ allowedRoutes: { namespaces: { from: 'Same' } } }]),
    route('r', { parentRefs: [{ name: 'gw', namespace: 'infra' }], rules }, 'HTTPRoute', { namespace: 'web' }),
  ])
  assert.equal(accepted(loaded), 'False NotAllowedByListeners')
  assert.equal(attached(loaded), 0)
})

test('HTTPRouteInvalidParentRefNotMatchingListenerPort, …SectionName, …SectionNameNotMatchingPort', async () => {
  const loaded = await load([
    gateway('gw', [{}, { port: 8080 }]),
    route('r', {
      parentRefs: [
        { name: 'gw', port: 81 },
        { name: 'gw', sectionName: 'nobody' },
        { name: 'gw', sectionName: 'listener-2', port: 80 },
        { name: 'missing' },
      ],
      rules,
    }),
  ])
  for (const index of [0, 1, 2, 3]) assert.equal(accepted(loaded, 'r', index), 'False NoMatchingParent', `${index}`)
})

test('a Selector takes routes by the labels of their namespaces', async () => {
  const selector = {
    matchLabels: { team: 'a' },
    matchExpressions: [{ key: 'stage', operator: 'NotIn', values: ['test'] }],
  }
  const namespace = (name: string, labels: Piece): Piece => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels },
  })
  const parentRefs = [{ name: 'gw', namespace: 'infra' }]
  const loaded = await load([
    gateway('gw', [{ allowedRoutes: { namespaces: { from: 'Selector', selector } } }]),
    namespace('one', { team: 'a' }),
    namespace('two', { team: 'a', stage: 'test' }),
    ...['one', 'two', 'three'].map((each) => route(each, { parentRefs, rules }, 'HTTPRoute', { namespace: each })),
  ])
  assert.equal(accepted(loaded, 'one'), 'True Accepted')
  assert.equal(accepted(loaded, 'two'), 'False NotAllowedByListeners')
  assert.equal(accepted(loaded, 'three'), 'False NotAllowedByListeners')
})

test('GatewayInvalidRouteKind', async () => {
  const loaded = await load([
    gateway('gw', [
      { allowedRoutes: { kinds: [{ kind: 'InvalidRoute' }] } },
      { port: 8080, allowedRoutes: { kinds: [{ kind: 'InvalidRoute' }, { kind: 'HTTPRoute' }] } },
    ]),
  ])
  assert.deepEqual(
    [0, 1].map((index) => listener(loaded, 'ResolvedRefs', index)),
    ['False InvalidRouteKinds', 'False InvalidRouteKinds'],
  )
  assert.deepEqual(
    [0, 1].map((index) => kindsOf(loaded, index)),
    [[], ['HTTPRoute']],
  )
})

test('GatewayListenerUnsupportedProtocol', async () => {
  const only = await load([gateway('gw', [{ protocol: 'example.com/other' }])])
  assert.equal(conditionOf(only, 'Gateway', 'gw', 'Accepted', ''), 'False ListenersNotValid')
  assert.equal(listener(only, 'Accepted'), 'False UnsupportedProtocol')
  assert.deepEqual(kindsOf(only), [])
  assert.equal(only.config, undefined)
  const mixed = await load([gateway('gw', [{ protocol: 'UDP', port: 5000 }, {}])])
  assert.equal(conditionOf(mixed, 'Gateway', 'gw', 'Accepted', ''), 'True ListenersNotValid')
  assert.equal(listener(mixed, 'Accepted', 1), 'True Accepted')
})

test('GatewayInvalidParametersRef', async () => {
  const loaded = await load([
    gateway('gw', [{}], { infrastructure: { parametersRef: { group: 'x.example', kind: 'X', name: 'x' } } }),
  ])
  assert.equal(conditionOf(loaded, 'Gateway', 'gw', 'Accepted', ''), 'False InvalidParameters')
})

test('GatewayInvalidTLSConfiguration, GatewaySecretMissingReferenceGrant', async () => {
  const https = (index: number, reference: Piece): Piece => ({
    port: 443,
    hostname: `h${index}.example`,
    protocol: 'HTTPS',
    tls: { certificateRefs: [reference] },
    allowedRoutes: { kinds: [{ kind: 'HTTPRoute' }] },
  })
  const malformed = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'malformed', namespace: 'infra' },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': 'SGVsbG8=', 'tls.key': 'SGVsbG8=' },
  }
  const loaded = await load([
    malformed,
    { ...malformed, metadata: { name: 'far', namespace: 'web' } },
    gateway('gw', [
      https(0, { name: 'missing' }),
      https(1, { name: 'malformed', group: 'wrong.example' }),
      https(2, { name: 'malformed', kind: 'Wrong' }),
      https(3, { name: 'malformed' }),
      https(4, { name: 'far', namespace: 'web' }),
    ]),
  ])
  const reasons = [0, 1, 2, 3, 4].map((index) => listener(loaded, 'ResolvedRefs', index))
  assert.deepEqual(reasons, [...Array<string>(4).fill('False InvalidCertificateRef'), 'False RefNotPermitted'])
  assert.deepEqual([kindsOf(loaded), attached(loaded)], [['HTTPRoute'], 0])
})

test('GatewayNameMaximumLength', async () => {
  const loaded = await load([
    gateway('a'.repeat(63) + '.' + 'b'.repeat(63) + '.' + 'c'.repeat(63) + '.' + 'd'.repeat(61)),
  ])
  const value = loaded.objects.find(({ kind }) => kind === 'Gateway')
  assert.equal(value?.name.length, 253)
  assert.notEqual(loaded.config, undefined)
})

test('GatewayObservedGenerationBump, HTTPRouteObservedGenerationBump, GatewayClassObservedGenerationBump', async () => {
  const observed = async (generation: number): Promise<unknown[]> => {
    const loaded = await load([
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'GatewayClass',
        metadata: { name: 'sluice', generation },
        spec: { controllerName: 'sluice.dev/gateway-controller' },
      },
      gateway('gw', [{}], {}, { generation }),
      route('r', { rules }, 'HTTPRoute', { generation }),
    ])
    return [
      statusOf(loaded, 'GatewayClass', 'sluice', 'conditions[0].observedGeneration'),
      statusOf(loaded, 'Gateway', 'gw', 'conditions[0].observedGeneration'),
      statusOf(loaded, 'Gateway', 'gw', 'listeners[0].conditions[0].observedGeneration'),
      statusOf(loaded, 'HTTPRoute', 'r', 'parents[0].conditions[0].observedGeneration'),
    ]
  }
  assert.ok(isDeepStrictEqual(await observed(1), [1, 1, 1, 1]))
  assert.ok(isDeepStrictEqual(await observed(2), [2, 2, 2, 2]))
})

test('GatewayModifyListeners: as many entries as listeners', async () => {
  const names = async (...listeners: readonly Piece[]): Promise<unknown> => {
    const loaded = await load([gateway('gw', listeners), route('r', { rules }), ...service('v1', [1])])
    return listeners.map((_, index) => [
      statusOf(loaded, 'Gateway', 'gw', `listeners[${index}].name`),
      attached(loaded, index),
    ])
  }
  assert.deepEqual(await names({ name: 'a' }), [['a', 1]])
  assert.deepEqual(await names({ name: 'a' }, { name: 'b', port: 8080 }), [
    ['a', 1],
    ['b', 1],
  ])
})

test('two listeners that cannot share a port are both in conflict, and the rest of the Gateway serves', async () => {
  const world = await startWorld([
    gateway('gw', [
      { name: 'a', port: 8080, protocol: 'HTTP' },
      { name: 'b', port: 8080, protocol: 'TCP' },
      { name: 'c', port: 80 },
    ]),
  ])
  try {
    for (const index of [0, 1]) {
      assert.equal(listener(world.loaded, 'Conflicted', index), 'True ProtocolConflict')
      assert.equal(listener(world.loaded, 'Programmed', index), 'False Invalid')
    }
    assert.equal(listener(world.loaded, 'Conflicted', 2), 'False NoConflicts')
    assert.equal((await world.ask()).status, 404)
  } finally {
    await world.stop()
  }
})

test('of two Gateways on one address the older keeps the port', async () => {
  const loaded = await load([
    gateway('gw', [{}], {}, { creationTimestamp: '2026-02-01T00:00:00Z' }),
    gateway('older', [{}], {}, { creationTimestamp: '2026-01-01T00:00:00Z' }),
  ])
  assert.equal(listener(loaded, 'Accepted'), 'False PortUnavailable')
  assert.equal(conditionOf(loaded, 'Gateway', 'older', 'Programmed', ''), 'True Programmed')
})

test('a class with parameters that nobody knows is refused with its Gateways', async () => {
  const loaded = await load([
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'GatewayClass',
      metadata: { name: 'sluice' },
      spec: {
        controllerName: 'sluice.dev/gateway-controller',
        parametersRef: { group: 'x.example', kind: 'X', name: 'x' },
      },
    },
    gateway('gw'),
  ])
  assert.equal(conditionOf(loaded, 'GatewayClass', 'sluice', 'Accepted', ''), 'False InvalidParameters')
  assert.equal(conditionOf(loaded, 'Gateway', 'gw', 'Accepted', ''), 'Unknown Pending')
})

test('entries that other controllers wrote into status.parents stay', async () => {
  const foreign = { parentRef: { name: 'other' }, controllerName: 'other.example/controller', conditions: [] }
  const stale = { parentRef: { name: 'gw' }, controllerName: 'sluice.dev/gateway-controller', conditions: [] }
  const loaded = await load([
    gateway('gw'),
    { ...route('r', { rules }), status: { parents: [foreign, stale] } },
    ...service('v1', [1]),
  ])
  const parents = statusOf(loaded, 'HTTPRoute', 'r', 'parents')
  assert.ok(Array.isArray(parents))
  assert.equal(parents.length, 2)
  assert.deepEqual(parents[0], foreign)
})

test('one broken document leaves the others running, and the error names file, line and field', async () => {
  const world = await startWorld([
    gateway('gw'),
    'apiVersion: v1\nkind: Service\nmetadata:\n   name: [broken\n',
    route('wrong', { rules: [{ matches: [{ path: { type: 'Exact', value: 'no-slash' } }] }] }),
    route('r', { rules: [{ matches: [{ path: { type: 'Exact', value: '/' } }] }] }),
  ])
  try {
    assert.equal((await world.ask()).status, 500)
    const wrong = world.loaded.diagnostics.find(({ place }) => place.path === 'spec.rules[0].matches[0].path.value')
    assert.equal(wrong?.message, 'must start with "/"')
    assert.ok(
      world.loaded.diagnostics.some(
        ({ severity, place }) => severity === 'error' && place.path === '' && place.line > 1,
      ),
    )
    assert.equal(conditionOf(world.loaded, 'HTTPRoute', 'wrong', 'Accepted'), 'False UnsupportedValue')
  } finally {
    await world.stop()
  }
})

test('secrets are not shown', async () => {
  const hidden = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'aHVzaA==' } },
    data: { 'tls.key': 'aHVzaA==' },
  }
  const loaded = await load([gateway('gw'), hidden])
  assert.equal(JSON.stringify(loaded.objects).includes('aHVzaA'), false)
  assert.equal(JSON.stringify(loaded.config?.dump).includes('aHVzaA'), false)
})
