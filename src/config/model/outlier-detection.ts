// Passive health: endpoints whose traffic goes wrong are left out for a while. Envoy: config.cluster.v3.OutlierDetection,
// defaults filled in. Percentages 0..100.

import type { Place } from './place.ts'

export interface OutlierDetection {
  readonly consecutive5xx: number
  readonly enforcingConsecutive5xx: number
  readonly consecutiveGatewayFailure: number
  readonly enforcingConsecutiveGatewayFailure: number
  readonly splitExternalLocalOriginErrors: boolean
  readonly consecutiveLocalOriginFailure: number
  readonly enforcingConsecutiveLocalOriginFailure: number
  readonly intervalMs: number
  readonly baseEjectionTimeMs: number
  readonly maxEjectionTimeMs: number
  readonly maxEjectionTimeJitterMs: number
  readonly maxEjectionPercent: number
  readonly alwaysEjectOneHost: boolean
  readonly successRate: {
    readonly enforcing: number
    readonly enforcingLocalOrigin: number
    readonly minimumHosts: number
    readonly requestVolume: number
    /** In thousandths: 1900 = 1.9 standard deviations. */
    readonly stdevFactor: number
  }
  readonly failurePercentage: {
    readonly threshold: number
    readonly enforcing: number
    readonly enforcingLocalOrigin: number
    readonly minimumHosts: number
    readonly requestVolume: number
  }
  /** A successful active check ends an ejection. */
  readonly successfulActiveHealthCheckUnejectHost: boolean
  readonly place: Place
}
