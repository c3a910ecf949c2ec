// The access log lines of one UDP session (envoy.md §3.3): when its tunnel stands, at intervals, at its end.

import type { Deadline } from '../../core/timer-wheel.ts'
import type { AccessLogType, StreamFacts } from '../../format/stream-facts.ts'
import type { UdpProxyRuntime } from './runtime.ts'

export class UdpSessionLog {
  readonly #runtime: UdpProxyRuntime
  readonly #facts: StreamFacts
  readonly #countInto: () => void
  #periodic: Deadline | undefined

  /** `countInto` brings the facts up to date. */
  constructor(runtime: UdpProxyRuntime, facts: StreamFacts, countInto: () => void) {
    this.#runtime = runtime
    this.#facts = facts
    this.#countInto = countInto
  }

  started(): void {
    if (this.#runtime.loggers.length > 0) this.#schedule()
  }

  tunnelConnected(): void {
    if (this.#runtime.config.accessLogOptions.onTunnelConnected) this.#write('UdpTunnelUpstreamConnected')
  }

  ended(): void {
    this.#periodic?.cancel()
    this.#write('UdpSessionEnd')
  }

  #schedule(): void {
    const { wheel, config } = this.#runtime
    const { flushIntervalMs } = config.accessLogOptions
    if (flushIntervalMs === undefined) return
    this.#periodic = wheel.arm(flushIntervalMs, () => {
      this.#write('UdpPeriodic')
      this.#schedule()
    })
  }

  #write(type: AccessLogType): void {
    const { loggers, clock } = this.#runtime
    if (loggers.length === 0) return
    const facts = this.#facts
    this.#countInto()
    facts.logType = type
    facts.now = facts.times.end ?? clock.now()
    for (const logger of loggers) logger.log(facts)
  }
}
