import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NOWHERE } from '../../../../src/config/model/place.ts'
import { connectionLimit } from '../../../../src/filter/network/connection-limit/connection-limit.ts'
import {
  localRateLimit,
  type LocalRateLimit,
  SharedBuckets,
} from '../../../../src/filter/network/local-rate-limit/local-rate-limit.ts'
import { StatRegistry } from '../../../../src/observe/stats/registry.ts'
import { admissionText, askGate } from '../../../support/gate-arrival.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

describe('connection_limit', () => {
  test('refuses beyond its number, and counts a refused connection until it is gone', () => {
    const registry = new StatRegistry()
    const config = {
      kind: 'connection-limit',
      statPrefix: 'in',
      maxConnections: 2,
      delayMs: 300,
      place: NOWHERE,
    } as const
    const gate = connectionLimit(config, registry)
    const active = registry.gauge('connection_limit.in.active_connections')
    const limited = registry.counter('connection_limit.in.limited_connections')
    const stats = (): number[] => [active.value, limited.value]
    const [first, second] = [askGate(gate), askGate(gate)]
    assert.deepEqual([first, second].map(admissionText), ['admitted', 'admitted'])
    const third = askGate(gate)
    assert.equal(admissionText(third), 'over_connection_limit after 300')
    assert.deepEqual(stats(), [3, 1])
    first.pass?.released()
    assert.equal(
      admissionText(askGate(gate)),
      'over_connection_limit after 300',
      'the refused one still holds a socket',
    )
    second.pass?.released()
    third.pass?.released()
    assert.equal(admissionText(askGate(gate)), 'admitted')
    assert.deepEqual(stats(), [2, 2])
  })
})

describe('local_ratelimit', () => {
  const bucket = (more: Partial<LocalRateLimit> = {}): LocalRateLimit => ({
    kind: 'local-rate-limit',
    statPrefix: 'in',
    maxTokens: 3,
    tokensPerFill: 2,
    fillIntervalMs: 1000,
    shareKey: '',
    place: NOWHERE,
    ...more,
  })

  test('admits a burst, then what the bucket gets, and never more than it holds', () => {
    const clock = new ManualClock()
    const registry = new StatRegistry()
    const gate = localRateLimit(bucket(), new SharedBuckets(clock), registry)
    const burst = (count: number): number =>
      Array.from({ length: count }, () => askGate(gate)).filter(({ admission }) => admission.kind === 'admitted').length
    assert.equal(burst(5), 3)
    clock.advance(499)
    assert.equal(burst(1), 0)
    clock.advance(1)
    assert.equal(burst(2), 1)
    for (let i = 0; i < 10; i++) clock.advance(50)
    assert.equal(burst(2), 1, 'asking in between loses nothing')
    clock.advance(3_600_000)
    assert.equal(burst(9), 3)
    assert.equal(registry.counter('local_rate_limit.in.rate_limited').value, 2 + 1 + 1 + 1 + 6)
    assert.equal(admissionText(askGate(gate)), 'connection_rate_limited after 0')
  })

  test('is shared by chains with the same key and the same limits', () => {
    const clock = new ManualClock()
    const shared = new SharedBuckets(clock)
    const gate = (more: Partial<LocalRateLimit>): string =>
      admissionText(askGate(localRateLimit(bucket({ maxTokens: 1, ...more }), shared, new StatRegistry())))
    assert.equal(gate({ shareKey: 'a' }), 'admitted')
    assert.equal(gate({ shareKey: 'a' }), 'connection_rate_limited after 0')
    assert.equal(gate({ shareKey: 'b' }), 'admitted')
    assert.equal(gate({ shareKey: 'a', tokensPerFill: 1 }), 'admitted', 'other limits, another bucket')
    assert.equal(gate({}), 'admitted')
    assert.equal(gate({}), 'admitted')
  })
})
