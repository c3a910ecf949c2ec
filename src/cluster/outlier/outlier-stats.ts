// Statistics of a cluster's outlier detection, under Envoy's names (`cluster.<name>.outlier_detection.…`), the deprecated
// ones included.

import type { Counter, Gauge, StatScope } from '../../observe/stats/registry.ts'

/** What an ejection is for, by the word that the statistics have for it. */
export const EJECTION_KINDS = [
  'consecutive_5xx',
  'consecutive_gateway_failure',
  'consecutive_local_origin_failure',
  'success_rate',
  'local_origin_success_rate',
  'failure_percentage',
  'local_origin_failure_percentage',
] as const
export type EjectionKind = (typeof EJECTION_KINDS)[number]

export interface OutlierStats {
  /** Endpoints that are ejected now. */
  readonly active: Gauge
  readonly detected: Readonly<Record<EjectionKind, Counter>>
  readonly enforced: Readonly<Record<EjectionKind, Counter>>
  readonly enforcedTotal: Counter
  /** Ejections that max_ejection_percent did not allow. */
  readonly overflow: Counter
  /** Deprecated by Envoy, and still shown: only two kinds, enforced or not. */
  readonly deprecatedTotal: Counter
  readonly deprecatedConsecutive5xx: Counter
  readonly deprecatedSuccessRate: Counter
}

/** `scope` is the cluster's. */
export function outlierStats(scope: StatScope): OutlierStats {
  const own = scope.scope('outlier_detection.')
  return {
    active: own.gauge('ejections_active'),
    detected: perKind((kind) => own.counter(`ejections_detected_${kind}`)),
    enforced: perKind((kind) => own.counter(`ejections_enforced_${kind}`)),
    enforcedTotal: own.counter('ejections_enforced_total'),
    overflow: own.counter('ejections_overflow'),
    deprecatedTotal: own.counter('ejections_total'),
    deprecatedConsecutive5xx: own.counter('ejections_consecutive_5xx'),
    deprecatedSuccessRate: own.counter('ejections_success_rate'),
  }
}

const perKind = (make: (kind: EjectionKind) => Counter): Record<EjectionKind, Counter> => ({
  consecutive_5xx: make('consecutive_5xx'),
  consecutive_gateway_failure: make('consecutive_gateway_failure'),
  consecutive_local_origin_failure: make('consecutive_local_origin_failure'),
  success_rate: make('success_rate'),
  local_origin_success_rate: make('local_origin_success_rate'),
  failure_percentage: make('failure_percentage'),
  local_origin_failure_percentage: make('local_origin_failure_percentage'),
})
