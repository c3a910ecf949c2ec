// Outlier detection with Envoy's defaults, but for the share of endpoints that may be ejected.

import type { OutlierDetection } from '../../../../src/config/model/outlier-detection.ts'
import { NOWHERE } from '../../../../src/config/model/place.ts'

export const OUTLIERS: OutlierDetection = {
  consecutive5xx: 5,
  enforcingConsecutive5xx: 100,
  consecutiveGatewayFailure: 5,
  enforcingConsecutiveGatewayFailure: 0,
  splitExternalLocalOriginErrors: false,
  consecutiveLocalOriginFailure: 5,
  enforcingConsecutiveLocalOriginFailure: 100,
  intervalMs: 10_000,
  baseEjectionTimeMs: 30_000,
  maxEjectionTimeMs: 300_000,
  maxEjectionTimeJitterMs: 0,
  maxEjectionPercent: 50,
  alwaysEjectOneHost: false,
  successRate: { enforcing: 100, enforcingLocalOrigin: 100, minimumHosts: 5, requestVolume: 100, stdevFactor: 1900 },
  failurePercentage: { threshold: 85, enforcing: 0, enforcingLocalOrigin: 0, minimumHosts: 5, requestVolume: 50 },
  successfulActiveHealthCheckUnejectHost: true,
  place: NOWHERE,
}
