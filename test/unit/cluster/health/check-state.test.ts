import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CheckState } from '../../../../src/cluster/health/check-state.ts'

/** P passes, D passes degraded, F fails by the network, T by a timeout, A with a wrong answer that fails at once. */
function run(state: CheckState, results: string): string {
  let seen = ''
  for (const result of results) {
    const transition =
      result === 'P' || result === 'D'
        ? state.succeed(result === 'D')
        : state.fail(result === 'T' ? 'network-timeout' : result === 'A' ? 'active' : 'network', result === 'A')
    seen += { unchanged: '.', pending: '~', changed: '!' }[transition]
  }
  return seen
}

const health = (state: CheckState): string => (state.failed ? 'unhealthy' : 'healthy')

// easegress.md, acceptance case 31: fails 2, passes 3.
const FROM_HEALTHY: readonly (readonly [results: string, seen: string, ends: string])[] = [
  ['', '', 'healthy'],
  ['F', '~', 'healthy'],
  ['FF', '~!', 'unhealthy'],
  ['FFP', '~!~', 'unhealthy'],
  ['FFPP', '~!~~', 'unhealthy'],
  ['FFPPP', '~!~~!', 'healthy'],
  ['FPF', '~.~', 'healthy'],
  ['FPFF', '~.~!', 'unhealthy'],
  ['FFPPFPP', '~!~~.~~', 'unhealthy'],
  ['FFPPPF', '~!~~!~', 'healthy'],
  ['PPPPF', '....~', 'healthy'],
  ['A', '!', 'unhealthy'],
  ['FA', '~!', 'unhealthy'],
  ['APPP', '!~~!', 'healthy'],
]

for (const [results, seen, ends] of FROM_HEALTHY) {
  test(`an endpoint that begins healthy is ${ends} after ${results === '' ? 'nothing' : results}`, () => {
    const state = new CheckState({ initial: 'healthy', healthyThreshold: 3, unhealthyThreshold: 2 })
    assert.equal(run(state, results), seen)
    assert.equal(health(state), ends)
  })
}

const FROM_UNHEALTHY: readonly (readonly [results: string, seen: string, ends: string])[] = [
  ['', '', 'unhealthy'],
  ['P', '!', 'healthy'],
  ['F', '!', 'unhealthy'],
  ['FP', '!~', 'unhealthy'],
  ['FPPP', '!~~!', 'healthy'],
  ['PF', '!~', 'healthy'],
  ['PFF', '!~!', 'unhealthy'],
  ['PFFP', '!~!~', 'unhealthy'],
]

for (const [results, seen, ends] of FROM_UNHEALTHY) {
  test(`an endpoint that begins unhealthy is ${ends} after ${results === '' ? 'nothing' : results}`, () => {
    const state = new CheckState({ initial: 'unhealthy', healthyThreshold: 3, unhealthyThreshold: 2 })
    assert.equal(state.pending, true)
    assert.equal(run(state, results), seen)
    assert.equal(health(state), ends)
    assert.equal(state.pending, results === '')
  })
}

test('a timeout is remembered while the endpoint is unhealthy, and only then', () => {
  const state = new CheckState({ initial: 'healthy', healthyThreshold: 2, unhealthyThreshold: 2 })
  run(state, 'T')
  assert.equal(state.timedOut, false)
  run(state, 'T')
  assert.equal(state.timedOut, true)
  run(state, 'F')
  assert.equal(state.timedOut, false)
  run(state, 'TP')
  assert.equal(state.timedOut, true)
  run(state, 'P')
  assert.equal(state.timedOut, false)
})

test('degraded comes and goes with single results and is a change of its own', () => {
  const state = new CheckState({ initial: 'healthy', healthyThreshold: 2, unhealthyThreshold: 2 })
  assert.equal(run(state, 'PDDP'), '.!.!')
  assert.equal(state.degraded, false)
})
