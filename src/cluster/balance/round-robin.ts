// ROUND_ROBIN: every endpoint in turn, as often as its weight says, spread evenly instead of in bursts.

import type { Random } from '../../core/random.ts'
import type { Balancing, SlowStart } from '../../config/model/balancing.ts'
import type { Endpoint } from '../endpoint.ts'
import { EdfQueue } from './edf-queue.ts'
import { type Candidates, evenWeights, type Picker, type PickerTools } from './picker.ts'
import { slowStartFactor } from './slow-start.ts'

type RoundRobinBalancing = Extract<Balancing, { kind: 'round-robin' }>

/** The picker; unless told to begin with the first it starts anywhere, so that many proxies do not begin with the same. */
export function roundRobin(
  endpoints: Candidates,
  { slowStart, fromFirst }: RoundRobinBalancing,
  tools: PickerTools,
): Picker {
  if (slowStart !== undefined) return new SlowRoundRobin(endpoints, slowStart, tools)
  const random: Random = fromFirst === true ? () => 0 : tools.random
  return evenWeights(endpoints) ? new EvenRoundRobin(endpoints, random) : new SmoothRoundRobin(endpoints, random)
}

class EvenRoundRobin implements Picker {
  readonly #endpoints: Candidates
  #next: number

  constructor(endpoints: Candidates, random: Random) {
    this.#endpoints = endpoints
    this.#next = Math.floor(random() * endpoints.length)
  }

  pick(): Endpoint {
    const endpoint = this.#endpoints[this.#next] ?? this.#endpoints[0]
    this.#next = (this.#next + 1) % this.#endpoints.length
    return endpoint
  }
}

/**
 * Smooth weighted round robin: each turn every endpoint gains its weight, the richest is chosen and pays the sum. Weights
 * 5, 1, 1 give a a b a c a a rather than a a a a a b c. Linear in the number of endpoints.
 */
class SmoothRoundRobin implements Picker {
  readonly #endpoints: Candidates
  readonly #credit: Float64Array
  readonly #total: number

  constructor(endpoints: Candidates, random: Random) {
    this.#endpoints = endpoints
    this.#credit = new Float64Array(endpoints.length)
    this.#total = endpoints.reduce((sum, endpoint) => sum + endpoint.config.weight, 0)
    // Some turns ahead, but never as many as would make a large table slow to build.
    for (let turn = Math.floor(random() * Math.min(endpoints.length, 64)); turn > 0; turn--) this.pick()
  }

  pick(): Endpoint {
    const credit = this.#credit
    let chosen = this.#endpoints[0]
    let best = -1
    let most = -Infinity
    for (let i = 0; i < credit.length; i++) {
      const endpoint = this.#endpoints[i]
      if (endpoint === undefined) continue
      const now = (credit[i] ?? 0) + endpoint.config.weight
      credit[i] = now
      if (now <= most) continue
      most = now
      best = i
      chosen = endpoint
    }
    credit[best] = most - this.#total
    return chosen
  }
}

/** Weights that grow while endpoints are in slow start. */
class SlowRoundRobin implements Picker {
  readonly #first: Endpoint
  readonly #queue: EdfQueue<Endpoint>

  constructor(endpoints: Candidates, slowStart: SlowStart, { now, random }: PickerTools) {
    this.#first = endpoints[0]
    const weight = (endpoint: Endpoint): number => endpoint.config.weight * slowStartFactor(slowStart, endpoint, now())
    this.#queue = new EdfQueue(endpoints, weight)
    for (let turn = Math.floor(random() * Math.min(endpoints.length, 64)); turn > 0; turn--) this.#queue.pick()
  }

  pick(): Endpoint {
    return this.#queue.pick() ?? this.#first
  }
}
