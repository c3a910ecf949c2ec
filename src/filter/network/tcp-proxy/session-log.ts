// The access log lines of one session (envoy.md §3.3): at its start, when the upstream stands, at intervals, at its end.

import type { Timer } from '../../../core/clock.ts'
import type { AccessLogType, StreamFacts } from '../../../format/stream-facts.ts'
import type { TcpProxyRuntime } from './runtime.ts'

export class SessionLog {
  readonly #runtime: TcpProxyRuntime
  readonly #facts: StreamFacts
  readonly #countInto: (facts: StreamFacts) => void
  #periodic: Timer | undefined

  /** `countInto` brings the byte counts of the facts up to date. */
  constructor(runtime: TcpProxyRuntime, facts: StreamFacts, countInto: (facts: StreamFacts) => void) {
    this.#runtime = runtime
    this.#facts = facts
    this.#countInto = countInto
  }

  started(): void {
    if (this.#runtime.loggers.length === 0) return
    // Asked for while the socket lives: the last line is written when it is gone.
    void this.#facts.downstream.local
    void this.#facts.downstream.remote
    if (this.#runtime.config.accessLogOptions.onStart) this.#write('TcpConnectionStart')
    this.#schedule()
  }

  connected(): void {
    if (this.#runtime.loggers.length === 0) return
    void this.#facts.upstream?.local
    if (this.#runtime.config.accessLogOptions.onConnected) this.#write('TcpUpstreamConnected')
  }

  ended(): void {
    this.#periodic?.cancel()
    this.#write('TcpConnectionEnd')
  }

  #schedule(): void {
    const { clock, config } = this.#runtime
    const { flushIntervalMs } = config.accessLogOptions
    if (flushIntervalMs === undefined) return
    this.#periodic = clock.after(flushIntervalMs, () => {
      this.#write('TcpPeriodic')
      this.#schedule()
    })
  }

  #write(type: AccessLogType): void {
    const { loggers, clock } = this.#runtime
    if (loggers.length === 0) return
    const facts = this.#facts
    this.#countInto(facts)
    facts.logType = type
    facts.now = facts.times.end ?? clock.now()
    for (const logger of loggers) logger.log(facts)
  }
}
