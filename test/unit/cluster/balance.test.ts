import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Balancing } from '../../../src/config/model/cluster.ts'
import { makePicker, usable } from '../../../src/cluster/balance/make-picker.ts'
import type { Endpoint } from '../../../src/cluster/endpoint.ts'
import { endpoint, sequence } from './build.ts'

const ROUND_ROBIN: Balancing = { kind: 'round-robin' }
const leastRequest = (choices = 2, activeRequestBias = 1): Balancing => ({
  kind: 'least-request',
  choices,
  activeRequestBias,
})

function chosen(balancing: Balancing, endpoints: readonly Endpoint[], count: number, random = () => 0): string {
  const picker = makePicker(balancing, endpoints, random)
  assert.ok(picker)
  return Array.from({ length: count }, () => picker.pick().text.replace(':80', '')).join('')
}

const [a, b, c] = [endpoint('a'), endpoint('b'), endpoint('c')]

test('round robin takes every endpoint in turn, from a random start', () => {
  assert.equal(chosen(ROUND_ROBIN, [a, b, c], 7), 'abcabca')
  assert.equal(
    chosen(ROUND_ROBIN, [a, b, c], 4, () => 0.5),
    'bcab',
  )
  assert.equal(
    chosen(ROUND_ROBIN, [a, b, c], 4, () => 0.999),
    'cabc',
  )
})

test('weighted round robin spreads evenly instead of in bursts', () => {
  const weighted = [endpoint('a', { weight: 5 }), endpoint('b'), endpoint('c')]
  assert.equal(chosen(ROUND_ROBIN, weighted, 7), 'aabacaa')
  assert.equal(chosen(ROUND_ROBIN, weighted, 14), 'aabacaaaabacaa')
  assert.equal(chosen(ROUND_ROBIN, [endpoint('a', { weight: 2 }), endpoint('b', { weight: 3 })], 5), 'babab')
})

test('weighted round robin keeps the proportions exactly over a whole cycle, wherever it starts', () => {
  const weighted = [endpoint('a', { weight: 7 }), endpoint('b', { weight: 2 }), endpoint('c', { weight: 1 })]
  for (const start of [0, 0.4, 0.99]) {
    const texts = chosen(ROUND_ROBIN, weighted, 100, () => start)
    assert.deepEqual(
      ['a', 'b', 'c'].map((name) => texts.split(name).length - 1),
      [70, 20, 10],
    )
  }
})

test('least request takes the less busy of two drawn', () => {
  const [busy, idle] = [endpoint('b'), endpoint('i')]
  busy.stats.rqActive = 3
  idle.stats.rqActive = 2
  assert.equal(chosen(leastRequest(), [busy, idle], 1, sequence(0, 0.9)), 'i')
  assert.equal(chosen(leastRequest(), [busy, idle], 1, sequence(0.9, 0)), 'i')
  assert.equal(chosen(leastRequest(), [busy, idle], 1, sequence(0, 0)), 'b')
})

test('least request compares open tunnels as they are at the pick, on one snapshot', () => {
  const [one, two] = [endpoint('1'), endpoint('2')]
  const picker = makePicker(leastRequest(), [one, two], sequence(0, 0.9))
  one.stats.rqActive = 1
  assert.equal(picker?.pick(), two)
  two.stats.rqActive = 5
  assert.equal(picker?.pick(), one)
})

test('least request counts a heavy endpoint as less busy, and picks idle ones by weight', () => {
  const [heavy, light] = [endpoint('h', { weight: 3 }), endpoint('l')]
  heavy.stats.rqActive = 4
  light.stats.rqActive = 2
  assert.equal(chosen(leastRequest(), [heavy, light], 1, sequence(0.9, 0)), 'h')
  heavy.stats.rqActive = 0
  light.stats.rqActive = 0
  assert.equal(chosen(leastRequest(), [heavy, light], 4, sequence(0, 0, 0.3, 0, 0.74, 0, 0.75, 0)), 'hhhl')
})

test('least request with bias 0 goes by weight alone, and more choices look further', () => {
  const list = [endpoint('0'), endpoint('1'), endpoint('2')]
  for (const [i, one] of list.entries()) one.stats.rqActive = 9 - i
  assert.equal(chosen(leastRequest(2, 0), list, 1, sequence(0, 0.99)), '0')
  assert.equal(chosen(leastRequest(3), list, 1, sequence(0, 0.5, 0.99)), '2')
})

test('tunnels spread evenly under least request', () => {
  let seed = 1
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647
  const list = Array.from({ length: 10 }, (_, i) => endpoint(`e${i}`))
  const picker = makePicker(leastRequest(), list, random)
  for (let i = 0; i < 1000; i++) {
    const picked = picker?.pick()
    if (picked !== undefined) picked.stats.rqActive++
  }
  for (const one of list) assert.ok(Math.abs(one.stats.rqActive - 100) <= 10, String(one.stats.rqActive))
})

test('random takes any, whatever its weight', () => {
  assert.equal(chosen({ kind: 'random' }, [endpoint('a', { weight: 100 }), b], 4, sequence(0, 0.49, 0.5, 0.99)), 'aabb')
})

const up = (name: string, priority: number) => endpoint(name, { priority })
const ill = (name: string, health: 'degraded' | 'unhealthy' | 'draining', priority = 0) =>
  endpoint(name, { health, priority })

const USABLE: readonly (readonly [name: string, readonly Endpoint[], string])[] = [
  ['the lowest priority', [up('x', 1), up('y', 0), up('z', 0)], 'yz'],
  ['the next when the lowest has none that is healthy', [ill('x', 'unhealthy'), up('y', 2), up('z', 1)], 'z'],
  ['not the draining', [ill('x', 'draining'), up('y', 0)], 'y'],
  ['the degraded of a lower priority come after healthy ones of a higher', [ill('x', 'degraded'), up('y', 1)], 'y'],
  ['the degraded when nothing is healthy', [ill('x', 'unhealthy'), ill('y', 'degraded', 1)], 'y'],
  ['none', [ill('x', 'unhealthy'), ill('y', 'draining')], ''],
]

test('which endpoints are used', async (t) => {
  for (const [name, endpoints, wanted] of USABLE) {
    await t.test(name, () => assert.equal((usable(endpoints) ?? []).map((one) => one.text[0]).join(''), wanted))
  }
})
