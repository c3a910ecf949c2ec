// Statistics of one HTTP connection manager, under Envoy's names (envoy.md §3.2), and one set per upgrade type that
// moves only when a tunnel was accepted.

import type { ClosedBy } from '../core/close-cause.ts'
import type { Counter, Gauge, Histogram, StatRegistry, StatScope } from '../observe/stats/registry.ts'

const COUNTERS = {
  cxTotal: 'downstream_cx_total',
  cxSslTotal: 'downstream_cx_ssl_total',
  cxHttp1Total: 'downstream_cx_http1_total',
  cxHttp2Total: 'downstream_cx_http2_total',
  cxHttp3Total: 'downstream_cx_http3_total',
  cxUpgradesTotal: 'downstream_cx_upgrades_total',
  cxDestroy: 'downstream_cx_destroy',
  cxDestroyRemote: 'downstream_cx_destroy_remote',
  cxDestroyLocal: 'downstream_cx_destroy_local',
  cxDestroyActiveRq: 'downstream_cx_destroy_active_rq',
  cxDestroyRemoteActiveRq: 'downstream_cx_destroy_remote_active_rq',
  cxDestroyLocalActiveRq: 'downstream_cx_destroy_local_active_rq',
  cxProtocolError: 'downstream_cx_protocol_error',
  cxRxBytesTotal: 'downstream_cx_rx_bytes_total',
  cxTxBytesTotal: 'downstream_cx_tx_bytes_total',
  cxDrainClose: 'downstream_cx_drain_close',
  cxIdleTimeout: 'downstream_cx_idle_timeout',
  cxMaxDurationReached: 'downstream_cx_max_duration_reached',
  cxMaxRequestsReached: 'downstream_cx_max_requests_reached',
  cxDelayedCloseTimeout: 'downstream_cx_delayed_close_timeout',
  flowPaused: 'downstream_flow_control_paused_reading_total',
  flowResumed: 'downstream_flow_control_resumed_reading_total',
  rqTotal: 'downstream_rq_total',
  rqHttp1Total: 'downstream_rq_http1_total',
  rqHttp2Total: 'downstream_rq_http2_total',
  rqHttp3Total: 'downstream_rq_http3_total',
  rq1xx: 'downstream_rq_1xx',
  rq2xx: 'downstream_rq_2xx',
  rq3xx: 'downstream_rq_3xx',
  rq4xx: 'downstream_rq_4xx',
  rq5xx: 'downstream_rq_5xx',
  rqCompleted: 'downstream_rq_completed',
  rqWsOnNonWsRoute: 'downstream_rq_ws_on_non_ws_route',
  rqIdleTimeout: 'downstream_rq_idle_timeout',
  rqTimeout: 'downstream_rq_timeout',
  rqHeaderTimeout: 'downstream_rq_header_timeout',
  rqMaxDurationReached: 'downstream_rq_max_duration_reached',
  rqOverloadClose: 'downstream_rq_overload_close',
  rqResponseBeforeRqComplete: 'downstream_rq_response_before_rq_complete',
  rqRxReset: 'downstream_rq_rx_reset',
  rqTxReset: 'downstream_rq_tx_reset',
  rqTooLarge: 'downstream_rq_too_large',
  rqNonRelativePath: 'downstream_rq_non_relative_path',
  rqFailedPathNormalization: 'downstream_rq_failed_path_normalization',
  rqRedirectedWithNormalizedPath: 'downstream_rq_redirected_with_normalized_path',
  noRoute: 'no_route',
  noCluster: 'no_cluster',
  rqRedirect: 'rq_redirect',
  rqDirectResponse: 'rq_direct_response',
  routerRqTotal: 'rq_total',
  rqResetAfterResponse: 'rq_reset_after_downstream_response_started',
} as const

const GAUGES = {
  cxActive: 'downstream_cx_active',
  cxSslActive: 'downstream_cx_ssl_active',
  cxHttp1Active: 'downstream_cx_http1_active',
  cxHttp2Active: 'downstream_cx_http2_active',
  cxHttp3Active: 'downstream_cx_http3_active',
  cxUpgradesActive: 'downstream_cx_upgrades_active',
  rqActive: 'downstream_rq_active',
} as const

type Counters = { readonly [K in keyof typeof COUNTERS]: Counter }
type Gauges = { readonly [K in keyof typeof GAUGES]: Gauge }

/** `http.<stat_prefix>.*` */
export interface HcmStats extends Counters, Gauges {
  readonly cxLengthMs: Histogram
  readonly rqTime: Histogram
  /** Below `http.<stat_prefix>.`, for the codecs. */
  readonly scope: StatScope
  upgrade(type: string): UpgradeStats
}

/** `http.<stat_prefix>.upgrade.<type>.*`: counts acceptance only. */
export interface UpgradeStats {
  readonly acceptedTotal: Counter
  readonly active: Gauge
  readonly refusedTotal: Counter
  readonly bytesReceived: Counter
  readonly bytesSent: Counter
  readonly messagesReceived: Counter
  readonly messagesSent: Counter
  readonly closedBy: { readonly [B in ClosedBy]: Counter }
  readonly lengthMs: Histogram
}

/** Upgrade types that get statistics of their own; the rest share `other`, so that clients cannot make names. */
const MAX_UPGRADE_TYPES = 16

export function hcmStats(registry: StatRegistry, statPrefix: string): HcmStats {
  const scope = registry.scope(`http.${statPrefix}.`, 'http.', [
    { name: 'envoy_http_conn_manager_prefix', value: statPrefix },
  ])
  const upgrades = new Map<string, UpgradeStats>()
  return {
    ...made(COUNTERS, (name) => scope.counter(name)),
    ...made(GAUGES, (name) => scope.gauge(name)),
    cxLengthMs: scope.histogram('downstream_cx_length_ms'),
    rqTime: scope.histogram('downstream_rq_time'),
    scope,
    upgrade(type: string): UpgradeStats {
      const key = type.toLowerCase()
      const known = upgrades.get(key)
      if (known !== undefined) return known
      const name = upgrades.size < MAX_UPGRADE_TYPES ? key : 'other'
      const fresh = upgradeStats(scope, name)
      if (name === key) upgrades.set(key, fresh)
      return fresh
    },
  }
}

/** One statistic for each entry of a table of names. */
function made<K extends string, S>(names: { readonly [F in K]: string }, make: (name: string) => S): { [F in K]: S } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.entries forgets the keys that the table has
  return Object.fromEntries(Object.entries<string>(names).map(([field, name]) => [field, make(name)])) as {
    [F in K]: S
  }
}

function upgradeStats(parent: StatScope, type: string): UpgradeStats {
  const name = type.toLowerCase().replace(/[^a-z0-9_-]/g, '_')
  const scope = parent.scope(`upgrade.${name}.`, 'upgrade.', { name: 'sluice_upgrade_type', value: name })
  return {
    acceptedTotal: scope.counter('accepted_total'),
    active: scope.gauge('active'),
    refusedTotal: scope.counter('refused_total'),
    bytesReceived: scope.counter('bytes_received'),
    bytesSent: scope.counter('bytes_sent'),
    messagesReceived: scope.counter('messages_received'),
    messagesSent: scope.counter('messages_sent'),
    closedBy: {
      client: scope.counter('closed_by_client'),
      upstream: scope.counter('closed_by_upstream'),
      proxy: scope.counter('closed_by_proxy'),
      operator: scope.counter('closed_by_operator'),
    },
    lengthMs: scope.histogram('length_ms'),
  }
}
