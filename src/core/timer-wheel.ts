// Coarse deadlines for many connections: one Node timer for all of them, and a reset costs one store.
// Used for idle and duration limits, where a quarter of a second does not matter and a timer per tunnel would.

import type { Clock, Timer } from './clock.ts'
import { DenseSet, type DenseItem } from './dense-set.ts'

/** Milliseconds between two looks at the deadlines; a deadline fires at most two of these late, never early. */
export const WHEEL_TICK_MS = 250

/** One deadline. `touch()` moves it to now + its duration; `cancel()` ends it. Cheap enough for every chunk. */
export interface Deadline {
  touch(): void
  cancel(): void
}

class WheelDeadline implements Deadline, DenseItem {
  at: number
  slot = -1
  denseIndex = -1
  readonly wheel: TimerWheel
  readonly durationMs: number
  readonly fire: () => void

  constructor(wheel: TimerWheel, durationMs: number, fire: () => void) {
    this.wheel = wheel
    this.durationMs = durationMs
    this.fire = fire
    this.at = wheel.nowMs + durationMs
  }

  touch(): void {
    // The wheel's time is up to one tick old: counting from its end errs on the late side, never on the early one.
    this.at = this.wheel.nowMs + WHEEL_TICK_MS + this.durationMs
  }

  cancel(): void {
    this.wheel.remove(this)
  }
}

/** A fault in one callback must not stop the wheel: it is thrown where the process sees it. */
function fireSafely(deadline: WheelDeadline): void {
  try {
    deadline.fire()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

const SLOTS = 256

/**
 * Deadlines hashed by due tick. A deadline that was touched since it was filed is filed anew when its old slot comes
 * up, so `touch()` never moves anything. Starts its Node timer with the first deadline and stops it with the last.
 */
export class TimerWheel {
  /** Time of the last tick or insertion, in the clock's milliseconds; what `touch()` counts from. */
  nowMs: number
  readonly #clock: Clock
  readonly #slots: DenseSet<WheelDeadline>[] = Array.from({ length: SLOTS }, () => new DenseSet<WheelDeadline>())
  #count = 0
  #tick = 0
  #lastTickMs: number
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.nowMs = clock.now()
    this.#lastTickMs = this.nowMs
  }

  /** Number of deadlines that are still armed. */
  get size(): number {
    return this.#count
  }

  /** Arms a deadline that calls `fire` when nothing touched it for `durationMs` milliseconds. */
  arm(durationMs: number, fire: () => void): Deadline {
    if (this.#count === 0) {
      this.nowMs = this.#clock.now()
      this.#lastTickMs = this.nowMs
      this.#schedule()
    }
    const deadline = new WheelDeadline(this, durationMs, fire)
    deadline.at = this.#clock.now() + durationMs
    this.#file(deadline)
    this.#count++
    return deadline
  }

  remove(deadline: WheelDeadline): void {
    if (deadline.slot < 0) return
    this.#slots[deadline.slot]?.delete(deadline)
    deadline.slot = -1
    this.#count--
    if (this.#count === 0) {
      this.#timer?.cancel()
      this.#timer = undefined
    }
  }

  #file(deadline: WheelDeadline): void {
    const ticks = Math.max(1, Math.ceil((deadline.at - this.#lastTickMs) / WHEEL_TICK_MS))
    deadline.slot = (this.#tick + Math.min(ticks, SLOTS - 1)) % SLOTS
    this.#slots[deadline.slot]?.add(deadline)
  }

  #schedule(): void {
    this.#timer = this.#clock.after(WHEEL_TICK_MS, () => this.#advance())
  }

  #advance(): void {
    this.nowMs = this.#clock.now()
    // A late timer (a busy loop, a suspended machine) catches up; after a long sleep one full turn is enough.
    const due = Math.min(SLOTS, Math.floor((this.nowMs - this.#lastTickMs) / WHEEL_TICK_MS))
    for (let step = 0; step < due; step++) this.#runSlot()
    this.#lastTickMs = due === SLOTS ? this.nowMs : this.#lastTickMs + due * WHEEL_TICK_MS
    if (this.#count > 0) this.#schedule()
    else this.#timer = undefined
  }

  #runSlot(): void {
    this.#tick = (this.#tick + 1) % SLOTS
    const slot = this.#slots[this.#tick]
    if (slot === undefined || slot.size === 0) return
    for (const deadline of slot.snapshot()) {
      if (deadline.slot !== this.#tick) continue
      slot.delete(deadline)
      if (deadline.at > this.nowMs) {
        this.#file(deadline)
        continue
      }
      deadline.slot = -1
      this.#count--
      fireSafely(deadline)
    }
  }
}
