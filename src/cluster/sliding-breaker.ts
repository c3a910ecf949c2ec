// The circuit breaker that Easegress knows (resilience kind CircuitBreaker; easegress.md §9): it counts how the last calls
// went, by number or by time, and refuses calls for a while when too many of them failed or were slow. The clock is given,
// and nothing runs between calls.

import type { Clock } from '../core/clock.ts'
import type { SlidingBreaker as Config } from '../config/model/retry.ts'
import { placeHint } from '../config/model/place.ts'
import { type CallWindow, callWindow } from './call-window.ts'

export type BreakerState = 'closed' | 'open' | 'half-open'

export class SlidingBreaker {
  readonly config: Config
  readonly #clock: Clock
  #window: CallWindow
  #state: BreakerState = 'closed'
  /** Clock time of the last change of state. */
  #sinceMs: number
  /** Calls let through since it is half-open. */
  #trials = 0
  /** Distinguishes calls that began before the last change of state: their results no longer count. */
  #generation = 0

  constructor(config: Config, clock: Clock) {
    this.config = config
    this.#clock = clock
    this.#window = callWindow(config.window)
    this.#sinceMs = clock.now()
  }

  get state(): BreakerState {
    return this.#state
  }

  /** Milliseconds until calls may be let through again, for Retry-After; undefined unless it is open. */
  get opensInMs(): number | undefined {
    if (this.#state !== 'open') return undefined
    return Math.max(0, this.#sinceMs + this.config.waitInOpenMs - this.#clock.now())
  }

  /**
   * Asks to make a call. A number is the permission, and goes back with its `result` or `cancel`; a text says why the call
   * must not be made, with the limit and its place.
   */
  tryAcquire(): number | string {
    const now = this.#clock.now()
    if (this.#state === 'open') {
      if (now - this.#sinceMs < this.config.waitInOpenMs) return this.#refusal('is open')
      this.#enter('half-open', now)
    }
    if (this.#state === 'half-open') {
      const { maxWaitInHalfOpenMs, permittedInHalfOpen } = this.config
      if (maxWaitInHalfOpenMs > 0 && now - this.#sinceMs >= maxWaitInHalfOpenMs) {
        this.#enter('open', now)
        return this.#refusal('is open again: its trial calls did not end in time')
      }
      if (this.#trials >= permittedInHalfOpen)
        return this.#refusal(`is half-open and waits for its ${permittedInHalfOpen} trial calls`)
      this.#trials++
    }
    return this.#generation
  }

  /** How a call went that was let through; `permission` is what `tryAcquire` gave. */
  result(permission: number, ok: boolean, durationMs: number): void {
    if (permission !== this.#generation) return
    const now = this.#clock.now()
    this.#window.add(now, !ok, durationMs >= this.config.slowCallMs)
    if (this.#state === 'open') return
    const needed = this.#state === 'closed' ? this.config.minimumCalls : this.config.permittedInHalfOpen
    const { calls, failed, slow } = this.#window.sum(now)
    if (calls < needed) return
    const { failureRateThreshold, slowCallRateThreshold } = this.config
    const bad = failed * 100 >= failureRateThreshold * calls || slow * 100 >= slowCallRateThreshold * calls
    if (bad) this.#enter('open', now)
    else if (this.#state === 'half-open') this.#enter('closed', now)
  }

  /** The call was not made after all: a trial that it took is free again. */
  cancel(permission: number): void {
    if (permission === this.#generation && this.#state === 'half-open') this.#trials--
  }

  #enter(state: BreakerState, now: number): void {
    this.#state = state
    this.#sinceMs = now
    this.#trials = 0
    this.#generation++
    const { window, permittedInHalfOpen } = this.config
    this.#window = callWindow(state === 'half-open' ? { kind: 'count', size: permittedInHalfOpen } : window)
  }

  #refusal(how: string): string {
    const { name, failureRateThreshold, slowCallRateThreshold, slowCallMs, place } = this.config
    return (
      `circuit breaker "${name}" (${placeHint(place)}) ${how}; it opens when ${failureRateThreshold} % of the last calls fail ` +
      `or ${slowCallRateThreshold} % take ${slowCallMs} ms or more`
    )
  }
}
