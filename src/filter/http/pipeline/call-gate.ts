// The sliding breaker around a proxy step: asks before the call, tells it how the call went, once.

import type { Clock } from '../../../core/clock.ts'
import type { SlidingBreaker } from '../../../cluster/sliding-breaker.ts'

/** Shared by all calls of a step. */
export class CallGate {
  readonly #breaker: SlidingBreaker
  readonly #clock: Clock

  constructor(breaker: SlidingBreaker, clock: Clock) {
    this.#breaker = breaker
    this.#clock = clock
  }

  /** The call that may be made, or why it may not. */
  enter(): Call | string {
    const permission = this.#breaker.tryAcquire()
    if (typeof permission === 'string') return permission
    return new Call(this.#breaker, permission, this.#clock)
  }

  /** Whether a status counts as a failed call. */
  fails(status: number): boolean {
    return this.#breaker.config.failureStatuses.has(status)
  }
}

/** One call under way. */
export class Call {
  readonly #breaker: SlidingBreaker
  readonly #clock: Clock
  readonly #permission: number
  readonly #startMs: number
  #told = false

  constructor(breaker: SlidingBreaker, permission: number, clock: Clock) {
    this.#breaker = breaker
    this.#clock = clock
    this.#permission = permission
    this.#startMs = clock.now()
  }

  end(ok: boolean): void {
    if (this.#told) return
    this.#told = true
    this.#breaker.result(this.#permission, ok, this.#clock.now() - this.#startMs)
  }

  /** The client left before the call ended: it says nothing about the server. */
  cancel(): void {
    if (this.#told) return
    this.#told = true
    this.#breaker.cancel(this.#permission)
  }
}
