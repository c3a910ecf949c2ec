// Passive health.

import type { OutlierDetection } from '../model/outlier-detection.ts'
import { duration, fields, type Fields, unless } from './json.ts'

/** OutlierDetection. */
export const outlierDetection = (it: OutlierDetection): Fields =>
  fields({
    consecutive_5xx: unless(it.consecutive5xx, 5),
    interval: it.intervalMs === 10_000 ? undefined : duration(it.intervalMs),
    base_ejection_time: it.baseEjectionTimeMs === 30_000 ? undefined : duration(it.baseEjectionTimeMs),
    max_ejection_percent: unless(it.maxEjectionPercent, 10),
    enforcing_consecutive_5xx: unless(it.enforcingConsecutive5xx, 100),
    consecutive_gateway_failure: unless(it.consecutiveGatewayFailure, 5),
    enforcing_consecutive_gateway_failure: unless(it.enforcingConsecutiveGatewayFailure, 0),
    split_external_local_origin_errors: unless(it.splitExternalLocalOriginErrors, false),
    consecutive_local_origin_failure: unless(it.consecutiveLocalOriginFailure, 5),
    enforcing_consecutive_local_origin_failure: unless(it.enforcingConsecutiveLocalOriginFailure, 100),
    enforcing_success_rate: unless(it.successRate.enforcing, 100),
    enforcing_local_origin_success_rate: unless(it.successRate.enforcingLocalOrigin, 100),
    success_rate_minimum_hosts: unless(it.successRate.minimumHosts, 5),
    success_rate_request_volume: unless(it.successRate.requestVolume, 100),
    success_rate_stdev_factor: unless(it.successRate.stdevFactor, 1900),
    failure_percentage_threshold: unless(it.failurePercentage.threshold, 85),
    enforcing_failure_percentage: unless(it.failurePercentage.enforcing, 0),
    enforcing_failure_percentage_local_origin: unless(it.failurePercentage.enforcingLocalOrigin, 0),
    failure_percentage_minimum_hosts: unless(it.failurePercentage.minimumHosts, 5),
    failure_percentage_request_volume: unless(it.failurePercentage.requestVolume, 50),
    max_ejection_time: duration(it.maxEjectionTimeMs),
    max_ejection_time_jitter: it.maxEjectionTimeJitterMs === 0 ? undefined : duration(it.maxEjectionTimeJitterMs),
    successful_active_health_check_uneject_host: unless(it.successfulActiveHealthCheckUnejectHost, true),
    always_eject_one_host: unless(it.alwaysEjectOneHost, false),
  })
