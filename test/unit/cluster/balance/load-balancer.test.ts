import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Balancing } from '../../../../src/config/model/cluster.ts'
import { DEFAULT_SPREAD, type LoadSpread } from '../../../../src/config/model/balancing.ts'
import { LoadBalancer, type LoadBalancerParts } from '../../../../src/cluster/balance/load-balancer.ts'
import type { PickContext } from '../../../../src/cluster/balance/picker.ts'
import type { Endpoint } from '../../../../src/cluster/endpoint.ts'
import { xxHash64OfLatin1 } from '../../../../src/core/hash/xx-hash.ts'
import { mulberry32 } from '../../../support/random.ts'
import { endpoint } from '../build.ts'

const ROUND_ROBIN: Balancing = { kind: 'round-robin' }
const RING: Balancing = { kind: 'ring-hash', minimumRingSize: 1024, maximumRingSize: 65_536, hash: 'xxhash' }

interface Wanted {
  readonly balancing?: Balancing
  readonly spread?: Partial<LoadSpread>
  readonly onPanic?: () => void
}

function parts({ balancing = ROUND_ROBIN, spread = {}, onPanic = () => undefined }: Wanted): LoadBalancerParts {
  return { balancing, spread: { ...DEFAULT_SPREAD, ...spread }, random: mulberry32(5), now: () => 0, onPanic }
}

const balancer = (endpoints: readonly Endpoint[], wanted: Wanted = {}) => new LoadBalancer(parts(wanted), endpoints)

/** How often each first letter of an address was picked of so many; `-` for nobody. */
function shares(one: LoadBalancer, count = 1000, context: PickContext = { tried: [] }): Record<string, number> {
  const found: Record<string, number> = {}
  for (let i = 0; i < count; i++) {
    const letter = one.pick(context)?.text[0] ?? '-'
    found[letter] = (found[letter] ?? 0) + 1
  }
  return found
}

const many = (letter: string, count: number, more: Parameters<typeof endpoint>[1] = {}) =>
  Array.from({ length: count }, (_, i) => endpoint(`${letter}${i}`, more))

const ill = (endpoints: readonly Endpoint[], count: number): readonly Endpoint[] => {
  for (const one of endpoints.slice(0, count)) one.health.mark('failedActive', true, 0)
  return endpoints
}

const around = (value: number | undefined, wanted: number, by = 50): void =>
  assert.ok(Math.abs((value ?? 0) - wanted) <= by, `${value} instead of ${wanted}`)

test('while enough of the first priority is healthy, it has all', () => {
  const first = ill(many('a', 10), 2)
  assert.deepEqual(shares(balancer([...first, ...many('b', 10, { priority: 1 })])), { a: 1000 })
})

test('what the first priority cannot take spills over to the next', () => {
  const first = ill(many('a', 10), 5)
  const found = shares(balancer([...first, ...many('b', 10, { priority: 1 })]))
  around(found['a'], 700)
  around(found['b'], 300)
})

test('a request with a hash has one priority, and the shares come out all the same', () => {
  const all = [...ill(many('a', 10), 5), ...many('b', 10, { priority: 1 })]
  const one = balancer(all, { balancing: RING })
  let first = 0
  for (let i = 0; i < 1000; i++) {
    const hash = xxHash64OfLatin1(`key ${i}`)
    const picked = one.pick({ tried: [], hash })
    assert.equal(one.pick({ tried: [], hash }), picked)
    if (picked?.text.startsWith('a') === true) first++
  }
  around(first, 700)
})

test('degraded endpoints are used for what the healthy ones cannot take', () => {
  const endpoints = [...many('h', 5), ...many('d', 5, { health: 'degraded' })]
  const found = shares(balancer(endpoints))
  around(found['h'], 700)
  around(found['d'], 300)
})

test('in panic health does not count', () => {
  let panics = 0
  const found = shares(balancer([...ill(many('u', 6), 6), ...many('h', 4)], { onPanic: () => panics++ }))
  around(found['u'], 600, 1)
  around(found['h'], 400, 1)
  assert.equal(panics, 1000)
})

test('with fail_traffic_on_panic nobody gets traffic in panic', () => {
  const one = balancer([...ill(many('u', 6), 6), ...many('h', 4)], { spread: { failInPanic: true } })
  assert.deepEqual(shares(one, 10), { '-': 10 })
})

test('with a panic threshold of 0 only the healthy are used, to the last one', () => {
  const one = balancer([...ill(many('u', 9), 9), ...many('h', 1)], { spread: { panicThreshold: 0 } })
  assert.deepEqual(shares(one, 100), { h: 100 })
  assert.equal(balancer(ill(many('u', 3), 3), { spread: { panicThreshold: 0 } }).pick({ tried: [] }), undefined)
})

test('draining endpoints get nothing new', () => {
  const endpoints = [...many('d', 1, { health: 'draining' }), ...many('h', 3)]
  assert.deepEqual(shares(balancer(endpoints), 100), { h: 100 })
})

test('localities share by their weight, less what is missing of them', () => {
  const zone = (name: string, localityWeight: number) => ({
    locality: { region: '', zone: name, subZone: '' },
    localityWeight,
  })
  const heavy = many('x', 10, zone('x', 3))
  const light = many('y', 2, zone('y', 1))
  const localityWeighted = { spread: { localityWeighted: true } }
  const all = [...heavy, ...light]
  assert.deepEqual(shares(balancer(all, localityWeighted)), { x: 750, y: 250 })
  ill(heavy, 2)
  assert.deepEqual(shares(balancer(all, localityWeighted)), { x: 750, y: 250 })
  ill(heavy, 5)
  // 3 × 1.4 × 5/10 against 1.
  around(shares(balancer(all, localityWeighted))['x'], 677, 2)
})

test('the endpoint that a client asks for is used while it is fit', () => {
  const [a, b, c] = [endpoint('a'), endpoint('b'), endpoint('c', { priority: 3 })]
  const one = balancer([a, b, c])
  assert.equal(one.pick({ tried: [], preferred: 'b:80' }), b)
  assert.equal(one.pick({ tried: [], preferred: 'c:80' }), c)
  assert.notEqual(one.pick({ tried: [b], preferred: 'b:80' }), b)
  b.health.mark('failedOutlier', true, 0)
  assert.equal(balancer([a, b, c]).pick({ tried: [], preferred: 'b:80' }), a)
  assert.ok(one.pick({ tried: [], preferred: 'x:80' }))
})

test('strict: that one or nobody', () => {
  const [a, b] = [endpoint('a'), endpoint('b')]
  const one = balancer([a, b])
  assert.equal(one.pick({ tried: [b], preferred: 'b:80', strict: true }), b)
  assert.equal(one.pick({ tried: [], preferred: 'x:80', strict: true }), undefined)
  assert.equal(one.pick({ tried: [], strict: true }), undefined)
  b.health.mark('failedActive', true, 0)
  assert.equal(balancer([a, b]).pick({ tried: [], preferred: 'b:80', strict: true }), undefined)
})

test('endpoints that were tried are avoided while there are others, also by those that go by the hash', () => {
  for (const balancing of [ROUND_ROBIN, RING, { kind: 'random' } as const]) {
    const endpoints = many('a', 5)
    const one = balancer(endpoints, { balancing })
    for (const last of endpoints) {
      const tried = endpoints.filter((other) => other !== last)
      assert.equal(one.pick({ tried, hash: 7n }), last)
    }
    assert.ok(one.pick({ tried: endpoints, hash: 7n }))
  }
})

test('an endpoint that the predicates reject is passed over so many times', () => {
  const endpoints = many('a', 4)
  const [wanted] = endpoints
  const one = balancer(endpoints)
  let asked = 0
  const rejects = (other: Endpoint): boolean => {
    asked++
    return other !== wanted
  }
  assert.equal(one.pick({ tried: [], rejects, repicks: 10 }), wanted)
  asked = 0
  assert.ok(one.pick({ tried: [], rejects: () => true, repicks: 2 }))
  assert.ok(asked <= 10)
})

test('a new balancer goes on where the old one was if the endpoints of a priority are the same', () => {
  const first = many('a', 4)
  const other = endpoint('b', { priority: 1 })
  const made = parts({})
  const before = new LoadBalancer(made, [...first, other])
  const met = [before.pick({ tried: [] }), before.pick({ tried: [] })]
  other.health.mark('failedActive', true, 0)
  const now = new LoadBalancer(made, [...first, other], before)
  met.push(now.pick({ tried: [] }), now.pick({ tried: [] }))
  assert.equal(new Set(met).size, 4)
})
