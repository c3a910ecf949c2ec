// AGC's RoutePolicy and BackendLoadBalancingPolicy: what they lower to and why they are refused.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { judgePolicies } from '../../../../../src/config/gateway-api/policy/judge.ts'
import { type RoutePolicySettings, routePolicyFor } from '../../../../../src/config/gateway-api/policy/route-policy.ts'
import { type ServicePolicy, servicePolicyFor } from '../../../../../src/config/gateway-api/policy/service-policy.ts'
import { type ReadManifests, readManifests } from '../../../../support/gateway-working.ts'

const WORLD = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: gateway }
spec: { gatewayClassName: plain, listeners: [{ name: http, port: 80, protocol: HTTP }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: chat }
spec: { parentRefs: [{ name: gateway }], rules: [{ backendRefs: [{ name: chat, port: 8080 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: chat }
spec: { ports: [{ name: http, port: 8080 }, { name: other, port: 9000 }] }
---`

const object = (kind: string, spec: string, name = 'policy'): string => `
apiVersion: alb.networking.azure.io/v1
kind: ${kind}
metadata: { name: ${name} }
spec: ${spec}
---`

function judged(text: string): ReadManifests {
  const manifests = readManifests(WORLD + text)
  judgePolicies(manifests.working, manifests.gateways)
  return manifests
}

const accepted = (manifests: ReadManifests, kind: string, name = 'policy'): string | undefined =>
  manifests.conditions('alb.networking.azure.io', kind, name)[0]

describe('RoutePolicy', () => {
  const route = 'targetRef: { group: gateway.networking.k8s.io, kind: HTTPRoute, name: chat }'
  const policy = (config: string): string => object('RoutePolicy', `{ ${route}, default: ${config} }`)

  function settings(manifests: ReadManifests): RoutePolicySettings {
    const key = { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'default', name: 'chat' }
    const found = manifests.working.store.find(key)
    assert.ok(found !== undefined)
    return routePolicyFor(manifests.working, found, manifests.gateway())
  }

  test('a managed cookie', () => {
    const { affinity, requestTimeoutMs } = settings(
      judged(policy('{ sessionAffinity: { affinityType: managed-cookie } }')),
    )
    assert.equal(requestTimeoutMs, undefined)
    assert.deepEqual(affinity?.carrier, {
      kind: 'cookie',
      name: 'AGCAffinity',
      ttlMs: 86_400_000,
      attributes: { path: '/', secure: false, httpOnly: true, sameSite: '' },
    })
  })

  test('an application cookie and a timeout', () => {
    const { affinity, requestTimeoutMs } = settings(
      judged(
        policy(
          '{ timeouts: { routeTimeout: 1m30s }, sessionAffinity: { affinityType: application-cookie, cookieName: chat, cookieDuration: 1h } }',
        ),
      ),
    )
    assert.equal(requestTimeoutMs, 90_000)
    const { carrier } = affinity ?? {}
    assert.ok(carrier?.kind === 'cookie')
    assert.deepEqual([carrier.name, carrier.ttlMs, carrier.attributes.path], ['chat', 3_600_000, '/'])
  })

  test('a timeout of 0 switches it off', () => {
    assert.equal(settings(judged(policy('{ timeouts: { routeTimeout: 0s } }'))).requestTimeoutMs, 0)
  })

  test('what is refused, and then has no effect', () => {
    const rows = [
      [policy('{ sessionAffinity: { affinityType: application-cookie, cookieName: a } }'), 'InvalidRoutePolicy'],
      [policy('{ sessionAffinity: { affinityType: managed-cookie, cookieName: a } }'), 'InvalidRoutePolicy'],
      [
        policy('{ sessionAffinity: { affinityType: application-cookie, cookieName: "a b", cookieDuration: 1h } }'),
        'InvalidRoutePolicy',
      ],
      [policy('{ timeouts: { routeTimeout: -1s } }'), 'InvalidRoutePolicy'],
      [object('RoutePolicy', `{ ${route}, override: {} }`), 'InvalidRoutePolicy'],
      [object('RoutePolicy', `{ ${route.replace('name: chat', 'name: nothing')} }`), 'InvalidHTTPRoute'],
      [object('RoutePolicy', `{ ${route.replace('kind: HTTPRoute', 'kind: GRPCRoute')} }`), 'InvalidKind'],
      [object('RoutePolicy', `{ ${route.replace('group: gateway.networking.k8s.io', 'group: ""')} }`), 'InvalidGroup'],
      [object('RoutePolicy', `{ ${route.replace('name: chat', 'name: chat, namespace: other')} }`), 'RefNotPermitted'],
    ] as const
    for (const [text, reason] of rows) {
      const manifests = judged(text)
      assert.equal(accepted(manifests, 'RoutePolicy'), `Accepted=False/${reason}`, text)
      assert.deepEqual(settings(manifests), {})
    }
  })
})

describe('BackendLoadBalancingPolicy', () => {
  const service = 'targetRef: { group: "", kind: Service, name: chat }'
  const policy = (rest: string, ports = ''): string =>
    object('BackendLoadBalancingPolicy', `{ targetRefs: [{ ${service}${ports} }], ${rest} }`)
  const settings = (text: string, port = 8080): ServicePolicy => {
    const manifests = judged(text)
    return servicePolicyFor(manifests.working, manifests.backend('chat', port), { protocol: 'http', tls: false })
  }

  test('strategies with slow start, and limits', () => {
    assert.deepEqual(
      settings(policy('loadBalancing: { strategy: least-request, slowStart: { window: 10s } }')).balancing,
      {
        kind: 'least-request',
        choices: 2,
        activeRequestBias: 1,
        slowStart: { windowMs: 10_000, aggression: 1, minimumWeight: 0.1 },
      },
    )
    assert.equal(settings(policy('loadBalancing: { strategy: ring-hash }')).balancing?.kind, 'ring-hash')
    assert.deepEqual(settings(policy('loadBalancing: {}')).balancing, { kind: 'round-robin' })
    const limits = settings(policy('circuitBreaker: { maxConnections: 7 }')).circuitBreakers?.default
    assert.deepEqual([limits?.maxConnections, limits?.maxRequests], [7, 1_000_000_000])
  })

  test('ports', () => {
    const text = policy('loadBalancing: { strategy: ring-hash }', ', ports: [{ port: 9000 }]')
    assert.equal(settings(text, 9000).balancing?.kind, 'ring-hash')
    assert.equal(settings(text, 8080).balancing, undefined)
  })

  test('what is refused', () => {
    const rows = [
      [policy('loadBalancing: { strategy: load-aware }'), 'InvalidBackendLoadBalancingPolicy'],
      [
        policy('loadBalancing: { strategy: ring-hash, slowStart: { window: 1s } }'),
        'InvalidBackendLoadBalancingPolicy',
      ],
      [policy('loadBalancing: { slowStart: { window: 0s } }'), 'InvalidBackendLoadBalancingPolicy'],
      [policy('loadBalancing: { slowStart: { window: 1s, aggression: "0.0" } }'), 'InvalidBackendLoadBalancingPolicy'],
      [object('BackendLoadBalancingPolicy', '{ targetRefs: [] }'), 'NoTargetReference'],
      [policy('loadBalancing: {}').replace('name: chat', 'name: nothing'), 'InvalidService'],
    ] as const
    for (const [text, reason] of rows) {
      assert.equal(accepted(judged(text), 'BackendLoadBalancingPolicy'), `Accepted=False/${reason}`, text)
      assert.deepEqual(settings(text), {})
    }
  })
})

test('durations are those of Go', () => {
  const timeoutOf = (text: string): string =>
    judged(
      object(
        'RoutePolicy',
        `{ targetRef: { group: gateway.networking.k8s.io, kind: HTTPRoute, name: chat }, default: { timeouts: { routeTimeout: ${text} } } }`,
      ),
    )
      .findings()
      .join()
  for (const text of ['1.5s', '1h2m3s', '500ms', '"0"', '100us']) assert.equal(timeoutOf(text), '', text)
  for (const text of ['5', '"5 s"', '1d', '""', 's']) assert.match(timeoutOf(text), /routeTimeout/, text)
})
