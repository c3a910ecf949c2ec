// Statistics of a cluster under Envoy's names (`cluster.<name>.upstream_…`). One object per cluster; the data path holds it
// and changes numbers. A field is the statistic's name in camel case.

import type { Counter, StatRegistry, StatScope } from '../observe/stats/registry.ts'

/** All statistics of one cluster. */
export type ClusterStats = ConnectionStats &
  RequestStats &
  TrafficStats &
  MembershipStats & { readonly responses: ResponseCodeStats }

type ConnectionStats = ReturnType<typeof connectionStats>
type RequestStats = ReturnType<typeof requestStats>
type TrafficStats = ReturnType<typeof trafficStats>
type MembershipStats = ReturnType<typeof membershipStats>

/** Scope of a cluster's statistics. Colons would be taken for tag separators by sinks, so Envoy makes them underscores. */
export function clusterScope(registry: StatRegistry, statName: string): StatScope {
  const name = statName.replaceAll(':', '_')
  return registry.scope(`cluster.${name}.`, 'cluster.', [{ name: 'envoy_cluster_name', value: name }])
}

/** The statistics of the cluster whose scope this is; asking again gives the same numbers. */
export function clusterStats(scope: StatScope): ClusterStats {
  return {
    ...connectionStats(scope),
    ...requestStats(scope),
    ...trafficStats(scope),
    ...membershipStats(scope),
    responses: new ResponseCodeStats(scope),
  }
}

function connectionStats(scope: StatScope) {
  return {
    upstreamCxTotal: scope.counter('upstream_cx_total'),
    upstreamCxActive: scope.gauge('upstream_cx_active'),
    upstreamCxHttp1Total: scope.counter('upstream_cx_http1_total'),
    upstreamCxHttp2Total: scope.counter('upstream_cx_http2_total'),
    upstreamCxHttp3Total: scope.counter('upstream_cx_http3_total'),
    upstreamCxConnectFail: scope.counter('upstream_cx_connect_fail'),
    upstreamCxConnectTimeout: scope.counter('upstream_cx_connect_timeout'),
    upstreamCxConnectAttemptsExceeded: scope.counter('upstream_cx_connect_attempts_exceeded'),
    upstreamCxConnectMs: scope.histogram('upstream_cx_connect_ms'),
    upstreamCxLengthMs: scope.histogram('upstream_cx_length_ms'),
    upstreamCxDestroy: scope.counter('upstream_cx_destroy'),
    upstreamCxDestroyLocal: scope.counter('upstream_cx_destroy_local'),
    upstreamCxDestroyRemote: scope.counter('upstream_cx_destroy_remote'),
    upstreamCxDestroyWithActiveRq: scope.counter('upstream_cx_destroy_with_active_rq'),
    upstreamCxDestroyLocalWithActiveRq: scope.counter('upstream_cx_destroy_local_with_active_rq'),
    upstreamCxDestroyRemoteWithActiveRq: scope.counter('upstream_cx_destroy_remote_with_active_rq'),
    upstreamCxCloseNotify: scope.counter('upstream_cx_close_notify'),
    upstreamCxIdleTimeout: scope.counter('upstream_cx_idle_timeout'),
    upstreamCxMaxDurationReached: scope.counter('upstream_cx_max_duration_reached'),
    upstreamCxMaxRequests: scope.counter('upstream_cx_max_requests'),
    upstreamCxNoneHealthy: scope.counter('upstream_cx_none_healthy'),
    upstreamCxOverflow: scope.counter('upstream_cx_overflow'),
    upstreamCxPoolOverflow: scope.counter('upstream_cx_pool_overflow'),
    upstreamCxProtocolError: scope.counter('upstream_cx_protocol_error'),
    bindErrors: scope.counter('bind_errors'),
    internalUpstreamNoMetadata: scope.counter('internal_upstream.no_metadata'),
  }
}

function requestStats(scope: StatScope) {
  return {
    upstreamRqTotal: scope.counter('upstream_rq_total'),
    upstreamRqActive: scope.gauge('upstream_rq_active'),
    upstreamRqPendingTotal: scope.counter('upstream_rq_pending_total'),
    upstreamRqPendingActive: scope.gauge('upstream_rq_pending_active'),
    upstreamRqPendingOverflow: scope.counter('upstream_rq_pending_overflow'),
    upstreamRqPendingFailureEject: scope.counter('upstream_rq_pending_failure_eject'),
    upstreamRqActiveOverflow: scope.counter('upstream_rq_active_overflow'),
    upstreamRqCancelled: scope.counter('upstream_rq_cancelled'),
    upstreamRqTimeout: scope.counter('upstream_rq_timeout'),
    upstreamRqPerTryTimeout: scope.counter('upstream_rq_per_try_timeout'),
    upstreamRqPerTryIdleTimeout: scope.counter('upstream_rq_per_try_idle_timeout'),
    upstreamRqMaxDurationReached: scope.counter('upstream_rq_max_duration_reached'),
    upstreamRqRxReset: scope.counter('upstream_rq_rx_reset'),
    upstreamRqTxReset: scope.counter('upstream_rq_tx_reset'),
    upstreamRqRetry: scope.counter('upstream_rq_retry'),
    upstreamRqRetrySuccess: scope.counter('upstream_rq_retry_success'),
    upstreamRqRetryOverflow: scope.counter('upstream_rq_retry_overflow'),
    upstreamRqRetryLimitExceeded: scope.counter('upstream_rq_retry_limit_exceeded'),
    upstreamRqRetryBackoffExponential: scope.counter('upstream_rq_retry_backoff_exponential'),
    upstreamRqRetryBackoffRatelimited: scope.counter('upstream_rq_retry_backoff_ratelimited'),
    upstreamRqMaintenanceMode: scope.counter('upstream_rq_maintenance_mode'),
    upstreamRqCompleted: scope.counter('upstream_rq_completed'),
    upstreamRqTime: scope.histogram('upstream_rq_time'),
    retryOrShadowAbandoned: scope.counter('retry_or_shadow_abandoned'),
    originalDstHostInvalid: scope.counter('original_dst_host_invalid'),
  }
}

function trafficStats(scope: StatScope) {
  return {
    upstreamCxRxBytesTotal: scope.counter('upstream_cx_rx_bytes_total'),
    upstreamCxRxBytesBuffered: scope.gauge('upstream_cx_rx_bytes_buffered'),
    upstreamCxTxBytesTotal: scope.counter('upstream_cx_tx_bytes_total'),
    upstreamCxTxBytesBuffered: scope.gauge('upstream_cx_tx_bytes_buffered'),
    upstreamFlowControlPausedReadingTotal: scope.counter('upstream_flow_control_paused_reading_total'),
    upstreamFlowControlResumedReadingTotal: scope.counter('upstream_flow_control_resumed_reading_total'),
    upstreamFlowControlBackedUpTotal: scope.counter('upstream_flow_control_backed_up_total'),
    upstreamFlowControlDrainedTotal: scope.counter('upstream_flow_control_drained_total'),
  }
}

function membershipStats(scope: StatScope) {
  return {
    membershipChange: scope.counter('membership_change'),
    membershipTotal: scope.gauge('membership_total'),
    membershipHealthy: scope.gauge('membership_healthy'),
    membershipDegraded: scope.gauge('membership_degraded'),
    lbHealthyPanic: scope.counter('lb_healthy_panic'),
    membershipExcluded: scope.gauge('membership_excluded'),
    updateAttempt: scope.counter('update_attempt'),
    updateSuccess: scope.counter('update_success'),
    updateFailure: scope.counter('update_failure'),
    updateEmpty: scope.counter('update_empty'),
    updateNoRebuild: scope.counter('update_no_rebuild'),
  }
}

/** `upstream_rq_<code>` and `upstream_rq_<N>xx`, made when a code is first seen: a few hundred counters at most. */
export class ResponseCodeStats {
  readonly #scope: StatScope
  readonly #codes: (Counter | undefined)[] = []
  readonly #classes: (Counter | undefined)[] = []

  constructor(scope: StatScope) {
    this.#scope = scope
  }

  /** Counts a response; codes outside 100..599 only by nothing at all, for a peer chooses them. */
  count(status: number): void {
    if (!Number.isInteger(status) || status < 100 || status > 599) return
    this.#code(status).value++
    this.#class(Math.floor(status / 100)).value++
  }

  #code(status: number): Counter {
    const tag = { name: 'envoy_response_code', value: String(status) }
    return (this.#codes[status] ??= this.#scope.scope(`upstream_rq_${status}`, 'upstream_rq', tag).counter(''))
  }

  #class(digit: number): Counter {
    const tag = { name: 'envoy_response_code_class', value: String(digit) }
    return (this.#classes[digit] ??= this.#scope.scope(`upstream_rq_${digit}xx`, 'upstream_rq_xx', tag).counter(''))
  }
}
