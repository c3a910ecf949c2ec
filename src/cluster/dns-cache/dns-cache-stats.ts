// Statistics of one DNS cache under Envoy's names: `dns_cache.<name>.…`.

import type { Counter, Gauge, StatRegistry } from '../../observe/stats/registry.ts'

export interface DnsCacheStats {
  readonly queryAttempt: Counter
  readonly querySuccess: Counter
  readonly queryFailure: Counter
  readonly queryTimeout: Counter
  readonly addressChanged: Counter
  readonly hostAdded: Counter
  readonly hostRemoved: Counter
  readonly hostOverflow: Counter
  readonly pendingOverflow: Counter
  readonly hosts: Gauge
  readonly pendingOpen: Gauge
}

export function dnsCacheStats(registry: StatRegistry, name: string): DnsCacheStats {
  const scope = registry.scope(`dns_cache.${name.replaceAll(':', '_')}.`)
  return {
    queryAttempt: scope.counter('dns_query_attempt'),
    querySuccess: scope.counter('dns_query_success'),
    queryFailure: scope.counter('dns_query_failure'),
    queryTimeout: scope.counter('dns_query_timeout'),
    addressChanged: scope.counter('host_address_changed'),
    hostAdded: scope.counter('host_added'),
    hostRemoved: scope.counter('host_removed'),
    hostOverflow: scope.counter('host_overflow'),
    pendingOverflow: scope.counter('dns_rq_pending_overflow'),
    hosts: scope.gauge('num_hosts'),
    pendingOpen: scope.gauge('circuit_breakers.rq_pending_open'),
  }
}
