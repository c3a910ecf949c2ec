// What a router filter works with: made once per configured filter, shared by its exchanges.

import type { Clock } from '../../../core/clock.ts'
import type { TimerWheel } from '../../../core/timer-wheel.ts'
import type { StreamFacts } from '../../../format/stream-facts.ts'
import type { Counter } from '../../../observe/stats/registry.ts'
import type { ClusterUpstream } from '../../../upstream/cluster-upstream.ts'
import type { TunnelDestination } from '../../../upstream/tunnel-destination.ts'

/** The connection manager's counters that the router moves. */
export interface RouterStats {
  readonly routerRqTotal: Counter
  readonly noRoute: Counter
  readonly noCluster: Counter
  readonly rqRedirect: Counter
  readonly rqDirectResponse: Counter
}

export interface RouterTools {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly stats: RouterStats
  readonly suppressEnvoyHeaders: boolean
  /** `x-envoy` or its replacement. */
  readonly headerPrefix: string
  /** `x-envoy-upstream-service-time` under that prefix. */
  readonly serviceTimeHeader: string
  readonly bufferLimitBytes: number
  /** Whether any request can come from inside; only such requests' wishes are read. */
  readonly hasInternal: boolean
  /** 'match-upstream' and the like are applied when the cluster is known. */
  readonly schemeTransformation: '' | 'match-upstream' | 'http' | 'https'
  /** Bytes behind a CONNECT head and before its answer are refused. */
  readonly rejectConnectEarlyData: boolean
  /** What a terminated `connect-udp` leads to; undefined = it cannot be terminated. */
  readonly udpDestination: TunnelDestination | undefined
  /** upstream_log: a line when the upstream is done with. */
  readonly upstreamLoggers: readonly { log(facts: StreamFacts): void }[]
  cluster(name: string): ClusterUpstream | undefined
  /** In [0, 1). */
  random(): number
}
