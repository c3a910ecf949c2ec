// Chances in proportion to the weights. Easegress: weightedRandom.

import type { Random } from '../../core/random.ts'
import type { Endpoint } from '../endpoint.ts'
import type { Candidates, Picker } from './picker.ts'
import { drawIndex, weightSums } from './weight-sums.ts'

export class WeightedRandom implements Picker {
  readonly #endpoints: Candidates
  readonly #sums: Float64Array
  readonly #random: Random

  constructor(endpoints: Candidates, random: Random) {
    this.#endpoints = endpoints
    this.#sums = weightSums(endpoints.map(({ config }) => config.weight))
    this.#random = random
  }

  pick(): Endpoint {
    return this.#endpoints[drawIndex(this.#sums, this.#random())] ?? this.#endpoints[0]
  }
}
