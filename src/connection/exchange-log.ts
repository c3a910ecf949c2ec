// The access log lines of one exchange: at its start, when its tunnel stands, at intervals, at its end (envoy.md §3.3).
// Made only when there is a log to write.

import { FactsLog } from '../format/facts-log.ts'
import type { Exchange } from './exchange.ts'

export class ExchangeLog {
  readonly #exchange: Exchange
  readonly #lines: FactsLog

  constructor(exchange: Exchange) {
    const { facts, runtime } = exchange
    const { clock, loggers } = runtime
    this.#exchange = exchange
    this.#lines = new FactsLog({ facts, clock, loggers, update: () => exchange.tunnel?.countInto(facts) })
  }

  /** The request was routed. */
  started(): void {
    const { onNewRequest, flushIntervalMs } = this.#exchange.runtime.config.accessLogOptions
    if (onNewRequest) this.#lines.write('DownstreamStart')
    this.#lines.repeat('DownstreamPeriodic', flushIntervalMs)
  }

  tunnelEstablished(): void {
    if (this.#exchange.runtime.config.accessLogOptions.onTunnelEstablished)
      this.#lines.write('DownstreamTunnelSuccessfullyEstablished')
  }

  ended(): void {
    this.#lines.end('DownstreamEnd')
  }
}
