import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inDialOrder } from '../../../../src/cluster/discovery/address-order.ts'
import { type Address, addressText } from '../../../../src/config/model/address.ts'
import type { AddressOrder } from '../../../../src/config/model/cluster.ts'
import { socket } from '../build.ts'

const FOUR = ['1.1.1.1', '1.1.1.2', '1.1.1.3'].map((host) => socket(host, 80))
const SIX = ['fd00::1', 'fd00::2'].map((host) => socket(host, 80))

const CASES: readonly { name: string; addresses: readonly Address[]; order?: AddressOrder; sorted: string }[] = [
  { name: 'the families in turns, that of the best first', addresses: [...FOUR, ...SIX], sorted: '4 6 4 6 4' },
  { name: 'the other family first when it is the best', addresses: [...SIX, ...FOUR], sorted: '6 4 6 4 4' },
  {
    name: 'the family that is asked for',
    addresses: [...FOUR, ...SIX],
    order: { first: 6, count: 1 },
    sorted: '6 4 6 4 4',
  },
  {
    name: 'so many of the first family',
    addresses: [...SIX, ...FOUR],
    order: { first: 4, count: 2 },
    sorted: '4 4 6 4 6',
  },
  { name: 'one family as it came', addresses: FOUR, order: { first: 6, count: 1 }, sorted: '4 4 4' },
]

for (const { name, addresses, order, sorted } of CASES) {
  test(`addresses are dialled: ${name}`, () => {
    const [best, ...others] = addresses
    assert.ok(best !== undefined)
    const result = inDialOrder([best, ...others], order)
    assert.equal(result.map((address) => (addressText(address).startsWith('[') ? '6' : '4')).join(' '), sorted)
    // The order within a family stays.
    for (const family of [FOUR, SIX]) {
      const kept = result.filter((address) => family.includes(address))
      assert.deepEqual(
        kept,
        family.filter((address) => addresses.includes(address)),
      )
    }
  })
}
