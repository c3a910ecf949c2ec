// What the pools of a cluster share: its settings, statistics, circuit breakers, and how a codec is put on a connection.

import type { CloseCause } from '../core/close-cause.ts'
import type { Clock } from '../core/clock.ts'
import type { CircuitBreakers } from '../cluster/circuit-breakers.ts'
import type { ClusterStats } from '../cluster/cluster-stats.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { Cluster } from '../config/model/cluster.ts'
import type { SlotWaiter } from './slot-queue.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

export interface PoolContext {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly stats: ClusterStats
  /** max_requests_per_connection; undefined = no limit. */
  readonly maxRequestsPerConnection: number | undefined
  breakers(priority: 'default' | 'high'): CircuitBreakers
  /**
   * Takes a connection slot of the circuit breaker. `open` connections of the asking lane: with none, one is always
   * allowed, or requests would wait for ever behind other endpoints' connections. A lane that is refused is told when a
   * slot frees.
   */
  mayDial(lane: SlotWaiter, open: number): boolean
  /** Nothing waits in the lane any more. */
  forgetSlotWaiter(lane: SlotWaiter): void
  /** A dial came to nothing, or a connection is gone: gives the slot back. */
  releaseDial(priority: 'default' | 'high', endpoint: Endpoint): void
  attachCodec(connection: UpstreamConnection, version: 'http1' | 'http2'): void
  /** Gives the slot back and counts the end. */
  onConnectionClosed(connection: UpstreamConnection, cause: CloseCause, priority: 'default' | 'high'): void
}
