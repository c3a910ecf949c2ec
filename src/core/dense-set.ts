// A set for things that come and go all the time. A Map or Set that churns while it is never empty leaves a dead table
// behind at every rehash, whose entries survive until the next full collection; here removal swaps with the last one and
// leaves nothing behind.

/** A thing that can be in one DenseSet at a time. The set owns the field; -1 = in none. */
export interface DenseItem {
  denseIndex: number
}

/** Unordered set with constant-time add and delete and no garbage. */
export class DenseSet<T extends DenseItem> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  has(item: T): boolean {
    return item.denseIndex >= 0 && this.#items[item.denseIndex] === item
  }

  add(item: T): void {
    if (this.has(item)) return
    item.denseIndex = this.#items.length
    this.#items.push(item)
  }

  /** Tells whether it was there. */
  delete(item: T): boolean {
    if (!this.has(item)) return false
    const last = this.#items.pop()
    if (last !== undefined && last !== item) {
      this.#items[item.denseIndex] = last
      last.denseIndex = item.denseIndex
    }
    item.denseIndex = -1
    return true
  }

  /** A copy, so that the set may change while it is walked. */
  snapshot(): T[] {
    return this.#items.slice()
  }

  /** The live items, in no order; the set must not change meanwhile. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#items[Symbol.iterator]()
  }
}
