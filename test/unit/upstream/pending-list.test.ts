import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PendingList, type Waiting } from '../../../src/upstream/pending-list.ts'

class Item implements Waiting<Item> {
  before: Item | undefined
  behind: Item | undefined
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

const names = (list: PendingList<Item>): string =>
  list
    .snapshot()
    .map(({ name }) => name)
    .join('')

describe('a list of waiting requests', () => {
  it('keeps the order they came in, whichever leaves', () => {
    const list = new PendingList<Item>()
    const [a, b, c, d] = [new Item('a'), new Item('b'), new Item('c'), new Item('d')]
    for (const item of [a, b, c, d]) list.add(item)
    list.delete(b)
    assert.equal(names(list), 'acd')
    list.delete(a)
    list.delete(d)
    assert.equal(names(list), 'c')
    list.add(b)
    assert.equal(names(list), 'cb')
    assert.equal(list.size, 2)
    assert.equal(list.first, c)
  })

  it('is empty again, and what left points nowhere', () => {
    const list = new PendingList<Item>()
    const [a, b] = [new Item('a'), new Item('b')]
    list.add(a)
    list.add(b)
    list.delete(a)
    list.delete(b)
    assert.deepEqual([list.size, list.first, names(list)], [0, undefined, ''])
    assert.deepEqual([a.before, a.behind, b.before, b.behind], [undefined, undefined, undefined, undefined])
  })
})
