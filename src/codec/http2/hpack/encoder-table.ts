// What the encoder knows of the peer's dynamic table (RFC 7541 §2.3.2, §4): which values of which names are in it, and when
// they fall out. No map of entries: insertion numbers only grow, and values that come and go would leave dead tables behind
// (see core/dense-set.ts).

import { ENTRY_OVERHEAD } from './field.ts'
import { indexPolicy, type IndexPolicy } from './index-policy.ts'
import { STATIC_COUNT, STATIC_NAMES, STATIC_PAIRS } from './static-table.ts'

/** What is known of one field name. */
export interface KnownName {
  readonly name: string
  /** Index in the static table; 0 when it is not there. */
  readonly staticIndex: number
  /** Static indices by value; absent when the static table has it with an empty value only, or not at all. */
  readonly staticValues: ReadonlyMap<string, number> | undefined
  readonly policy: IndexPolicy
  /** Values in the table, oldest first, and their insertion numbers; the most recent ones when there are many. */
  readonly values: string[]
  readonly numbers: number[]
  /** Insertion number of the newest entry with this name. It is in the table while it is not under `oldest`. */
  newest: number
  /** Values in a row that were not in a table: such a name is not worth a place in it. */
  misses: number
  /** The value that was found last: an insertion number, or minus its static index; 0 when there is none. */
  lastValue: string
  lastFound: number
}

/** Values of one name that are looked through. */
const MOST_VALUES = 16
/** Names remembered without an entry in the table; longer ones are not remembered. */
const MOST_NAMES = 128
const LONGEST_NAME = 64

export class EncoderTable {
  /** Number of insertions so far, which is the number of the newest entry. */
  inserted = 0
  /** Number of the oldest entry that is still there. */
  oldest = 1
  maxSize: number
  #size = 0
  readonly #names = new Map<string, KnownName>()
  // The entry with number n is in slot n of a ring whose length is a power of two.
  #owners: (KnownName | undefined)[] = new Array<KnownName | undefined>(16).fill(undefined)
  #sizes: number[] = new Array<number>(16).fill(0)

  constructor(maxSize: number) {
    this.maxSize = maxSize
  }

  name(name: string): KnownName {
    return this.#names.get(name) ?? this.#learn(name)
  }

  /** Index of the entry with this number (§2.3.3). */
  indexOf(number: number): number {
    return STATIC_COUNT + this.inserted - number + 1
  }

  /** Index of the name alone; 0 when no table has it. */
  nameIndex(known: KnownName): number {
    if (known.staticIndex > 0) return known.staticIndex
    return known.newest >= this.oldest ? this.indexOf(known.newest) : 0
  }

  /** Index of the whole field; 0 when no table has it. */
  find(known: KnownName, value: string): number {
    if (known.lastFound !== 0 && known.lastValue === value) {
      return known.lastFound < 0 ? -known.lastFound : this.indexOf(known.lastFound)
    }
    if (known.staticValues !== undefined) {
      const fixed = known.staticValues.get(value)
      if (fixed !== undefined) {
        remember(known, value, -fixed)
        return fixed
      }
    } else if (value === '') {
      return known.staticIndex
    }
    const at = known.values.indexOf(value)
    if (at < 0) return 0
    const number = known.numbers[at] ?? 0
    remember(known, value, number)
    return this.indexOf(number)
  }

  /** Adds a field that {@link find} did not find; its size must not be over `maxSize`. */
  insert(known: KnownName, value: string): void {
    const size = known.name.length + value.length + ENTRY_OVERHEAD
    this.#evictTo(this.maxSize - size)
    if (this.inserted - this.oldest + 1 === this.#sizes.length) this.#grow()
    const number = ++this.inserted
    const slot = number & (this.#sizes.length - 1)
    this.#owners[slot] = known
    this.#sizes[slot] = size
    this.#size += size
    known.newest = number
    if (known.values.push(value) > MOST_VALUES) known.values.shift()
    if (known.numbers.push(number) > MOST_VALUES) known.numbers.shift()
    remember(known, value, number)
  }

  /** §4.3 */
  resize(maxSize: number): void {
    this.maxSize = maxSize
    this.#evictTo(maxSize)
  }

  #evictTo(size: number): void {
    while (this.#size > size && this.oldest <= this.inserted) {
      const number = this.oldest++
      const slot = number & (this.#sizes.length - 1)
      this.#size -= this.#sizes[slot] ?? 0
      const known = this.#owners[slot]
      this.#owners[slot] = undefined
      if (known === undefined) continue
      if (known.numbers[0] === number) {
        known.numbers.shift()
        known.values.shift()
      }
      if (known.lastFound === number) remember(known, '', 0)
    }
  }

  #grow(): void {
    const length = this.#sizes.length
    const owners = new Array<KnownName | undefined>(2 * length).fill(undefined)
    const sizes = new Array<number>(2 * length).fill(0)
    for (let number = this.oldest; number <= this.inserted; number++) {
      owners[number & (2 * length - 1)] = this.#owners[number & (length - 1)]
      sizes[number & (2 * length - 1)] = this.#sizes[number & (length - 1)] ?? 0
    }
    this.#owners = owners
    this.#sizes = sizes
  }

  #learn(name: string): KnownName {
    const known: KnownName = {
      name,
      staticIndex: STATIC_NAMES.get(name) ?? 0,
      staticValues: STATIC_PAIRS.get(name),
      policy: indexPolicy(name),
      values: [],
      numbers: [],
      newest: 0,
      misses: 0,
      lastValue: '',
      lastFound: 0,
    }
    if (name.length > LONGEST_NAME) return known
    if (this.#names.size >= MOST_NAMES) this.#forgetNames()
    this.#names.set(name, known)
    return known
  }

  /** Names come from the peer's peer, so their number has a bound: those without an entry are forgotten. */
  #forgetNames(): void {
    for (const [name, known] of this.#names) {
      if (known.staticIndex === 0 && known.numbers.length === 0) this.#names.delete(name)
    }
  }
}

function remember(known: KnownName, value: string, found: number): void {
  known.lastValue = value
  known.lastFound = found
}
