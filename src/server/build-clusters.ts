// Makes the running clusters of a configuration.

import { ClusterRuntime } from '../cluster/cluster-runtime.ts'
import { clusterScope } from '../cluster/cluster-stats.ts'
import { resolverFor } from '../cluster/discovery/dns-resolver.ts'
import type { ProxyConfig } from '../config/model/proxy.ts'
import { clientCodecs } from '../upstream/client-codecs.ts'
import { ClusterUpstream } from '../upstream/cluster-upstream.ts'
import { diallerFactory } from '../upstream/dial.ts'
import { codecCounters } from './codec-counters.ts'
import { openHealthChecks } from './open-health-checks.ts'
import type { ServerServices } from './services.ts'

/** One `ClusterUpstream` per cluster, not started. */
export function buildClusters(config: ProxyConfig, services: ServerServices): Map<string, ClusterUpstream> {
  const built = new Map<string, ClusterUpstream>()
  for (const cluster of config.clusters.values()) {
    const { clock, wheel, registry, internal } = services
    const resolver = resolverFor(cluster.nameServers, services.resolver)
    const context = { ...services, resolver }
    const healthChecks = openHealthChecks(cluster, context)
    const runtime = new ClusterRuntime(cluster, healthChecks === undefined ? context : { ...context, healthChecks })
    const counters = codecCounters(clusterScope(registry, cluster.statName))
    const tools = {
      clock,
      wheel,
      codecs: clientCodecs(cluster, clock, counters),
      diallers: diallerFactory(cluster, { clock, stats: runtime.stats, internal, resolver }),
    }
    built.set(cluster.name, new ClusterUpstream(runtime, tools))
  }
  return built
}
