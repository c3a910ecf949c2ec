// The table of open streams does what a Map does, whatever the order of ids.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamTable } from '../../../../src/codec/http2/stream-table.ts'

interface Item {
  readonly id: number
}

/** Ids as connections have them, and ids that fall into the same slots. */
const ids = fc.oneof(
  fc.integer({ min: 0, max: 60 }).map((n) => 2 * n + 1),
  fc.integer({ min: 0, max: 60 }).map((n) => 2048 * n + 1),
  fc.integer({ min: 0, max: 60 }).map((n) => 0x7fff_ffff - 2 * n),
)

test('adds, finds and removes as a Map does', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ id: ids, add: fc.boolean() }), { maxLength: 400 }), (steps) => {
      const table = new StreamTable<Item>()
      const map = new Map<number, Item>()
      for (const { id, add } of steps) {
        if (add && !map.has(id)) {
          const item = { id }
          table.add(item)
          map.set(id, item)
        } else if (!add) {
          assert.equal(table.delete(id), map.delete(id))
        }
        assert.equal(table.size, map.size)
        assert.equal(table.get(id), map.get(id))
      }
      for (const [id, item] of map) assert.equal(table.get(id), item)
      const byId = (a: Item, b: Item): number => a.id - b.id
      assert.deepEqual(table.snapshot().sort(byId), [...map.values()].sort(byId))
    }),
    { numRuns: 300 },
  )
})

test('a long life with a few old streams stays small', () => {
  const table = new StreamTable<Item>()
  for (let i = 0; i < 10; i++) table.add({ id: 2 * i + 1 })
  for (let id = 1001; id < 100_001; id += 2) {
    table.add({ id })
    assert.equal(table.delete(id), true)
  }
  assert.equal(table.size, 10)
  for (let i = 0; i < 10; i++) assert.equal(table.get(2 * i + 1)?.id, 2 * i + 1)
})
