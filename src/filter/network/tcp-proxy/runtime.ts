// What the sessions of one configured tcp_proxy share. Made while a configuration is built.

import type { Clock } from '../../../core/clock.ts'
import type { Random } from '../../../core/random.ts'
import type { TimerWheel } from '../../../core/timer-wheel.ts'
import type { Cluster } from '../../../config/model/cluster.ts'
import type { TcpProxy } from '../../../config/model/tcp-proxy.ts'
import type { StreamFacts } from '../../../format/stream-facts.ts'
import type { Ledger } from '../../../observe/ledger/ledger.ts'
import type { CircuitBreakers } from '../../../cluster/circuit-breakers.ts'
import type { ClusterStats } from '../../../cluster/cluster-stats.ts'
import type { Endpoint } from '../../../cluster/endpoint.ts'
import type { HttpProtocol, RequestHead } from '../../../codec/http-stream.ts'
import type { ConnectWaiter, DialNeed, StreamNeed, StreamWaiter, Ticket } from '../../../upstream/stream-need.ts'
import type { TcpStats } from './tcp-stats.ts'

/** What is used of a cluster; upstream/cluster-upstream.ts is one. */
export interface SessionCluster {
  readonly name: string
  /** What it is configured to be. */
  readonly cluster: Cluster
  readonly stats: ClusterStats
  /** Whether its connections are encrypted. */
  readonly secure: boolean
  /** Whether its connections depend on the client's. */
  readonly needsOrigin: boolean
  connect(need: DialNeed, waiter: ConnectWaiter): Ticket | undefined
  acquire(need: StreamNeed, waiter: StreamWaiter): Ticket | undefined
  admit(priority: 'default'): string | undefined
  leave(priority: 'default'): void
  breakers(priority: 'default'): CircuitBreakers
  serverNameFor(head: RequestHead): string
  hopNote(endpoint: Endpoint, protocol: HttpProtocol): string
  onStreamStart(endpoint: Endpoint): void
  onResponseHead(endpoint: Endpoint, status: number): void
  onStreamEnd(endpoint: Endpoint): void
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
