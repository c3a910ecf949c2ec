// MAGLEV: a table of prime size in which every endpoint owns entries in proportion to its weight; a request goes to the owner
// of the entry `hash mod size`. One lookup, and few entries change hands with the endpoints. Built as Envoy builds it.

import { xxHash64OfLatin1 } from '../../core/hash/xx-hash.ts'
import type { Random } from '../../core/random.ts'
import type { Endpoint } from '../endpoint.ts'
import { type Picker, randomHash, type Share } from './picker.ts'

/** How even a table turned out. Envoy: `maglev_lb.*`. */
export interface MaglevSpread {
  readonly minEntriesPerHost: number
  readonly maxEntriesPerHost: number
}

export class Maglev implements Picker {
  readonly spread: MaglevSpread
  readonly #random: Random
  readonly #endpoints: readonly Endpoint[]
  /** Index of the owner by entry. */
  readonly #table: Int32Array
  readonly #size: bigint
  readonly #fallback: Endpoint

  /** `tableSize` must be a prime: otherwise an endpoint would not get round the whole table. */
  constructor(shares: readonly [Share, ...Share[]], tableSize: number, random: Random) {
    const turns = inOrder(shares).map((share) => new Turn(share, tableSize))
    this.#random = random
    this.#endpoints = turns.map(({ endpoint }) => endpoint)
    this.#table = fill(turns, tableSize)
    this.#size = BigInt(tableSize)
    this.#fallback = shares[0].endpoint
    const counts = turns.map(({ count }) => count)
    this.spread = { minEntriesPerHost: Math.min(...counts), maxEntriesPerHost: Math.max(...counts) }
  }

  pick(hash = randomHash(this.#random), attempt = 0): Endpoint {
    const wanted = attempt === 0 ? hash : hash ^ (MASK - BigInt(attempt) + 1n)
    return this.#endpoints[this.#table[Number(wanted % this.#size)] ?? 0] ?? this.#fallback
  }
}

const MASK = 0xffffffffffffffffn

/** By address, so that all proxies build the same table in whatever order they learnt of the endpoints. */
const inOrder = (shares: readonly Share[]): Share[] =>
  [...shares].sort((one, other) => (one.endpoint.text < other.endpoint.text ? -1 : 1))

/** An endpoint that takes its turns in claiming entries, along a permutation of its own. */
class Turn {
  readonly endpoint: Endpoint
  readonly part: number
  readonly #tableSize: number
  readonly #skip: number
  #at: number
  /** Claims up to this share of the heaviest endpoint's are still to come. */
  target = 0
  count = 0

  constructor({ endpoint, part }: Share, tableSize: number) {
    this.endpoint = endpoint
    this.part = part
    this.#tableSize = tableSize
    this.#at = Number(xxHash64OfLatin1(endpoint.text) % BigInt(tableSize))
    this.#skip = Number(xxHash64OfLatin1(endpoint.text, 1n) % BigInt(tableSize - 1)) + 1
  }

  /** The next free entry of its permutation. */
  claim(table: Int32Array): number {
    while (table[this.#at] !== FREE) this.#step()
    const claimed = this.#at
    this.#step()
    this.count++
    return claimed
  }

  #step(): void {
    this.#at += this.#skip
    if (this.#at >= this.#tableSize) this.#at -= this.#tableSize
  }
}

const FREE = -1

/** The heaviest endpoint claims an entry in every round, one of a third of its weight in every third. */
function fill(turns: readonly Turn[], size: number): Int32Array {
  const table = new Int32Array(size).fill(FREE)
  const heaviest = turns.reduce((part, turn) => Math.max(part, turn.part), 0)
  for (let round = 1, filled = 0; filled < size; round++) {
    for (const [index, turn] of turns.entries()) {
      if (filled === size) break
      if (round * turn.part < turn.target) continue
      turn.target += heaviest
      table[turn.claim(table)] = index
      filled++
    }
  }
  return table
}
