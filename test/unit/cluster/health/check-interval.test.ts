import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstCheckMs, nextCheckMs, type LastResult } from '../../../../src/cluster/health/check-interval.ts'
import { healthCheck } from './build.ts'

const check = healthCheck({
  intervalMs: 1000,
  noTrafficIntervalMs: 60_000,
  noTrafficHealthyIntervalMs: 90_000,
  unhealthyIntervalMs: 2000,
  unhealthyEdgeIntervalMs: 300,
  healthyEdgeIntervalMs: 400,
})

const CASES: readonly (readonly [name: string, last: LastResult, used: number, unused: number])[] = [
  ['passed, as before', { passed: true, transition: 'unchanged' }, 1000, 90_000],
  ['passed, on the way to healthy', { passed: true, transition: 'pending' }, 400, 60_000],
  ['passed, and healthy by that', { passed: true, transition: 'changed' }, 1000, 90_000],
  ['failed, as before', { passed: false, transition: 'unchanged' }, 2000, 60_000],
  ['failed, on the way to unhealthy', { passed: false, transition: 'pending' }, 300, 60_000],
  ['failed, and unhealthy by that', { passed: false, transition: 'changed' }, 2000, 60_000],
]

for (const [name, last, used, unused] of CASES) {
  test(`the next check after one that ${name}`, () => {
    assert.equal(
      nextCheckMs(check, last, true, () => 0),
      used,
    )
    assert.equal(
      nextCheckMs(check, last, false, () => 0),
      unused,
    )
  })
}

test('jitter adds, by percent and by time, and an interval is never 0', () => {
  const last: LastResult = { passed: true, transition: 'unchanged' }
  const jittered = healthCheck({ intervalMs: 1000, intervalJitterPercent: 10, intervalJitterMs: 50 })
  assert.equal(
    nextCheckMs(jittered, last, true, () => 0.5),
    1000 + 50 + 25,
  )
  assert.equal(
    nextCheckMs(healthCheck({ intervalMs: 0.2 }), last, true, () => 0),
    1,
  )
  assert.equal(
    firstCheckMs(healthCheck({ initialJitterMs: 500 }), () => 0.5),
    250,
  )
  assert.equal(
    firstCheckMs(healthCheck(), () => 0.5),
    0,
  )
})
