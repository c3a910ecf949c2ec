// Where a retry does not go: hosts that were tried, canaries, hosts by their metadata, priorities that had their turn.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Endpoint } from '../../../../../src/cluster/endpoint.ts'
import { NOWHERE } from '../../../../../src/config/model/place.ts'
import { DEFAULT_RETRY, type RetryPolicy } from '../../../../../src/config/model/retry.ts'
import { avoidance } from '../../../../../src/filter/http/router/retry-avoidance.ts'

function endpoint(port: number, priority = 0, metadata: Readonly<Record<string, string>> = {}): Endpoint {
  const address = { kind: 'socket', host: '127.0.0.1', port, place: NOWHERE } as const
  return new Endpoint(
    {
      address,
      hostname: '',
      weight: 1,
      priority,
      locality: { region: '', zone: '', subZone: '' },
      health: 'healthy',
      metadata: new Map([['envoy.lb', new Map(Object.entries(metadata))]]),
      place: NOWHERE,
    },
    [address],
  )
}

const policy = (avoid: Partial<RetryPolicy['avoid']>, more: Partial<RetryPolicy> = {}): RetryPolicy => ({
  ...DEFAULT_RETRY,
  on: new Set(['5xx']),
  retries: 5,
  avoid: { ...DEFAULT_RETRY.avoid, ...avoid },
  hostSelectionAttempts: 4,
  place: NOWHERE,
  ...more,
})

const [a, b] = [endpoint(1), endpoint(2, 0, { canary: 'true', version: '1', stage: 'x' })]

test('the first try goes anywhere, and a retry without predicates too', () => {
  assert.equal(avoidance(policy({ previousHosts: true }), []), undefined)
  assert.equal(avoidance(policy({}), [a]), undefined)
})

test('a retry turns down hosts that were tried, canaries, and hosts with all of the metadata', () => {
  const previous = avoidance(policy({ previousHosts: true }), [a])
  assert.deepEqual([previous?.rejects?.(a), previous?.rejects?.(b), previous?.repicks], [true, false, 4])
  const canaries = avoidance(policy({ canaries: true }), [a])
  assert.deepEqual([canaries?.rejects?.(a), canaries?.rejects?.(b)], [false, true])
  const half = new Map([
    ['version', '1'],
    ['stage', 'y'],
  ])
  assert.equal(avoidance(policy({ metadata: half }), [a])?.rejects?.(b), false)
  const whole = new Map([...half, ['stage', 'x']])
  const byMetadata = avoidance(policy({ metadata: whole }), [a])
  assert.deepEqual([byMetadata?.rejects?.(a), byMetadata?.rejects?.(b)], [false, true])
  assert.equal(avoidance(policy({ metadata: new Map() }), [a])?.rejects?.(b), false)
})

test('a retry leaves priorities after as many tries as it is told', () => {
  const every = policy({}, { previousPrioritiesEvery: 2 })
  const second = endpoint(3, 1)
  assert.equal(avoidance(every, [a])?.triedPriorities, undefined)
  assert.deepEqual(avoidance(every, [a, b])?.triedPriorities, [0])
  assert.deepEqual(avoidance(every, [a, b, second])?.triedPriorities, [0])
  assert.deepEqual(avoidance(every, [a, b, second, second])?.triedPriorities, [0, 1])
})
