import assert from 'node:assert/strict'
import { test } from 'node:test'
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
    'none usable',
    {
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
