// A clock that tests move by hand; timers fire in order of their time while it moves.

import type { Clock, Timer } from '../../src/core/clock.ts'

interface Waiting {
  readonly at: number
  readonly fire: () => void
}

export class ManualClock implements Clock {
  #nowMs = 0
  readonly #wallStartMs: number
  readonly #timers = new Set<Waiting>()

  constructor(wallStartMs = 1_700_000_000_000) {
    this.#wallStartMs = wallStartMs
  }

  now(): number {
    return this.#nowMs
  }

  wallNow(): number {
    return this.#wallStartMs + this.#nowMs
  }

  after(delayMs: number, fire: () => void): Timer {
    const waiting = { at: this.#nowMs + delayMs, fire }
    this.#timers.add(waiting)
    return { cancel: () => void this.#timers.delete(waiting) }
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size
  }

  /** Milliseconds until the next timer; undefined without one. */
  get nextIn(): number | undefined {
    const next = this.#next()
    return next === undefined ? undefined : next.at - this.#nowMs
  }

  /** Moves time on, firing what becomes due on the way, also timers set meanwhile. */
  advance(ms: number): void {
    const end = this.#nowMs + ms
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      this.#nowMs = Math.max(this.#nowMs, next.at)
      this.#timers.delete(next)
      next.fire()
    }
    this.#nowMs = end
  }

  #next(): Waiting | undefined {
    let first: Waiting | undefined
    for (const timer of this.#timers) if (first === undefined || timer.at < first.at) first = timer
    return first
  }
}
