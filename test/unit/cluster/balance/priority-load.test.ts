import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SPREAD, type LoadSpread } from '../../../../src/config/model/balancing.ts'
import { priorityLoad, type PriorityHealth } from '../../../../src/cluster/balance/priority-load.ts'

/** A priority of a hundred endpoints, so many of which are healthy and degraded. */
function hundred(healthy: number, degraded = 0): PriorityHealth {
  const counted = { total: 100, healthy, degraded }
  return { ...counted, members: 100, counted }
}

const spread = (more: Partial<LoadSpread> = {}): LoadSpread => ({ ...DEFAULT_SPREAD, ...more })

// The tables of Envoy's documentation: upstream/load_balancing/priority and panic_threshold.
const PRIORITIES: readonly (readonly [
  healthy: readonly number[],
  loads: readonly number[],
  panic?: readonly number[],
])[] = [
  [
    [100, 100],
    [100, 0],
  ],
  [
    [72, 72],
    [100, 0],
  ],
  [
    [71, 71],
    [99, 1],
  ],
  [
    [50, 50],
    [70, 30],
  ],
  [
    [25, 100],
    [35, 65],
  ],
  [
    [25, 25],
    [50, 50],
    [0, 1],
  ],
  [
    [50, 60],
    [70, 30],
  ],
  [[5, 65], [8, 92], [0]],
  [
    [25, 25, 100],
    [35, 35, 30],
  ],
  [
    [25, 25, 20],
    [34, 33, 33],
    [0, 1, 2],
  ],
  [
    [50, 25, 50],
    [70, 30, 0],
  ],
]

test('priorities share as the tables of Envoy’s documentation say', async (t) => {
  for (const [healthy, loads, panic = []] of PRIORITIES) {
    await t.test(healthy.join(' % and ') + ' % healthy', () => {
      const load = priorityLoad(
        healthy.map((each) => hundred(each)),
        spread(),
      )
      assert.deepEqual(load.healthy, loads)
      assert.deepEqual(
        load.panic.flatMap((is, priority) => (is ? [priority] : [])),
        panic,
      )
    })
  }
})

// Healthy and degraded of one priority, and what they get.
const DEGRADED: readonly (readonly [healthy: number, degraded: number, loads: readonly [number, number]])[] = [
  [100, 0, [100, 0]],
  [71, 29, [99, 1]],
  [72, 28, [100, 0]],
  [25, 65, [35, 65]],
  [0, 100, [0, 100]],
]

test('degraded endpoints get what the healthy ones cannot take', async (t) => {
  for (const [healthy, degraded, loads] of DEGRADED) {
    await t.test(`${healthy} % healthy, ${degraded} % degraded`, () => {
      const load = priorityLoad([hundred(healthy, degraded)], spread())
      assert.deepEqual([load.healthy[0], load.degraded[0]], loads)
    })
  }
})

test('healthy endpoints of the next priority come before degraded ones of the first', () => {
  const load = priorityLoad([hundred(50, 50), hundred(100)], spread())
  assert.deepEqual(load, { healthy: [70, 30], degraded: [0, 0], panic: [false, false] })
})

test('in total panic each priority gets its part of the endpoints', () => {
  const small: PriorityHealth = {
    ...hundred(0),
    members: 50,
    total: 50,
    counted: { total: 50, healthy: 0, degraded: 0 },
  }
  const load = priorityLoad([small, hundred(0)], spread())
  assert.deepEqual(load, { healthy: [34, 66], degraded: [0, 0], panic: [true, true] })
})

test('a threshold of 0 turns panic off, and then nobody may be used', () => {
  const load = priorityLoad([hundred(0), hundred(0)], spread({ panicThreshold: 0 }))
  assert.deepEqual(load, { healthy: [100, 0], degraded: [0, 0], panic: [false, false] })
  assert.deepEqual(priorityLoad([hundred(1)], spread({ panicThreshold: 0 })).panic, [false])
})

test('the overprovisioning factor says how much may fail before the next priority is used', () => {
  assert.deepEqual(priorityLoad([hundred(50), hundred(100)], spread({ overprovisioning: 2 })).healthy, [100, 0])
  assert.deepEqual(priorityLoad([hundred(90), hundred(100)], spread({ overprovisioning: 1 })).healthy, [90, 10])
})

test('the loads sum up to 100 whatever the health', () => {
  for (let one = 0; one <= 100; one += 7) {
    for (let two = 0; two <= 100; two += 3) {
      for (const degraded of [0, Math.floor((100 - one) / 2)]) {
        const load = priorityLoad([hundred(one, degraded), hundred(two), hundred(3)], spread())
        const sum = [...load.healthy, ...load.degraded].reduce((total, each) => total + each, 0)
        assert.equal(sum, 100, JSON.stringify([one, two, degraded, load]))
      }
    }
  }
})
