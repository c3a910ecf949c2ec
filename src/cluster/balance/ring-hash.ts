// RING_HASH: endpoints have many places on a ring of 64-bit hashes in proportion to their weights, and a request belongs to
// the first place at or after its own hash (ketama). Places are Envoy's: the hash of `address_0`, `address_1`, …

import { murmurHash64 } from '../../core/hash/murmur-hash.ts'
import { xxHash64 } from '../../core/hash/xx-hash.ts'
import type { Random } from '../../core/random.ts'
import type { Balancing } from '../../config/model/balancing.ts'
import type { Endpoint } from '../endpoint.ts'
import { type Picker, randomHash, type Share } from './picker.ts'

/** How big a ring turned out. Envoy: `ring_hash_lb.*`. */
export interface RingSize {
  readonly size: number
  readonly minHashesPerHost: number
  readonly maxHashesPerHost: number
}

type Config = Extract<Balancing, { kind: 'ring-hash' }>

export class RingHash implements Picker {
  readonly size: RingSize
  readonly #random: Random
  /** In ascending order, and whose they are. */
  readonly #hashes: BigUint64Array
  readonly #owners: readonly Endpoint[]
  readonly #fallback: Endpoint

  constructor(shares: readonly [Share, ...Share[]], config: Config, random: Random) {
    const { places, size } = placesOf(shares, config)
    places.sort((one, other) => (one.hash < other.hash ? -1 : one.hash > other.hash ? 1 : 0))
    this.size = size
    this.#random = random
    this.#hashes = BigUint64Array.from(places, ({ hash }) => hash)
    this.#owners = places.map(({ endpoint }) => endpoint)
    this.#fallback = shares[0].endpoint
  }

  pick(hash = randomHash(this.#random), attempt = 0): Endpoint {
    return this.#owners[(this.#find(hash) + attempt) % this.#owners.length] ?? this.#fallback
  }

  /** The first place at or after `hash`; past the last one comes the first. */
  #find(hash: bigint): number {
    const hashes = this.#hashes
    let low = 0
    let high = hashes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((hashes[middle] ?? 0n) < hash) low = middle + 1
      else high = middle
    }
    return low === hashes.length ? 0 : low
  }
}

interface RingPlace {
  readonly hash: bigint
  readonly endpoint: Endpoint
}

/**
 * The lightest endpoint gets a whole number of places and the ring at least the smallest size, unless that makes it larger
 * than the largest: then the parts of places that are left over are carried from one endpoint to the next.
 */
function placesOf(
  shares: readonly [Share, ...Share[]],
  config: Config,
): { readonly places: RingPlace[]; readonly size: RingSize } {
  const least = shares.reduce((part, share) => Math.min(part, share.part), 1)
  const scale = Math.min(Math.ceil(least * config.minimumRingSize) / least, config.maximumRingSize)
  const places: RingPlace[] = []
  let [minimum, maximum, target] = [Infinity, 0, 0]
  for (const { endpoint, part } of shares) {
    target += scale * part
    const before = places.length
    while (places.length < target) {
      const hash = hashOf(`${endpoint.text}_${places.length - before}`, config.hash)
      places.push({ hash, endpoint })
    }
    minimum = Math.min(minimum, places.length - before)
    maximum = Math.max(maximum, places.length - before)
  }
  return { places, size: { size: Math.ceil(scale), minHashesPerHost: minimum, maxHashesPerHost: maximum } }
}

function hashOf(text: string, hash: Config['hash']): bigint {
  const bytes = Buffer.from(text, 'latin1')
  return hash === 'xxhash' ? xxHash64(bytes) : murmurHash64(bytes)
}
