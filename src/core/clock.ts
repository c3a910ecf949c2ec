// The one source of time. Everything that waits or measures takes a Clock, so that tests move time by hand.

/** A timer that was set; cancelling one that fired or was cancelled does nothing. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Monotonic milliseconds, for durations. Cheap: may be as coarse as one loop turn. */
  now(): number
  /** Milliseconds since the Unix epoch, for dates in logs. */
  wallNow(): number
  /** Calls `fire` once after `delayMs` milliseconds. */
  after(delayMs: number, fire: () => void): Timer
}

/** Real time. Timers do not keep the process alive: sockets do. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after(delayMs, fire) {
    const timeout = setTimeout(fire, delayMs)
    timeout.unref()
    return { cancel: () => clearTimeout(timeout) }
  },
}
