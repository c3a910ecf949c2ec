// The access log lines about one set of facts while it changes: when something happens, at intervals, at its end.

import type { Clock, Timer } from '../core/clock.ts'
import type { AccessLogType, StreamFacts } from './stream-facts.ts'

export interface FactsLogParts {
  readonly facts: StreamFacts
  readonly clock: Clock
  readonly loggers: readonly { log(facts: StreamFacts): void }[]
  /** Brings the facts up to date before each line. */
  readonly update: () => void
}

export class FactsLog {
  readonly #parts: FactsLogParts
  #periodic: Timer | undefined

  constructor(parts: FactsLogParts) {
    this.#parts = parts
  }

  /** Whether anybody reads the lines. */
  get wanted(): boolean {
    return this.#parts.loggers.length > 0
  }

  write(type: AccessLogType): void {
    const { facts, clock, loggers, update } = this.#parts
    if (loggers.length === 0) return
    update()
    facts.logType = type
    facts.now = facts.times.end ?? clock.now()
    for (const logger of loggers) logger.log(facts)
  }

  /** A line every `intervalMs` until the end; undefined = none. */
  repeat(type: AccessLogType, intervalMs: number | undefined): void {
    if (intervalMs === undefined || !this.wanted) return
    this.#periodic = this.#parts.clock.after(intervalMs, () => {
      this.write(type)
      this.repeat(type, intervalMs)
    })
  }

  /** The last line. */
  end(type: AccessLogType): void {
    this.#periodic?.cancel()
    this.write(type)
  }
}
