// What all sessions of one UDP proxy share.

import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { TimerWheel } from '../../core/timer-wheel.ts'
import type { UdpProxy } from '../../config/model/udp-proxy.ts'
import type { StreamFacts } from '../../format/stream-facts.ts'
import type { Ledger } from '../../observe/ledger/ledger.ts'
import type { ClusterUpstream } from '../../upstream/cluster-upstream.ts'
import type { UdpClusterStats, UdpProxyStats } from './udp-stats.ts'

export interface UdpProxyRuntime {
  readonly config: UdpProxy
  readonly listenerName: string
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly random: Random
  readonly ledger: Ledger
  readonly loggers: readonly { log(facts: StreamFacts): void }[]
  readonly stats: UdpProxyStats
  readonly clusterStats: UdpClusterStats
  /** undefined = the configuration names a cluster that does not exist. */
  readonly upstream: ClusterUpstream | undefined
}
