// Makes what a UDP listener runs on, and the way CONNECT-UDP requests take that end here.

import { clusterScope } from '../cluster/cluster-stats.ts'
import type { Listener } from '../config/model/listener.ts'
import type { UdpProxy } from '../config/model/udp-proxy.ts'
import { UdpListener } from '../filter/udp/udp-listener.ts'
import { udpDestination } from '../filter/udp/udp-destination.ts'
import { type UdpClusterStats, udpClusterStats, udpProxyStats } from '../filter/udp/udp-stats.ts'
import type { ClusterUpstream } from '../upstream/cluster-upstream.ts'
import { openAccessLog } from './open-access-log.ts'
import type { ServerServices } from './services.ts'

/** The listener of `config`, not bound yet. */
export function buildUdpListener(
  listener: Listener,
  config: UdpProxy,
  clusters: ReadonlyMap<string, ClusterUpstream>,
  services: ServerServices,
): UdpListener {
  const { clock, wheel, random, ledger, registry, logSinks } = services
  const upstream = clusters.get(config.cluster)
  return new UdpListener({
    config,
    listenerName: listener.name,
    clock,
    wheel,
    random,
    ledger,
    loggers: config.accessLogs.map((log) => openAccessLog(log, logSinks)),
    stats: udpProxyStats(registry, config.statPrefix),
    clusterStats: udpClusterStats(clusterScope(registry, upstream?.cluster.statName ?? config.cluster)),
    upstream,
  })
}

/** Opens the UDP sockets of terminated CONNECT-UDP requests. */
export function buildUdpDestination({ registry, wheel }: ServerServices): ReturnType<typeof udpDestination> {
  const known = new WeakMap<ClusterUpstream, UdpClusterStats>()
  return udpDestination({
    wheel,
    statsOf: (upstream) => {
      let stats = known.get(upstream)
      if (stats === undefined) {
        stats = udpClusterStats(clusterScope(registry, upstream.cluster.statName))
        known.set(upstream, stats)
      }
      return stats
    },
  })
}
