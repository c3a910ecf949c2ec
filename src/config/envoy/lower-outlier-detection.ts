// Passive health. Envoy: config.cluster.v3.OutlierDetection.

import type { OutlierDetection } from '../model/outlier-detection.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { milliseconds } from './lower-duration.ts'
import type { OutlierDetection as Message } from './messages.ts'

const DEFAULT_MAX_EJECTION_MS = 300_000

/** undefined = off. */
export function lowerOutlierDetection(
  loading: Loading,
  message: Message | undefined,
  spot: Spot,
): OutlierDetection | undefined {
  if (message === undefined) return undefined
  return {
    consecutive5xx: message.consecutive5xx ?? 5,
    enforcingConsecutive5xx: message.enforcingConsecutive5xx ?? 100,
    consecutiveGatewayFailure: message.consecutiveGatewayFailure ?? 5,
    enforcingConsecutiveGatewayFailure: message.enforcingConsecutiveGatewayFailure ?? 0,
    splitExternalLocalOriginErrors: message.splitExternalLocalOriginErrors,
    consecutiveLocalOriginFailure: message.consecutiveLocalOriginFailure ?? 5,
    enforcingConsecutiveLocalOriginFailure: message.enforcingConsecutiveLocalOriginFailure ?? 100,
    intervalMs: message.interval === undefined ? 10_000 : milliseconds(message.interval),
    ...lowerTimes(loading, message, spot),
    maxEjectionPercent: message.maxEjectionPercent ?? 10,
    alwaysEjectOneHost: message.alwaysEjectOneHost ?? false,
    successRate: {
      enforcing: message.enforcingSuccessRate ?? 100,
      enforcingLocalOrigin: message.enforcingLocalOriginSuccessRate ?? 100,
      minimumHosts: message.successRateMinimumHosts ?? 5,
      requestVolume: message.successRateRequestVolume ?? 100,
      stdevFactor: message.successRateStdevFactor ?? 1900,
    },
    failurePercentage: {
      threshold: message.failurePercentageThreshold ?? 85,
      enforcing: message.enforcingFailurePercentage ?? 0,
      enforcingLocalOrigin: message.enforcingFailurePercentageLocalOrigin ?? 0,
      minimumHosts: message.failurePercentageMinimumHosts ?? 5,
      requestVolume: message.failurePercentageRequestVolume ?? 50,
    },
    successfulActiveHealthCheckUnejectHost: message.successfulActiveHealthCheckUnejectHost ?? true,
    place: spot.place,
  }
}

function lowerTimes(
  loading: Loading,
  { baseEjectionTime, maxEjectionTime, maxEjectionTimeJitter }: Message,
  spot: Spot,
): Pick<OutlierDetection, 'baseEjectionTimeMs' | 'maxEjectionTimeMs' | 'maxEjectionTimeJitterMs'> {
  const baseEjectionTimeMs = baseEjectionTime === undefined ? 30_000 : milliseconds(baseEjectionTime)
  const maxEjectionTimeMs =
    maxEjectionTime === undefined
      ? Math.max(DEFAULT_MAX_EJECTION_MS, baseEjectionTimeMs)
      : milliseconds(maxEjectionTime)
  if (maxEjectionTimeMs < baseEjectionTimeMs)
    loading.error(
      spot.field('max_ejection_time'),
      "outlier detector's max_ejection_time cannot be smaller than base_ejection_time",
      'raise max_ejection_time, or lower base_ejection_time (30s unless it is set)',
    )
  const maxEjectionTimeJitterMs = maxEjectionTimeJitter === undefined ? 0 : milliseconds(maxEjectionTimeJitter)
  return { baseEjectionTimeMs, maxEjectionTimeMs, maxEjectionTimeJitterMs }
}
