// The access log lines of one session (envoy.md §3.3): at its start, when the upstream stands, at intervals, at its end.

import { FactsLog } from '../../../format/facts-log.ts'
import type { StreamFacts } from '../../../format/stream-facts.ts'
import type { TcpProxyRuntime } from './runtime.ts'

export class SessionLog {
  readonly #runtime: TcpProxyRuntime
  readonly #facts: StreamFacts
  readonly #lines: FactsLog

  /** `countInto` brings the byte counts of the facts up to date. */
  constructor(runtime: TcpProxyRuntime, facts: StreamFacts, countInto: (facts: StreamFacts) => void) {
    const { clock, loggers } = runtime
    this.#runtime = runtime
    this.#facts = facts
    this.#lines = new FactsLog({ facts, clock, loggers, update: () => countInto(facts) })
  }

  started(): void {
    if (!this.#lines.wanted) return
    const { onStart, flushIntervalMs } = this.#runtime.config.accessLogOptions
    // Asked for while the socket lives: the last line is written when it is gone.
    void this.#facts.downstream.local
    void this.#facts.downstream.remote
    if (onStart) this.#lines.write('TcpConnectionStart')
    this.#lines.repeat('TcpPeriodic', flushIntervalMs)
  }

  connected(): void {
    if (!this.#lines.wanted) return
    void this.#facts.upstream?.local
    if (this.#runtime.config.accessLogOptions.onConnected) this.#lines.write('TcpUpstreamConnected')
  }

  ended(): void {
    this.#lines.end('TcpConnectionEnd')
  }
}
