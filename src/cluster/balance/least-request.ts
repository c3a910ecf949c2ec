// LEAST_REQUEST: of a few endpoints drawn by chance, the one with the fewest requests under way. An open tunnel is a
// request under way for as long as it lives, so long-lived connections spread over the endpoints.

import type { Random } from '../../core/random.ts'
import type { Balancing, SlowStart } from '../../config/model/balancing.ts'
import type { Endpoint } from '../endpoint.ts'
import { type Candidates, evenWeights, type Picker, type PickerTools } from './picker.ts'
import { slowStartFactor } from './slow-start.ts'
import { drawIndex, weightSums } from './weight-sums.ts'

/** Draws that are thrown away for an endpoint that is starting slowly. */
const SLOW_DRAWS = 16

export class LeastRequest implements Picker {
  readonly #endpoints: Candidates
  readonly #choices: number
  readonly #bias: number
  readonly #slowStart: SlowStart | undefined
  readonly #random: Random
  readonly #now: () => number
  /** Sums of weights up to each endpoint; undefined when all weigh the same. */
  readonly #sums: Float64Array | undefined

  constructor(
    endpoints: Candidates,
    config: Omit<Extract<Balancing, { kind: 'least-request' }>, 'kind'>,
    { random, now }: PickerTools,
  ) {
    this.#endpoints = endpoints
    this.#choices = config.choices
    this.#bias = config.activeRequestBias
    this.#slowStart = config.slowStart
    this.#random = random
    this.#now = now
    this.#sums = evenWeights(endpoints) ? undefined : weightSums(endpoints.map((endpoint) => endpoint.config.weight))
  }

  pick(): Endpoint {
    let best = this.#draw()
    // Without a bias only the weights decide.
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
    return (this.#bias === 1 ? rqActive : rqActive ** this.#bias) / (endpoint.config.weight * this.#factor(endpoint))
  }

  #factor(endpoint: Endpoint): number {
    return this.#slowStart === undefined ? 1 : slowStartFactor(this.#slowStart, endpoint, this.#now())
  }

  /** By chance, proportionally to weight; one that is starting slowly is passed over as often as it is light. */
  #draw(): Endpoint {
    let drawn = this.#any()
    if (this.#slowStart === undefined) return drawn
    for (let i = 0; i < SLOW_DRAWS && this.#random() >= this.#factor(drawn); i++) drawn = this.#any()
    return drawn
  }

  #any(): Endpoint {
    const endpoints = this.#endpoints
    const random = this.#random()
    const index = this.#sums === undefined ? Math.floor(random * endpoints.length) : drawIndex(this.#sums, random)
    return endpoints[index] ?? endpoints[0]
  }
}
