// `server.*`: gauges that are computed when somebody looks (envoy.md §3.2).

import type { StatRegistry } from '../observe/stats/registry.ts'
import type { Server } from './server.ts'

export interface ServerStats {
  refresh(server: Server, live: boolean, uptimeMs: number): void
}

export function serverStats(registry: StatRegistry): ServerStats {
  const scope = registry.scope('server.')
  const gauges = {
    live: scope.gauge('live'),
    state: scope.gauge('state'),
    uptime: scope.gauge('uptime'),
    concurrency: scope.gauge('concurrency'),
    memoryAllocated: scope.gauge('memory_allocated'),
    memoryHeapSize: scope.gauge('memory_heap_size'),
    memoryPhysicalSize: scope.gauge('memory_physical_size'),
    totalConnections: scope.gauge('total_connections'),
    tunnels: scope.gauge('tunnels_active'),
  }
  const listeners = registry.scope('listener_manager.').gauge('total_listeners_active')
  const clusters = registry.scope('cluster_manager.').gauge('active_clusters')
  return {
    refresh(server, live, uptimeMs) {
      const memory = process.memoryUsage()
      const { draining, failingHealthChecks } = server.state
      gauges.live.value = live && !draining && !failingHealthChecks ? 1 : 0
      gauges.state.value = live ? (draining || failingHealthChecks ? 1 : 0) : 3
      gauges.uptime.value = Math.floor(uptimeMs / 1000)
      gauges.concurrency.value = 1
      gauges.memoryAllocated.value = memory.heapUsed + memory.external
      gauges.memoryHeapSize.value = memory.heapTotal
      gauges.memoryPhysicalSize.value = memory.rss
      gauges.totalConnections.value = server.connections.length
      gauges.tunnels.value = server.services.ledger.size
      listeners.value = server.listeners.length
      clusters.value = server.clusters.size
    },
  }
}
