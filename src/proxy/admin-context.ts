// What the admin pages see of a running server.

import type {
  AdminActions,
  AdminContext,
  ClusterStatus,
  HostStatus,
  ListenerStatus,
  ServerFacts,
} from '../admin/context.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import { Rates } from '../observe/metrics/rates.ts'
import type { ApplicationLog } from '../observe/log.ts'
import { addressesOf, type Server } from '../server/server.ts'
import type { ClusterUpstream } from '../upstream/cluster-upstream.ts'

export function adminContext(
  server: Server,
  log: ApplicationLog,
  facts: ServerFacts,
  actions: AdminActions,
  loadedWallMs: number,
): AdminContext {
  return {
    clock: server.services.clock,
    registry: server.services.registry,
    rates: new Rates(),
    ledger: server.services.ledger,
    server: facts,
    levels: log,
    actions,
    config: () => server.config,
    configLoadedWallMs: () => loadedWallMs,
    clusters: () => [...server.clusters.values()].map(clusterStatus),
    listeners: () =>
      server.listeners.map((bound): ListenerStatus => ({ name: bound.config.name, addresses: addressesOf(bound) })),
  }
}

/** A cluster as /clusters shows it. */
export function clusterStatus({ cluster, runtime }: ClusterUpstream): ClusterStatus {
  return {
    name: cluster.name,
    observabilityName: cluster.statName,
    circuitBreakers: cluster.circuitBreakers,
    hosts: runtime.endpoints.map(hostStatus),
  }
}

function hostStatus(endpoint: Endpoint): HostStatus {
  const { config, stats, addresses, text, hostname } = endpoint
  const [first] = addresses
  const port = first?.kind === 'socket' ? first.port : 0
  const ip = first?.kind === 'socket' ? first.host : text
  return {
    ...stats,
    address: { ip, port, text },
    hostname,
    weight: config.weight,
    priority: config.priority,
    region: config.locality.region,
    zone: config.locality.zone,
    subZone: config.locality.subZone,
    healthFlags: healthFlags(endpoint),
  }
}

/** In Envoy's order. */
function healthFlags({ config, health }: Endpoint): string[] {
  const { failedActive, failedOutlier, degradedActive, pendingActive, activeTimeout } = health.flags
  const flags: readonly (readonly [string, boolean])[] = [
    ['failed_active_hc', failedActive],
    ['failed_outlier_check', failedOutlier],
    ['failed_eds_health', config.health === 'unhealthy' || config.health === 'draining'],
    ['degraded_active_hc', degradedActive],
    ['degraded_eds_health', config.health === 'degraded'],
    ['pending_active_hc', pendingActive],
    ['active_hc_timeout', activeTimeout],
  ]
  return flags.flatMap(([name, set]) => (set ? [name] : []))
}
