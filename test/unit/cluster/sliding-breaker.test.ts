import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlidingBreaker } from '../../../src/cluster/sliding-breaker.ts'
import type { SlidingBreaker as Config } from '../../../src/config/model/retry.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const CONFIG: Config = {
  name: 'breaker',
  window: { kind: 'count', size: 10 },
  failureRateThreshold: 50,
  slowCallRateThreshold: 100,
  slowCallMs: 1000,
  permittedInHalfOpen: 3,
  minimumCalls: 4,
  maxWaitInHalfOpenMs: 0,
  waitInOpenMs: 60_000,
  failureStatuses: new Set([500]),
  place: { file: 'pipeline.yaml', line: 3, column: 1, path: '' },
}

function made(more: Partial<Config> = {}) {
  const clock = new ManualClock()
  const breaker = new SlidingBreaker({ ...CONFIG, ...more }, clock)
  const call = (ok: boolean, durationMs = 1): boolean => {
    const permission = breaker.tryAcquire()
    if (typeof permission === 'string') return false
    breaker.result(permission, ok, durationMs)
    return true
  }
  return { clock, breaker, call }
}

test('it opens when the share of failures is reached, and not before the minimum of calls', () => {
  const { breaker, call } = made()
  for (let i = 0; i < 3; i++) call(false)
  assert.equal(breaker.state, 'closed')
  call(true)
  assert.equal(breaker.state, 'open')
  assert.match(String(breaker.tryAcquire()), /^circuit breaker "breaker" \(pipeline.yaml:3\) is open/)
  assert.equal(breaker.opensInMs, 60_000)
})

test('only the last calls count', () => {
  const { breaker, call } = made({ window: { kind: 'count', size: 4 } })
  call(false)
  for (let i = 0; i < 4; i++) call(true)
  call(false)
  assert.equal(breaker.state, 'closed')
  call(false)
  assert.equal(breaker.state, 'open')
})

test('a window of time forgets what is older', () => {
  const { breaker, call, clock } = made({ window: { kind: 'time', size: 5 } })
  for (let i = 0; i < 3; i++) call(false)
  clock.advance(5000)
  for (let i = 0; i < 3; i++) call(false)
  assert.equal(breaker.state, 'closed')
  clock.advance(4999)
  call(false)
  assert.equal(breaker.state, 'open')
})

test('slow calls count, too', () => {
  const { breaker, call } = made({ slowCallRateThreshold: 50 })
  for (let i = 0; i < 2; i++) call(true, 10)
  for (let i = 0; i < 2; i++) call(true, 1000)
  assert.equal(breaker.state, 'open')
})

test('half-open it lets so many calls through, and their results decide', () => {
  const { breaker, call, clock } = made()
  for (let i = 0; i < 4; i++) call(false)
  clock.advance(60_000)
  const trials = [1, 2, 3].map(() => breaker.tryAcquire())
  assert.equal(breaker.state, 'half-open')
  assert.match(String(breaker.tryAcquire()), /half-open/)
  for (const trial of trials) breaker.result(Number(trial), true, 1)
  assert.equal(breaker.state, 'closed')
})

test('half-open it opens again when the trials fail, and results of before do not count', () => {
  const { breaker, call, clock } = made()
  const early = Number(breaker.tryAcquire())
  for (let i = 0; i < 4; i++) call(false)
  clock.advance(60_000)
  for (let i = 0; i < 2; i++) call(false)
  breaker.result(early, true, 1)
  assert.equal(breaker.state, 'half-open')
  call(true)
  assert.equal(breaker.state, 'open')
})

test('trials that never end make it open again when there is a limit on that', () => {
  const { breaker, call, clock } = made({ maxWaitInHalfOpenMs: 1000 })
  for (let i = 0; i < 4; i++) call(false)
  clock.advance(60_000)
  for (let i = 0; i < 3; i++) breaker.tryAcquire()
  clock.advance(1000)
  assert.match(String(breaker.tryAcquire()), /open again/)
})

test('a trial that is not made after all leaves its place to another', () => {
  const { breaker, call, clock } = made({ permittedInHalfOpen: 1 })
  for (let i = 0; i < 4; i++) call(false)
  clock.advance(60_000)
  breaker.cancel(Number(breaker.tryAcquire()))
  assert.equal(typeof breaker.tryAcquire(), 'number')
})
