// RANDOM: any endpoint, each as likely as the other. As in Envoy, weights do not count.

import type { Random } from '../../core/random.ts'
import type { Endpoint } from '../endpoint.ts'
import type { Candidates, Picker } from './picker.ts'

export class RandomPicker implements Picker {
  readonly #endpoints: Candidates
  readonly #random: Random

  constructor(endpoints: Candidates, random: Random) {
    this.#endpoints = endpoints
    this.#random = random
  }

  pick(): Endpoint {
    return this.#endpoints[Math.floor(this.#random() * this.#endpoints.length)] ?? this.#endpoints[0]
  }
}
