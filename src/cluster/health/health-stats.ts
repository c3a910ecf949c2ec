// Statistics of active checks under Envoy's names: `cluster.<name>.health_check.…`, with the check's name in between when
// it has one, as in Envoy 1.40.

import type { Counter, Gauge, StatScope } from '../../observe/stats/registry.ts'

export interface HealthStats {
  readonly attempt: Counter
  readonly success: Counter
  readonly failure: Counter
  readonly passiveFailure: Counter
  readonly networkFailure: Counter
  readonly verifyCluster: Counter
  /** Endpoints that pass. */
  readonly healthy: Gauge
  readonly degraded: Gauge
}

/** The statistics of a check in the scope of its cluster. */
export function healthStats(cluster: StatScope, name: string): HealthStats {
  const all = cluster.scope('health_check.')
  const scope = name === '' ? all : all.scope(`${name}.`, '', { name: 'envoy_health_check_name', value: name })
  return {
    attempt: scope.counter('attempt'),
    success: scope.counter('success'),
    failure: scope.counter('failure'),
    passiveFailure: scope.counter('passive_failure'),
    networkFailure: scope.counter('network_failure'),
    verifyCluster: scope.counter('verify_cluster'),
    healthy: scope.gauge('healthy'),
    degraded: scope.gauge('degraded'),
  }
}
