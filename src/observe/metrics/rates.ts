// Moving averages of counters, as `top` shows load: per second over the last 1, 5 and 15 minutes, sampled every five
// seconds. Used where a page promises rates; the data path knows nothing of it.

import type { Counter } from '../stats/registry.ts'

/** Seconds between two samples. */
export const SAMPLE_S = 5

const MINUTES = [1, 5, 15] as const
/** Weight of the newest sample in each average. */
const WEIGHTS = MINUTES.map((minutes) => 1 - Math.exp(-SAMPLE_S / 60 / minutes))

/** Events per second. */
export interface Rate {
  readonly m1: number
  readonly m5: number
  readonly m15: number
}

const NO_RATE: Rate = { m1: 0, m5: 0, m15: 0 }

/** Averages of the counters that were sampled, by their names. */
export class Rates {
  readonly #meters = new Map<string, Meter>()

  /** Takes one sample; call it every {@link SAMPLE_S} seconds. */
  sample(counters: Iterable<Counter>): void {
    for (const { name, value } of counters) {
      const meter = this.#meters.get(name)
      if (meter === undefined) this.#meters.set(name, new Meter(value))
      else meter.sample(value)
    }
  }

  /** 0 for what was never sampled. */
  of(name: string): Rate {
    return this.#meters.get(name)?.rate ?? NO_RATE
  }
}

class Meter {
  #last: number
  #averages: readonly number[] | undefined

  constructor(value: number) {
    this.#last = value
  }

  get rate(): Rate {
    const [m1 = 0, m5 = 0, m15 = 0] = this.#averages ?? []
    return { m1, m5, m15 }
  }

  sample(value: number): void {
    // A counter that was reset begins anew.
    const now = Math.max(0, value - this.#last) / SAMPLE_S
    this.#last = value
    this.#averages =
      this.#averages?.map((average, index) => average + (WEIGHTS[index] ?? 1) * (now - average)) ??
      MINUTES.map(() => now)
  }
}
