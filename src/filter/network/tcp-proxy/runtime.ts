// What the sessions of one configured tcp_proxy share. Made while a configuration is built.

import type { Clock } from '../../../core/clock.ts'
import type { CloseCause } from '../../../core/close-cause.ts'
import type { Random } from '../../../core/random.ts'
import type { TimerWheel } from '../../../core/timer-wheel.ts'
import type { TcpProxy } from '../../../config/model/tcp-proxy.ts'
import type { StreamFacts } from '../../../format/stream-facts.ts'
import type { Ledger } from '../../../observe/ledger/ledger.ts'
import type { CircuitBreakers } from '../../../cluster/circuit-breakers.ts'
import type { Endpoint } from '../../../cluster/endpoint.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import type { ConnectWaiter, DialNeed, Ticket } from '../../../upstream/stream-need.ts'
import type { TunnelCluster } from '../../../upstream/tunnel-attempt.ts'
import type { TcpStats } from './tcp-stats.ts'

/** What is used of a cluster; upstream/cluster-upstream.ts is one. */
export interface SessionCluster extends TunnelCluster {
  readonly name: string
  /** Whether its connections are encrypted. */
  readonly secure: boolean
  /** Whether its connections depend on the client's. */
  readonly needsOrigin: boolean
  connect(need: DialNeed, waiter: ConnectWaiter): Ticket | undefined
  breakers(priority: 'default'): CircuitBreakers
  serverNameFor(head: RequestHead): string
  /** See `ClusterUpstream`. */
  endWithHealth(endpoint: Endpoint, close: (cause: CloseCause) => void): () => void
}

/** The part of the application log that is used here. */
export interface WarningLog {
  warning(message: string, fields?: Readonly<Record<string, string | number>>): void
}

export interface TcpProxyRuntime {
  readonly config: TcpProxy
  readonly stats: TcpStats
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly random: Random
  readonly ledger: Ledger
  readonly loggers: readonly { log(facts: StreamFacts): void }[]
  readonly log: WarningLog
  /** Bytes that may wait to be sent to the client before the upstream is paused. */
  readonly bufferLimitBytes: number
  /** Whether the server drains. */
  readonly drain: { readonly active: boolean }
  cluster(name: string): SessionCluster | undefined
}
