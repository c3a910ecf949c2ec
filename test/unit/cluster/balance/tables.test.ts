import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Balancing } from '../../../../src/config/model/cluster.ts'
import { sharesOf } from '../../../../src/cluster/balance/localities.ts'
import { Maglev } from '../../../../src/cluster/balance/maglev.ts'
import type { Picker, Share } from '../../../../src/cluster/balance/picker.ts'
import { RingHash } from '../../../../src/cluster/balance/ring-hash.ts'
import type { Endpoint } from '../../../../src/cluster/endpoint.ts'
import { xxHash64OfLatin1 } from '../../../../src/core/hash/xx-hash.ts'
import { mulberry32 } from '../../../support/random.ts'
import { endpoint } from '../build.ts'

const RING: Extract<Balancing, { kind: 'ring-hash' }> = {
  kind: 'ring-hash',
  minimumRingSize: 1024,
  maximumRingSize: 8_388_608,
  hash: 'xxhash',
}

function shares(endpoints: readonly Endpoint[], localityWeighted = false): readonly [Share, ...Share[]] {
  const [first, ...others] = sharesOf(endpoints, localityWeighted)
  assert.ok(first)
  return [first, ...others]
}

const ring = (endpoints: readonly Endpoint[], more: Partial<typeof RING> = {}) =>
  new RingHash(shares(endpoints), { ...RING, ...more }, mulberry32(1))
const maglev = (endpoints: readonly Endpoint[], tableSize = 65_537) =>
  new Maglev(shares(endpoints), tableSize, mulberry32(1))

const ten = Array.from({ length: 10 }, (_, i) => endpoint(`10.0.0.${i + 1}`))
const keys = Array.from({ length: 10_000 }, (_, i) => xxHash64OfLatin1(`client ${i}`))

const TABLES: readonly (readonly [name: string, make: (endpoints: readonly Endpoint[]) => Picker])[] = [
  ['ring hash', (endpoints) => ring(endpoints)],
  ['ring hash with murmur', (endpoints) => ring(endpoints, { hash: 'murmur2' })],
  ['maglev', (endpoints) => maglev(endpoints)],
]

for (const [name, make] of TABLES) {
  test(`${name}: a key belongs to the same endpoint in every table of the same endpoints`, () => {
    const [one, other] = [make(ten), make([...ten].reverse())]
    for (const key of keys.slice(0, 1000)) assert.equal(one.pick(key), other.pick(key))
  })

  test(`${name}: when one of ten leaves, its tenth of the keys moves and hardly another`, () => {
    const gone = ten[3]
    const before = make(ten)
    const after = make(ten.filter((one) => one !== gone))
    let [moved, movedOfOthers] = [0, 0]
    for (const key of keys) {
      const owner = before.pick(key)
      if (owner === after.pick(key)) continue
      moved++
      if (owner !== gone) movedOfOthers++
    }
    // A ring gives every endpoint a few places more when there are fewer: those keys move too, as in Envoy.
    assert.ok(moved > 500 && moved < 2300, String(moved))
    assert.ok(movedOfOthers < 1000, String(movedOfOthers))
  })

  test(`${name}: keys spread over the endpoints`, () => {
    const picker = make(ten)
    for (const one of ten) {
      const count = keys.filter((key) => picker.pick(key) === one).length
      assert.ok(count > 500 && count < 1700, `${one.text}: ${count}`)
    }
  })

  test(`${name}: an endpoint of weight 3 has three times the keys`, () => {
    const [light, heavy] = [endpoint('10.0.0.1'), endpoint('10.0.0.2', { weight: 3 })]
    const picker = make([light, heavy])
    const count = keys.filter((key) => picker.pick(key) === heavy).length
    assert.ok(count > 6700 && count < 8300, String(count))
  })

  test(`${name}: a request without a hash goes anywhere`, () => {
    const picker = make(ten)
    const met = new Set(Array.from({ length: 300 }, () => picker.pick()))
    assert.equal(met.size, 10)
  })

  test(`${name}: another attempt looks elsewhere`, () => {
    const picker = make(ten)
    const met = new Set(Array.from({ length: 8 }, (_, attempt) => picker.pick(keys[0], attempt)))
    assert.ok(met.size > 1)
  })
}

test('the places of a ring are the hashes of address_0, address_1, …, and a key belongs to the next one', () => {
  const [one, two] = [endpoint('10.0.0.1'), endpoint('10.0.0.2')]
  const picker = ring([one, two], { minimumRingSize: 6 })
  assert.deepEqual(picker.size, { size: 6, minHashesPerHost: 3, maxHashesPerHost: 3 })
  const places = [one, two]
    .flatMap((owner) => [0, 1, 2].map((i) => ({ owner, hash: xxHash64OfLatin1(`${owner.text}_${i}`) })))
    .sort((left, right) => (left.hash < right.hash ? -1 : 1))
  for (const [index, { owner, hash }] of places.entries()) {
    assert.equal(picker.pick(hash), owner)
    assert.equal(picker.pick(hash + 1n), places[(index + 1) % places.length]?.owner)
  }
  assert.equal(picker.pick(0n), places[0]?.owner)
  assert.equal(picker.pick(0xffffffffffffffffn), places[0]?.owner)
})

test('a ring is as large as the lightest endpoint needs for a whole place, and never larger than the largest', () => {
  assert.equal(ring(ten.slice(0, 3)).size.size, 1026)
  const uneven = [endpoint('10.0.0.1', { weight: 1 }), endpoint('10.0.0.2', { weight: 9999 })]
  assert.deepEqual(ring(uneven).size, { size: 10_000, minHashesPerHost: 1, maxHashesPerHost: 9999 })
  const four = ten.slice(0, 4)
  assert.deepEqual(ring(four, { minimumRingSize: 6, maximumRingSize: 6 }).size, {
    size: 6,
    minHashesPerHost: 1,
    maxHashesPerHost: 2,
  })
})

test('every entry of a maglev table has an owner, in proportion to the weights', () => {
  const uneven = [endpoint('10.0.0.1', { weight: 1 }), endpoint('10.0.0.2', { weight: 3 })]
  assert.deepEqual(maglev(uneven, 11).spread, { minEntriesPerHost: 3, maxEntriesPerHost: 8 })
  assert.deepEqual(maglev(ten).spread, { minEntriesPerHost: 6553, maxEntriesPerHost: 6554 })
})

test('with locality weights the localities share first', () => {
  const at = (zone: string, host: string, localityWeight?: number) =>
    endpoint(host, { locality: { region: '', zone, subZone: '' }, ...(localityWeight && { localityWeight }) })
  const parts = sharesOf([at('x', 'a', 1), at('y', 'b', 3), at('y', 'c', 3), at('z', 'd')], true)
  assert.deepEqual(
    parts.map(({ endpoint: one, part }) => [one.text, part]),
    [
      ['a:80', 0.25],
      ['b:80', 0.375],
      ['c:80', 0.375],
    ],
  )
})
