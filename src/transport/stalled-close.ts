// A closed stream sends what is queued before its socket goes. A peer that takes nothing would keep both for ever, as TCP
// itself waits without end for a closed window: when no byte leaves for a while, the socket is reset.

import { systemClock } from '../core/clock.ts'
import { type Deadline, TimerWheel } from '../core/timer-wheel.ts'
import type { CloseCause } from '../core/close-cause.ts'

/**
 * Milliseconds without progress after which a closed stream gives up what is queued. Long, because the system takes more
 * only when its own buffer of some megabytes has emptied by a third: a slow reader looks like one that stopped.
 */
export const STALLED_CLOSE_MS = 60_000

/** A stream that was closed and still sends. */
export interface Closing {
  readonly queuedBytes: number
  readonly closed: CloseCause | undefined
  reset(cause: CloseCause): void
}

// Not injected, as in linger.ts: nothing is observable but the socket's end.
const wheel = new TimerWheel(systemClock)

/** Resets `stream` when its queue has stopped to shrink; the answer ends the watch. */
export function resetWhenStalled(stream: Closing, stallMs = STALLED_CLOSE_MS): { cancel(): void } {
  return new Watch(stream, stallMs)
}

class Watch {
  readonly #stream: Closing
  readonly #stallMs: number
  #queuedBytes: number
  #deadline: Deadline

  constructor(stream: Closing, stallMs: number) {
    this.#stream = stream
    this.#stallMs = stallMs
    this.#queuedBytes = stream.queuedBytes
    this.#deadline = this.#arm()
  }

  cancel(): void {
    this.#deadline.cancel()
  }

  #arm(): Deadline {
    return wheel.arm(this.#stallMs, () => this.#look())
  }

  #look(): void {
    const { queuedBytes, closed } = this.#stream
    if (closed === undefined || queuedBytes === 0) return
    if (queuedBytes >= this.#queuedBytes) return this.#stream.reset(closed)
    this.#queuedBytes = queuedBytes
    this.#deadline = this.#arm()
  }
}
