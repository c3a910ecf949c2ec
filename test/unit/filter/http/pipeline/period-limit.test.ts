import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PeriodLimit } from '../../../../../src/filter/http/pipeline/period-limit.ts'
import { ManualClock } from '../../../../support/manual-clock.ts'

test('so many pass at once in each period, and what is left over is not saved', () => {
  const clock = new ManualClock()
  const limit = new PeriodLimit({ timeoutMs: 0, refreshPeriodMs: 100, limitForPeriod: 2 }, clock)
  assert.deepEqual([limit.acquire(), limit.acquire(), limit.acquire()], [0, 0, undefined])
  clock.advance(100)
  assert.deepEqual([limit.acquire(), limit.acquire(), limit.acquire()], [0, 0, undefined])
  clock.advance(1000)
  assert.deepEqual([limit.acquire(), limit.acquire(), limit.acquire()], [0, 0, undefined])
})

test('more wait for the beginning of a coming period, as far as the timeout reaches', () => {
  const clock = new ManualClock()
  const limit = new PeriodLimit({ timeoutMs: 250, refreshPeriodMs: 100, limitForPeriod: 2 }, clock)
  clock.advance(30)
  const waits = Array.from({ length: 7 }, () => limit.acquire())
  assert.deepEqual(waits, [0, 0, 70, 70, 170, 170, undefined])
  clock.advance(70)
  assert.deepEqual([limit.acquire(), limit.acquire(), limit.acquire()], [200, 200, undefined])
})
