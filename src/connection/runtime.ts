// What a running HTTP connection manager shares among its connections: compiled routes, filter chains, statistics,
// loggers, and the services of the server. Built once per configuration.

import type { Clock } from '../core/clock.ts'
import type { TimerWheel } from '../core/timer-wheel.ts'
import type { HttpConnectionManager } from '../config/model/http-connection-manager.ts'
import type { HttpFilterConfig } from '../config/model/http-filter.ts'
import type { HttpFilterFactory, TerminalFilter, TerminalSink } from '../filter/http-filter.ts'
import type { StreamFacts } from '../format/stream-facts.ts'
import type { Ledger } from '../observe/ledger/ledger.ts'
import type { CompiledRouteTable } from '../route/compiled-table.ts'
import type { Forwarder } from './forwarded.ts'
import type { HcmStats } from './hcm-stats.ts'
import type { ServerCodecs } from './server-codecs.ts'
import type { LocalReplyRewriter } from './local-reply-config.ts'

/** Writes one line if its filter lets it; made by the server from the access log sinks. */
export interface ExchangeLogger {
  log(facts: StreamFacts): void
}

/** A filter chain ready to be instantiated. */
export interface FilterChainRuntime {
  /** In order, without the terminal filter. */
  readonly filters: readonly HttpFilterFactory[]
  terminal(sink: TerminalSink): TerminalFilter
}

export interface HcmRuntime {
  readonly config: HttpConnectionManager
  readonly routes: CompiledRouteTable
  readonly stats: HcmStats
  readonly codecs: ServerCodecs
  readonly forwarder: Forwarder
  readonly localReplies: LocalReplyRewriter
  readonly loggers: readonly ExchangeLogger[]
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly ledger: Ledger
  readonly listenerName: string
  readonly filterChainName: string
  /** `x-envoy-internal` under the configured prefix. */
  readonly internalHeader: string
  /** Bytes that may wait on one stream or connection. */
  readonly bufferLimitBytes: number
  /** The compiled chain of a list of filter configurations; the same object for the same list. */
  chain(filters: readonly HttpFilterConfig[]): FilterChainRuntime
  /** True while the server drains: answers tell clients to go elsewhere. */
  readonly drain: { readonly active: boolean }
  /** In 0..1, for fractions and weighted clusters. */
  random(): number
}
