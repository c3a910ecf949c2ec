// Statistics of one listener under Envoy's names (envoy.md §3.2).

import type { Counter, Gauge, Histogram, StatRegistry } from '../observe/stats/registry.ts'

export interface ListenerStats {
  readonly cxTotal: Counter
  readonly cxActive: Gauge
  readonly cxDestroy: Counter
  readonly cxLengthMs: Histogram
  /** Connections that wait, unread, for one of those at the listener's limit to end. */
  readonly cxWaiting: Gauge
  readonly cxWaited: Counter
  /** Closed because too many waited. */
  readonly cxOverflow: Counter
  readonly preCxActive: Gauge
  readonly preCxTimeout: Counter
  readonly transportSocketConnectTimeout: Counter
  readonly noFilterChainMatch: Counter
  readonly sslHandshake: Counter
  readonly sslConnectionError: Counter
  readonly sslSessionReused: Counter
  readonly sslNoCertificate: Counter
}

/** `listener.<prefix>.*`; colons of an address become underscores. */
export function listenerStats(registry: StatRegistry, prefix: string): ListenerStats {
  const name = prefix.replaceAll(':', '_')
  const scope = registry.scope(`listener.${name}.`, 'listener.', [{ name: 'envoy_listener_address', value: name }])
  return {
    cxTotal: scope.counter('downstream_cx_total'),
    cxActive: scope.gauge('downstream_cx_active'),
    cxDestroy: scope.counter('downstream_cx_destroy'),
    cxLengthMs: scope.histogram('downstream_cx_length_ms'),
    cxWaiting: scope.gauge('downstream_cx_waiting'),
    cxWaited: scope.counter('downstream_cx_waited'),
    cxOverflow: scope.counter('downstream_cx_overflow'),
    preCxActive: scope.gauge('downstream_pre_cx_active'),
    preCxTimeout: scope.counter('downstream_pre_cx_timeout'),
    transportSocketConnectTimeout: scope.counter('downstream_cx_transport_socket_connect_timeout'),
    noFilterChainMatch: scope.counter('no_filter_chain_match'),
    sslHandshake: scope.counter('ssl.handshake'),
    sslConnectionError: scope.counter('ssl.connection_error'),
    sslSessionReused: scope.counter('ssl.session_reused'),
    sslNoCertificate: scope.counter('ssl.no_certificate'),
  }
}
