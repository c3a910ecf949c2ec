import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Balancing } from '../../../../src/config/model/cluster.ts'
import { makePicker as make } from '../../../../src/cluster/balance/make-picker.ts'
import type { Endpoint } from '../../../../src/cluster/endpoint.ts'
import { mulberry32 } from '../../../support/random.ts'
import { endpoint, sequence } from '../build.ts'

const ROUND_ROBIN: Balancing = { kind: 'round-robin' }
const leastRequest = (choices = 2, activeRequestBias = 1): Balancing => ({
  kind: 'least-request',
  choices,
  activeRequestBias,
})

const makePicker = (balancing: Balancing, endpoints: readonly Endpoint[], random = () => 0) =>
  make(balancing, endpoints, { localityWeighted: false }, { random, now: () => 0 })

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
  const list = Array.from({ length: 10 }, (_, i) => endpoint(`e${i}`))
  const picker = makePicker(leastRequest(), list, mulberry32(1))
  for (let i = 0; i < 1000; i++) {
    const picked = picker?.pick()
    if (picked !== undefined) picked.stats.rqActive++
  }
  for (const one of list) assert.ok(Math.abs(one.stats.rqActive - 100) <= 10, String(one.stats.rqActive))
})

test('random takes any, whatever its weight', () => {
  assert.equal(chosen({ kind: 'random' }, [endpoint('a', { weight: 100 }), b], 4, sequence(0, 0.49, 0.5, 0.99)), 'aabb')
})

/** How often each of `endpoints` was picked, in their order. */
function counts(picker: ReturnType<typeof make>, endpoints: readonly Endpoint[], picks: number): readonly number[] {
  const found = new Map<Endpoint | undefined, number>()
  for (let i = 0; i < picks; i++) {
    const picked = picker?.pick()
    found.set(picked, (found.get(picked) ?? 0) + 1)
  }
  return endpoints.map((one) => found.get(one) ?? 0)
}

test('weighted random takes each as often as it weighs', () => {
  const endpoints = [endpoint('a', { weight: 1 }), endpoint('b', { weight: 2 }), endpoint('c', { weight: 7 })]
  const [one = 0, two = 0, seven = 0] = counts(
    makePicker({ kind: 'weighted-random' }, endpoints, mulberry32(7)),
    endpoints,
    10_000,
  )
  assert.ok(Math.abs(one - 1000) < 150, String(one))
  assert.ok(Math.abs(two - 2000) < 200, String(two))
  assert.ok(Math.abs(seven - 7000) < 250, String(seven))
})

test('hash modulo counts through the endpoints in their order, and a request without a hash goes anywhere', () => {
  const picker = makePicker({ kind: 'hash-modulo' }, [a, b, c], mulberry32(3))
  assert.ok(picker)
  assert.deepEqual(
    [0n, 1n, 2n, 3n, 0xffffffffffffffffn].map((hash) => picker.pick(hash).text[0]),
    ['a', 'b', 'c', 'a', 'a'],
  )
  assert.ok(counts(picker, [a, b, c], 300).every((count) => count > 60))
})

const SLOW = { windowMs: 10_000, aggression: 1, minimumWeight: 0.1 }

test('round robin with slow start gives a new endpoint a share that grows with its age', () => {
  for (const [ageMs, wanted] of [
    [0, 0.1],
    [1000, 0.1],
    [5000, 0.5],
    [10_000, 1],
  ] as const) {
    const [old, young] = [endpoint('o'), endpoint('y')]
    old.health.healthySinceMs = -100_000
    young.health.healthySinceMs = 0
    const tools = { random: () => 0, now: () => ageMs }
    const picker = make({ kind: 'round-robin', slowStart: SLOW }, [old, young], { localityWeighted: false }, tools)
    const [of = 0, yf = 0] = counts(picker, [old, young], 1100)
    assert.ok(Math.abs(yf / of - wanted) < 0.02, `${ageMs} ms: ${yf} of ${of}`)
  }
})

test('aggression bends the growth: 2 is faster at the beginning', () => {
  const [old, young] = [endpoint('o'), endpoint('y')]
  young.health.healthySinceMs = 0
  const slowStart = { windowMs: 10_000, aggression: 2, minimumWeight: 0.1 }
  const tools = { random: () => 0, now: () => 2500 }
  const picker = make({ kind: 'round-robin', slowStart }, [old, young], { localityWeighted: false }, tools)
  const [of = 0, yf = 0] = counts(picker, [old, young], 900)
  assert.ok(Math.abs(yf / of - 0.5) < 0.02, `${yf} of ${of}`)
})

test('least request with slow start spares a new endpoint, even an idle one', () => {
  const [old, young] = [endpoint('o'), endpoint('y')]
  young.health.healthySinceMs = 0
  const balancing: Balancing = { kind: 'least-request', choices: 2, activeRequestBias: 1, slowStart: SLOW }
  const tools = { random: mulberry32(11), now: () => 0 }
  const picker = make(balancing, [old, young], { localityWeighted: false }, tools)
  const [of = 0, yf = 0] = counts(picker, [old, young], 2000)
  assert.ok(yf > 0 && yf / of < 0.3, `${yf} of ${of}`)
})
