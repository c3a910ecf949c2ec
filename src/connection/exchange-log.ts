// The access log lines of one exchange: at its start, when its tunnel stands, at intervals, at its end (envoy.md §3.3).
// Made only when there is a log to write.

import type { Timer } from '../core/clock.ts'
import type { AccessLogType } from '../format/stream-facts.ts'
import type { Exchange } from './exchange.ts'

export class ExchangeLog {
  readonly #exchange: Exchange
  #periodic: Timer | undefined

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  /** The request was routed. */
  started(): void {
    if (this.#exchange.runtime.config.accessLogOptions.onNewRequest) this.#write('DownstreamStart')
    this.#schedule()
  }

  tunnelEstablished(): void {
    if (this.#exchange.runtime.config.accessLogOptions.onTunnelEstablished)
      this.#write('DownstreamTunnelSuccessfullyEstablished')
  }

  ended(): void {
    this.#periodic?.cancel()
    this.#write('DownstreamEnd')
  }

  #schedule(): void {
    const { clock, config } = this.#exchange.runtime
    const { flushIntervalMs } = config.accessLogOptions
    if (flushIntervalMs === undefined) return
    this.#periodic = clock.after(flushIntervalMs, () => {
      this.#write('DownstreamPeriodic')
      this.#schedule()
    })
  }

  #write(type: AccessLogType): void {
    const { facts, runtime, tunnel } = this.#exchange
    tunnel?.countInto(facts)
    facts.logType = type
    facts.now = facts.times.end ?? runtime.clock.now()
    for (const logger of runtime.loggers) logger.log(facts)
  }
}
