import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterScope } from '../../../../src/cluster/cluster-stats.ts'
import type { Endpoint } from '../../../../src/cluster/endpoint.ts'
import { OutlierDetector } from '../../../../src/cluster/outlier/outlier-detector.ts'
import type { OutlierDetection } from '../../../../src/config/model/outlier-detection.ts'
import { StatRegistry } from '../../../../src/observe/stats/registry.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { endpoint as endpointAt } from '../build.ts'
import { OUTLIERS } from './build.ts'

function made(more: Partial<OutlierDetection> = {}, hosts = 5) {
  const clock = new ManualClock()
  const registry = new StatRegistry()
  const detector = new OutlierDetector(
    { ...OUTLIERS, ...more },
    { clock, random: () => 0.5, scope: clusterScope(registry, 'app') },
  )
  const endpoints = Array.from({ length: hosts }, (_, i) => {
    const endpoint = endpointAt(`10.0.0.${i + 1}`)
    detector.watch(endpoint)
    return endpoint
  })
  detector.start()
  const [bad = endpoints[0]] = endpoints
  if (bad === undefined) throw new Error('no endpoint')
  const stat = (name: string): number => registry.counter(`cluster.app.outlier_detection.${name}`).value
  const ejections = (): number => registry.gauge('cluster.app.outlier_detection.ejections_active').value
  const answer = (endpoint: Endpoint, status: number, times: number): void => {
    for (let i = 0; i < times; i++) endpoint.outlier?.httpStatus(status)
  }
  return { clock, detector, endpoints, bad, stat, ejections, answer }
}

test('so many 5xx in a row eject an endpoint, and a good answer in between begins anew', () => {
  const { bad, answer, stat, ejections } = made()
  answer(bad, 500, 4)
  answer(bad, 200, 1)
  answer(bad, 500, 4)
  assert.equal(bad.health.state, 'healthy')
  answer(bad, 500, 1)
  assert.equal(bad.health.state, 'unhealthy')
  assert.equal(bad.health.flags.failedOutlier, true)
  assert.deepEqual(
    [ejections(), stat('ejections_enforced_total'), stat('ejections_enforced_consecutive_5xx')],
    [1, 1, 1],
  )
})

test('gateway failures are detected, and not enforced unless it is said', () => {
  const { bad, answer, stat } = made({ consecutive5xx: 100 })
  answer(bad, 503, 5)
  assert.equal(bad.health.state, 'healthy')
  assert.deepEqual(
    [stat('ejections_detected_consecutive_gateway_failure'), stat('ejections_enforced_consecutive_gateway_failure')],
    [1, 0],
  )
  const enforced = made({ consecutive5xx: 100, enforcingConsecutiveGatewayFailure: 100 })
  enforced.answer(enforced.bad, 500, 10)
  assert.equal(enforced.bad.health.state, 'healthy')
  enforced.answer(enforced.bad, 504, 5)
  assert.equal(enforced.bad.health.state, 'unhealthy')
})

test('connect failures, resets and timeouts count as the status a client would get, unless they are split', () => {
  for (const event of ['connect-failure', 'reset', 'timeout'] as const) {
    const { bad, stat } = made()
    for (let i = 0; i < 5; i++) {
      bad.outlier?.localOrigin('connect-success')
      bad.outlier?.localOrigin(event)
    }
    assert.equal(stat('ejections_enforced_consecutive_5xx'), 1, event)
    const split = made({ splitExternalLocalOriginErrors: true })
    for (let i = 0; i < 4; i++) split.bad.outlier?.localOrigin(event)
    split.bad.outlier?.localOrigin('connect-success')
    for (let i = 0; i < 4; i++) split.bad.outlier?.localOrigin(event)
    assert.equal(split.bad.health.state, 'healthy')
    split.bad.outlier?.localOrigin(event)
    assert.equal(split.stat('ejections_enforced_consecutive_local_origin_failure'), 1, event)
  }
})

test('an ejection ends at the first sweep after its time, and lasts longer each time up to the maximum', () => {
  const { bad, answer, clock, detector, ejections } = made({ maxEjectionTimeMs: 70_000 })
  const lengths: number[] = []
  for (let i = 0; i < 4; i++) {
    answer(bad, 500, 5)
    assert.equal(bad.health.state, 'unhealthy')
    const told = detector.nextReturnMs ?? 0
    let ms = 0
    while (bad.health.state === 'unhealthy') {
      clock.advance(1000)
      ms += 1000
    }
    assert.equal(told, ms)
    lengths.push(ms)
  }
  assert.deepEqual(lengths, [30_000, 60_000, 70_000, 70_000])
  assert.equal(ejections(), 0)
  assert.equal(detector.nextReturnMs, undefined)
})

test('an endpoint that behaves is forgiven step by step', () => {
  const { bad, answer, clock } = made()
  for (let i = 0; i < 2; i++) {
    answer(bad, 500, 5)
    while (bad.health.state === 'unhealthy') clock.advance(1000)
  }
  clock.advance(20_000)
  answer(bad, 500, 5)
  clock.advance(30_000)
  assert.equal(bad.health.state, 'healthy')
})

test('no more than the percentage is ejected, and one always where that is said', () => {
  const { endpoints, answer, stat } = made({ maxEjectionPercent: 40 })
  for (const endpoint of endpoints) answer(endpoint, 500, 5)
  assert.equal(endpoints.filter(({ health }) => health.state === 'unhealthy').length, 2)
  assert.equal(stat('ejections_overflow'), 3)
  const none = made({ maxEjectionPercent: 10 })
  none.answer(none.bad, 500, 5)
  assert.equal(none.bad.health.state, 'healthy')
  const one = made({ maxEjectionPercent: 10, alwaysEjectOneHost: true })
  for (const endpoint of one.endpoints) one.answer(endpoint, 500, 5)
  assert.equal(one.endpoints.filter(({ health }) => health.state === 'unhealthy').length, 1)
})

test('a sweep ejects whose success rate lies far below the others', () => {
  const { endpoints, bad, answer, clock, stat } = made({ consecutive5xx: 0 })
  for (const endpoint of endpoints) answer(endpoint, 200, 100)
  for (let i = 0; i < 100; i++) answer(bad, 500, 1)
  clock.advance(10_000)
  assert.deepEqual(
    endpoints.map(({ health }) => health.state),
    ['unhealthy', 'healthy', 'healthy', 'healthy', 'healthy'],
  )
  assert.equal(stat('ejections_enforced_success_rate'), 1)
})

test('too few requests or too few endpoints say nothing', () => {
  for (const [hosts, volume] of [
    [5, 40],
    [4, 200],
  ] as const) {
    const { endpoints, bad, answer, clock } = made({ consecutive5xx: 0 }, hosts)
    for (const endpoint of endpoints) answer(endpoint, endpoint === bad ? 500 : 200, volume)
    clock.advance(10_000)
    assert.equal(bad.health.state, 'healthy')
  }
})

test('a sweep ejects whose failures reach the percentage', () => {
  const failurePercentage = { ...OUTLIERS.failurePercentage, enforcing: 100 }
  const { endpoints, bad, answer, clock, stat } = made({ consecutive5xx: 0, failurePercentage })
  for (const endpoint of endpoints) answer(endpoint, 200, 9)
  answer(bad, 500, 51)
  for (const endpoint of endpoints.slice(1)) answer(endpoint, 500, 41)
  clock.advance(10_000)
  assert.equal(bad.health.state, 'unhealthy')
  assert.equal(stat('ejections_enforced_failure_percentage'), 1)
})

test('a passed check ends an ejection, unless that is switched off or another check fails', () => {
  const { bad, answer, clock } = made()
  answer(bad, 500, 5)
  bad.health.mark('failedActive', true, clock.now())
  bad.outlier?.checkPassed()
  assert.equal(bad.health.flags.failedOutlier, true)
  bad.health.mark('failedActive', false, clock.now())
  bad.outlier?.checkPassed()
  assert.equal(bad.health.state, 'healthy')
  const off = made({ successfulActiveHealthCheckUnejectHost: false })
  off.answer(off.bad, 500, 5)
  off.bad.outlier?.checkPassed()
  assert.equal(off.bad.health.state, 'unhealthy')
})

test('an endpoint that leaves its cluster while it is ejected makes room for another', () => {
  const { endpoints, bad, answer, detector, ejections } = made({ maxEjectionPercent: 25 })
  answer(bad, 500, 5)
  detector.forget(bad)
  assert.equal(ejections(), 0)
  assert.equal(bad.outlier, undefined)
  const next = endpoints[1]
  if (next !== undefined) answer(next, 500, 5)
  assert.equal(ejections(), 1)
})

test('nothing is left running when it stops', () => {
  const { clock, detector } = made()
  clock.advance(30_000)
  detector.stop()
  assert.equal(clock.pending, 0)
})
