// LEAST_REQUEST: of a few endpoints drawn by chance, the one with the fewest requests under way. An open tunnel is a
// request under way for as long as it lives, so long-lived connections spread over the endpoints.

import type { Random } from '../../core/random.ts'
import type { Endpoint } from '../endpoint.ts'
import { type Candidates, evenWeights, type Picker } from './picker.ts'

export class LeastRequest implements Picker {
  readonly #endpoints: Candidates
  readonly #choices: number
  readonly #bias: number
  readonly #random: Random
  /** Sums of weights up to each endpoint; undefined when all weigh the same. */
  readonly #sums: Float64Array | undefined

  /** `bias`: exponent of the active count; 0 leaves only the weights to decide. */
  constructor(endpoints: Candidates, choices: number, bias: number, random: Random) {
    this.#endpoints = endpoints
    this.#choices = choices
    this.#bias = bias
    this.#random = random
    this.#sums = evenWeights(endpoints) ? undefined : weightSums(endpoints)
  }

  pick(): Endpoint {
    let best = this.#draw()
    if (this.#bias === 0) return best
    let least = this.#load(best)
    for (let i = 1; i < this.#choices; i++) {
      const other = this.#draw()
      const load = this.#load(other)
      // On a tie the first one drawn stays, so that idle endpoints are chosen by weight.
      if (load >= least) continue
      best = other
      least = load
    }
    return best
  }

  #load(endpoint: Endpoint): number {
    const { rqActive } = endpoint.stats
    return (this.#bias === 1 ? rqActive : rqActive ** this.#bias) / endpoint.config.weight
  }

  /** By chance, proportionally to weight. */
  #draw(): Endpoint {
    const endpoints = this.#endpoints
    const sums = this.#sums
    if (sums === undefined) return endpoints[Math.floor(this.#random() * endpoints.length)] ?? endpoints[0]
    return endpoints[firstAbove(sums, this.#random() * (sums.at(-1) ?? 0))] ?? endpoints[0]
  }
}

function weightSums(endpoints: Candidates): Float64Array {
  const sums = new Float64Array(endpoints.length)
  let sum = 0
  for (const [i, endpoint] of endpoints.entries()) {
    sum += endpoint.config.weight
    sums[i] = sum
  }
  return sums
}

/** Index of the first sum that is greater than `value`; binary search. */
function firstAbove(sums: Float64Array, value: number): number {
  let low = 0
  let high = sums.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sums[middle] ?? 0) > value) high = middle
    else low = middle + 1
  }
  return low
}
