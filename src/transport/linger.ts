// A socket that is closed while its peer still sends must not go at once: the system would answer those bytes with RST, and
// that destroys the answer the peer has not read yet (RFC 9112 §9.6). So it sends FIN and discards what comes, for a moment.

import { systemClock } from '../core/clock.ts'
import { type Deadline, TimerWheel } from '../core/timer-wheel.ts'

/** Milliseconds that a closed socket goes on discarding when its peer neither sends nor closes. */
export const LINGER_MS = 1000

/** As often it goes on for as long again, when the peer did send: one that does not stop is cut off. */
const LINGERS = 30

/** A socket that was closed and discards. */
export interface Lingering {
  /** Bytes were thrown away since this was last set to false. */
  discarded: boolean
  stopLingering(): void
}

// Not injected: it outlives whoever closed the stream and nothing is observable but the socket's end.
const wheel = new TimerWheel(systemClock)

/** Calls `stopLingering` when the time is over; the answer ends the wait. */
export function linger(stream: Lingering): { cancel(): void } {
  return new Wait(stream)
}

class Wait {
  readonly #stream: Lingering
  #left = LINGERS
  #deadline: Deadline

  constructor(stream: Lingering) {
    this.#stream = stream
    this.#deadline = this.#arm()
  }

  cancel(): void {
    this.#deadline.cancel()
  }

  #arm(): Deadline {
    this.#stream.discarded = false
    return wheel.arm(LINGER_MS, () => this.#look())
  }

  #look(): void {
    if (!this.#stream.discarded || --this.#left === 0) return this.#stream.stopLingering()
    this.#deadline = this.#arm()
  }
}
