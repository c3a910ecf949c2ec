// How long to wait before the next attempt: exponential with full jitter, as Envoy's JitteredExponentialBackOffStrategy.

import type { Random } from './random.ts'

export class JitteredBackoff {
  readonly #maxMs: number
  readonly #random: Random
  #intervalMs: number

  /** `baseMs` ≥ 1. */
  constructor({ baseMs, maxMs }: { readonly baseMs: number; readonly maxMs: number }, random: Random) {
    this.#intervalMs = baseMs
    this.#maxMs = maxMs
    this.#random = random
  }

  /** Whole milliseconds, anywhere from 0 to below an interval that doubles with each call up to the maximum. */
  nextMs(): number {
    const interval = Math.min(this.#intervalMs, this.#maxMs)
    this.#intervalMs = Math.min(this.#intervalMs * 2, this.#maxMs)
    return Math.floor(this.#random() * interval)
  }
}
