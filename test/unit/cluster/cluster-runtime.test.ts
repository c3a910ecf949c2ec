import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SPREAD } from '../../../src/config/model/balancing.ts'
import { NOWHERE } from '../../../src/config/model/place.ts'
import { cluster, endpointConfig, picks, world } from './build.ts'

const three = [endpointConfig('10.0.0.1'), endpointConfig('10.0.0.2'), endpointConfig('10.0.0.3')]

test('a static cluster is complete when start returns, and counts as one change', async () => {
  const { runtime, clock } = world(cluster({ endpoints: three }))
  runtime.start()
  assert.deepEqual(picks(runtime, 4), ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80', '10.0.0.1:80'])
  assert.equal(runtime.stats.membershipChange.value, 1)
  assert.equal(clock.pending, 0)
  await runtime.warm
})

test('a static cluster takes what it was given: pipes, internal listeners, repeated addresses once', () => {
  const endpoints = [
    endpointConfig('', { address: { kind: 'pipe', path: '/run/app.sock', mode: 0, place: NOWHERE } }),
    endpointConfig('', { address: { kind: 'internal', listener: 'encap', endpointId: '1', place: NOWHERE } }),
    endpointConfig('10.0.0.1'),
    endpointConfig('10.0.0.1', { weight: 9 }),
    endpointConfig('10.0.0.1', { priority: 1 }),
  ]
  const { runtime } = world(cluster({ endpoints }))
  runtime.start()
  assert.deepEqual(
    runtime.endpoints.map((one) => one.text),
    ['/run/app.sock', 'envoy://encap/1', '10.0.0.1:80', '10.0.0.1:80'],
  )
})

test('an endpoint that was tried is avoided while there are others', () => {
  const { runtime } = world(cluster({ endpoints: three }))
  runtime.start()
  const [first, second, third] = runtime.endpoints
  assert.ok(first && second && third)
  assert.equal(runtime.pick({ tried: [first] }), second)
  assert.equal(runtime.pick({ tried: [second, third] }), first)
  assert.ok(runtime.pick({ tried: [first, second, third] }).kind === 'endpoint')
})

const NONE: readonly (readonly [name: string, Parameters<typeof cluster>[0], says: RegExp])[] = [
  ['no endpoints', {}, /^cluster "app" \(envoy.yaml:60\) has no endpoints$/],
  [
    'none usable, and panic is off',
    {
      spread: { ...DEFAULT_SPREAD, panicThreshold: 0 },
      endpoints: [
        endpointConfig('10.0.0.1', { health: 'unhealthy' }),
        endpointConfig('10.0.0.2', { health: 'draining' }),
      ],
    },
    /^all 2 endpoints of cluster "app" \(envoy.yaml:60\) are marked unhealthy or draining$/,
  ],
]

test('without a usable endpoint the answer is a reason', async (t) => {
  for (const [name, more, says] of NONE) {
    await t.test(name, async () => {
      const { runtime } = world(cluster(more))
      runtime.start()
      const picked = runtime.pick()
      assert.ok(picked.kind === 'none')
      assert.equal(picked.code, 'no_healthy_upstream')
      assert.match(picked.reason, says)
      assert.equal(runtime.stats.upstreamCxNoneHealthy.value, 1)
      await runtime.warm
    })
  }
})

test('membership gauges tell healthy, degraded and all', () => {
  const endpoints = [
    endpointConfig('10.0.0.1'),
    endpointConfig('10.0.0.2', { health: 'degraded' }),
    endpointConfig('10.0.0.3', { health: 'unhealthy' }),
  ]
  const { runtime, registry } = world(cluster({ endpoints }))
  runtime.start()
  const gauge = (name: string) => registry.gauge(`cluster.app.membership_${name}`).value
  assert.deepEqual([gauge('total'), gauge('healthy'), gauge('degraded')], [3, 1, 1])
})

test('circuit breakers of the two priorities are apart', () => {
  const { runtime, registry } = world(cluster())
  runtime.breakers.high.acquire('request')
  assert.equal(runtime.breakers.default.active('request'), 0)
  assert.ok(registry.all().some((stat) => stat.name === 'cluster.app.circuit_breakers.high.rq_open'))
})

test('a thousand changes of health make one new ring, at the next pick', () => {
  const endpoints = Array.from({ length: 1000 }, (_, i) => endpointConfig(`10.0.${i >> 8}.${i & 255}`))
  const { runtime, registry } = world(
    cluster({
      endpoints,
      balancing: { kind: 'ring-hash', minimumRingSize: 1024, maximumRingSize: 65_536, hash: 'xxhash' },
      spread: { ...DEFAULT_SPREAD, panicThreshold: 0 },
    }),
  )
  runtime.start()
  const size = registry.gauge('cluster.app.ring_hash_lb.size')
  runtime.pick({ tried: [], hash: 1n })
  assert.equal(size.value, 2000)
  for (const endpoint of runtime.endpoints.slice(0, 999)) endpoint.health.mark('failedActive', true, 1)
  assert.equal(registry.gauge('cluster.app.membership_healthy').value, 1)
  assert.equal(size.value, 2000)
  assert.equal(runtime.pick({ tried: [], hash: 1n }), runtime.endpoints[999])
  assert.equal(size.value, 1024)
})

test('slow start begins when an endpoint joins and again when it comes back', () => {
  const balancing = {
    kind: 'round-robin',
    slowStart: { windowMs: 10_000, aggression: 1, minimumWeight: 0.1 },
  } as const
  const { runtime, clock } = world(
    cluster({ endpoints: [endpointConfig('10.0.0.1'), endpointConfig('10.0.0.2')], balancing }),
  )
  clock.advance(500)
  runtime.start()
  const [one, other] = runtime.endpoints
  assert.ok(one && other)
  assert.equal(one.health.healthySinceMs, clock.now())
  clock.advance(60_000)
  other.health.mark('failedActive', true, clock.now())
  other.health.mark('failedActive', false, clock.now())
  const picked = Array.from({ length: 1100 }, () => runtime.pick())
  const count = picked.filter((each) => each === other).length
  assert.ok(count > 80 && count < 130, String(count))
})

test('a strict request without its endpoint is told so', () => {
  const { runtime } = world(cluster({ endpoints: [endpointConfig('10.0.0.1')] }))
  runtime.start()
  const picked = runtime.pick({ tried: [], preferred: '10.0.0.9:80', strict: true })
  assert.ok(picked.kind === 'none')
  assert.equal(picked.code, 'no_healthy_upstream')
  assert.match(picked.reason, /the endpoint that the request asks for/)
})
