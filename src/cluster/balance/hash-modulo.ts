// The hash modulo the number of endpoints, in the order of the configuration. Easegress: ipHash, headerHash, cookieHash. When
// one endpoint comes or goes nearly every client moves: ring hash and Maglev are there for those who mind.

import type { Random } from '../../core/random.ts'
import type { Endpoint } from '../endpoint.ts'
import { type Candidates, type Picker, randomHash } from './picker.ts'

export class HashModulo implements Picker {
  readonly #endpoints: Candidates
  readonly #random: Random

  constructor(endpoints: Candidates, random: Random) {
    this.#endpoints = endpoints
    this.#random = random
  }

  pick(hash = randomHash(this.#random), attempt = 0): Endpoint {
    const index = Number((hash + BigInt(attempt)) % BigInt(this.#endpoints.length))
    return this.#endpoints[index] ?? this.#endpoints[0]
  }
}
