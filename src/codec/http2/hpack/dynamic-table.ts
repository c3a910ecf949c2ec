// The dynamic table of RFC 7541 §2.3.2 and §4: a first-in, first-out ring whose newest entry has index 1.

import type { HpackField } from './field.ts'

/** RFC 9113 §6.5.2: the table size both sides start with. */
export const DEFAULT_TABLE_SIZE = 4096

/** The decoder's half: fields by index, evicted by size. */
export class DynamicTable {
  /** Sum of the entries' sizes in bytes (§4.1). */
  size = 0
  /** Number of entries. */
  count = 0
  #maxSize: number
  // A ring whose length is a power of two; `#newest` is the slot of index 1.
  #ring: (HpackField | undefined)[] = new Array<HpackField | undefined>(16).fill(undefined)
  #newest = 0

  constructor(maxSize: number) {
    this.#maxSize = maxSize
  }

  get maxSize(): number {
    return this.#maxSize
  }

  /** The entry at `index`, 1 being the newest; undefined beyond the table. */
  at(index: number): HpackField | undefined {
    if (index < 1 || index > this.count) return undefined
    return this.#ring[(this.#newest - index + 1) & (this.#ring.length - 1)]
  }

  /** Adds a field, evicting old ones; one that is larger than the table empties it (§4.4). */
  add(field: HpackField): void {
    const size = field.tableSize
    this.#evictTo(this.#maxSize - size)
    if (size > this.#maxSize) return
    if (this.count === this.#ring.length) this.#grow()
    this.#newest = (this.#newest + 1) & (this.#ring.length - 1)
    this.#ring[this.#newest] = field
    this.count++
    this.size += size
  }

  /** §4.3: a smaller size evicts at once. */
  resize(maxSize: number): void {
    this.#maxSize = maxSize
    this.#evictTo(maxSize)
  }

  #evictTo(size: number): void {
    while (this.size > size && this.count > 0) {
      const slot = (this.#newest - this.count + 1) & (this.#ring.length - 1)
      this.size -= this.#ring[slot]?.tableSize ?? 0
      this.#ring[slot] = undefined
      this.count--
    }
  }

  #grow(): void {
    const larger = new Array<HpackField | undefined>(this.#ring.length * 2).fill(undefined)
    for (let index = this.count; index >= 1; index--) larger[this.count - index] = this.at(index)
    this.#newest = this.count - 1
    this.#ring = larger
  }
}
