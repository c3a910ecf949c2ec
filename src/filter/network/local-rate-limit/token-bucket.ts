// A token bucket on the injected clock: full at first, filled evenly over time, as Envoy's since 1.31.

import type { Clock } from '../../../core/clock.ts'

export interface TokenBucketLimits {
  readonly maxTokens: number
  readonly tokensPerFill: number
  readonly fillIntervalMs: number
}

export class TokenBucket {
  readonly #clock: Clock
  readonly #maxTokens: number
  readonly #tokensPerMs: number
  #tokens: number
  #filledMs: number

  constructor({ maxTokens, tokensPerFill, fillIntervalMs }: TokenBucketLimits, clock: Clock) {
    this.#clock = clock
    this.#maxTokens = maxTokens
    this.#tokensPerMs = tokensPerFill / fillIntervalMs
    this.#tokens = maxTokens
    this.#filledMs = clock.now()
  }

  /** Takes one token; false when there is none. */
  take(): boolean {
    const now = this.#clock.now()
    this.#tokens = Math.min(this.#maxTokens, this.#tokens + (now - this.#filledMs) * this.#tokensPerMs)
    this.#filledMs = now
    // Sums of fractions come out a hair below the whole.
    if (this.#tokens < 1 - 1e-9) return false
    this.#tokens = Math.max(0, this.#tokens - 1)
    return true
  }
}
