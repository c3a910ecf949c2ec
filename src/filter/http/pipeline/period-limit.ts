// So many permissions per period, and a bounded number of those of the coming periods, given out in advance to whom can
// wait for them.

import type { Clock } from '../../../core/clock.ts'
import type { RateLimitPolicy } from '../../../config/model/pipeline.ts'

export class PeriodLimit {
  readonly #policy: RateLimitPolicy
  readonly #clock: Clock
  readonly #startMs: number
  /** Permissions that may be given out from the beginning of a period, those of coming ones included. */
  readonly #most: number
  #period = 0
  /** Given out since the beginning of `#period`, as far as that period and later ones have to answer for them. */
  #given = 0

  constructor(policy: RateLimitPolicy, clock: Clock) {
    this.#policy = policy
    this.#clock = clock
    this.#startMs = clock.now()
    this.#most = policy.limitForPeriod * (Math.floor(policy.timeoutMs / policy.refreshPeriodMs) + 1)
  }

  /** Takes a permission: how long to wait before it counts, ms; undefined when there is none in time. */
  acquire(): number | undefined {
    const { limitForPeriod, refreshPeriodMs } = this.#policy
    const passedMs = this.#clock.now() - this.#startMs
    const period = Math.floor(passedMs / refreshPeriodMs)
    const given = Math.max(0, this.#given - (period - this.#period) * limitForPeriod)
    if (given >= this.#most) return undefined
    this.#given = given + 1
    this.#period = period
    if (given < limitForPeriod) return 0
    const turn = period + Math.floor(given / limitForPeriod)
    return turn * refreshPeriodMs - passedMs
  }
}
