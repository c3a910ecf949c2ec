// A socket that is closed while its peer still sends must not go at once: the system would answer those bytes with RST, and
// that destroys the answer the peer has not read yet (RFC 9112 §9.6). So it sends FIN and discards what comes, for a moment.

import { systemClock } from '../core/clock.ts'
import { TimerWheel } from '../core/timer-wheel.ts'

/** Milliseconds that a closed socket goes on discarding, at least, when its peer does not close. */
export const LINGER_MS = 1000

/** A socket that was closed and discards. */
export interface Lingering {
  stopLingering(): void
}

// Not injected: it outlives whoever closed the stream and nothing is observable but the socket's end.
const wheel = new TimerWheel(systemClock)

/** Calls `stopLingering` when the time is over; the answer ends the wait. */
export function linger(stream: Lingering): { cancel(): void } {
  return wheel.arm(LINGER_MS, () => stream.stopLingering())
}
