// The last calls of a sliding breaker: so many of them, or those of the last seconds. Memory is fixed when it is made.

/** Sums over the window. */
export interface CallSum {
  readonly calls: number
  readonly failed: number
  readonly slow: number
}

export interface CallWindow {
  add(nowMs: number, failed: boolean, slow: boolean): void
  sum(nowMs: number): CallSum
}

/** `size`: calls, or seconds. */
export function callWindow({ kind, size }: { readonly kind: 'count' | 'time'; readonly size: number }): CallWindow {
  return kind === 'count' ? new CountWindow(size) : new TimeWindow(size)
}

const FAILED = 1
const SLOW = 2

class CountWindow implements CallWindow {
  readonly #marks: Uint8Array
  #next = 0
  #calls = 0
  #failed = 0
  #slow = 0

  constructor(size: number) {
    this.#marks = new Uint8Array(Math.max(1, size))
  }

  add(_nowMs: number, failed: boolean, slow: boolean): void {
    const marks = this.#marks
    const old = marks[this.#next] ?? 0
    if (this.#calls === marks.length) {
      if ((old & FAILED) !== 0) this.#failed--
      if ((old & SLOW) !== 0) this.#slow--
    } else this.#calls++
    marks[this.#next] = (failed ? FAILED : 0) | (slow ? SLOW : 0)
    this.#next = (this.#next + 1) % marks.length
    if (failed) this.#failed++
    if (slow) this.#slow++
  }

  sum(): CallSum {
    return { calls: this.#calls, failed: this.#failed, slow: this.#slow }
  }
}

/** Three numbers a second. */
class TimeWindow implements CallWindow {
  readonly #size: number
  readonly #calls: Uint32Array
  readonly #failed: Uint32Array
  readonly #slow: Uint32Array
  /** The second that was written last. */
  #second = -1

  constructor(seconds: number) {
    this.#size = Math.max(1, seconds)
    this.#calls = new Uint32Array(this.#size)
    this.#failed = new Uint32Array(this.#size)
    this.#slow = new Uint32Array(this.#size)
  }

  add(nowMs: number, failed: boolean, slow: boolean): void {
    const at = this.#turnTo(nowMs)
    this.#calls[at] = (this.#calls[at] ?? 0) + 1
    if (failed) this.#failed[at] = (this.#failed[at] ?? 0) + 1
    if (slow) this.#slow[at] = (this.#slow[at] ?? 0) + 1
  }

  sum(nowMs: number): CallSum {
    this.#turnTo(nowMs)
    return { calls: total(this.#calls), failed: total(this.#failed), slow: total(this.#slow) }
  }

  /** Forgets the seconds that have left the window; answers the slot of the present one. */
  #turnTo(nowMs: number): number {
    const second = Math.floor(nowMs / 1000)
    const passed = Math.min(this.#size, Math.max(0, second - this.#second))
    for (let i = 0; i < passed; i++) {
      const at = (second - i) % this.#size
      this.#calls[at] = 0
      this.#failed[at] = 0
      this.#slow[at] = 0
    }
    this.#second = Math.max(second, this.#second)
    return this.#second % this.#size
  }
}

function total(list: Uint32Array): number {
  let sum = 0
  for (let i = 0; i < list.length; i++) sum += list[i] ?? 0
  return sum
}
