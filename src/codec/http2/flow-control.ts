// Windows of RFC 9113 §5.2 and §6.9, both directions.

import { MAX_WINDOW } from './frame.ts'

/** What a send window is after `increment`, unless that is more than 2^31-1 (§6.9.1). */
export const grownWindow = (window: number, increment: number): number | typeof WINDOW_OVERFLOW =>
  window + increment > MAX_WINDOW ? WINDOW_OVERFLOW : window + increment

export const WINDOW_OVERFLOW = 'overflow'

/** The window this side gives to the peer, of one stream or of the connection. */
export class ReceiveWindow {
  /** The size it is topped up to. */
  readonly #size: number
  /** Bytes the peer may still send. */
  #left: number
  /** Bytes that were used up but not yet given back. */
  #used = 0

  /** `left`: what the peer may send before the first update. */
  constructor(size: number, left: number = size) {
    this.#size = size
    this.#left = left
  }

  get left(): number {
    return this.#left
  }

  /** Counts bytes that arrived; false when the peer sent more than it may. */
  take(bytes: number): boolean {
    this.#left -= bytes
    return this.#left >= 0
  }

  /** Counts bytes that left this side's memory. */
  use(bytes: number): void {
    this.#used += bytes
  }

  /** The increment to announce now: 0 until half of the window was used up, so that updates are few. */
  increment(): number {
    const increment = this.#used
    if (increment === 0 || increment * 2 < this.#size) return 0
    this.#used = 0
    this.#left += increment
    return increment
  }
}
