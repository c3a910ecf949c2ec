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

/** While held: the time that was asked for first, or undefined. */
let held = false
let heldMs: number | undefined
let heldWallMs: number | undefined

/** Time stands still for {@link systemClock} until `releaseTime`: within one read callback nobody needs to ask the system twice. */
export function holdTime(): void {
  held = true
}

export function releaseTime(): void {
  held = false
  heldMs = undefined
  heldWallMs = undefined
}

/** Real time. Timers do not keep the process alive: sockets do. */
export const systemClock: Clock = {
  now: () => (held ? (heldMs ??= performance.now()) : performance.now()),
  wallNow: () => (held ? (heldWallMs ??= Date.now()) : Date.now()),
  after(delayMs, fire) {
    const timeout = setTimeout(fire, delayMs)
    timeout.unref()
    return { cancel: () => clearTimeout(timeout) }
  },
}
