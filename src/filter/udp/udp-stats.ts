// Statistics of UDP proxying under Envoy's names (envoy.md §3.2): `udp.<prefix>.*` and `cluster.<name>.udp.*`.

import type { StatRegistry, StatScope } from '../../observe/stats/registry.ts'

export type UdpProxyStats = ReturnType<typeof udpProxyStats>
export type UdpClusterStats = ReturnType<typeof udpClusterStats>

/** `rx` is from the client, `tx` to it. */
export function udpProxyStats(registry: StatRegistry, prefix: string) {
  const scope = registry.scope(`udp.${prefix}.`, 'udp.', [{ name: 'envoy_udp_prefix', value: prefix }])
  return {
    total: scope.counter('downstream_sess_total'),
    active: scope.gauge('downstream_sess_active'),
    noRoute: scope.counter('downstream_sess_no_route'),
    rxBytes: scope.counter('downstream_sess_rx_bytes'),
    rxDatagrams: scope.counter('downstream_sess_rx_datagrams'),
    rxErrors: scope.counter('downstream_sess_rx_errors'),
    txBytes: scope.counter('downstream_sess_tx_bytes'),
    txDatagrams: scope.counter('downstream_sess_tx_datagrams'),
    txErrors: scope.counter('downstream_sess_tx_errors'),
    idleTimeout: scope.counter('idle_timeout'),
    sessionFilterConfigMissing: scope.counter('session_filter_config_missing'),
    /** Sluice's own: datagrams that would have opened one session too many. */
    overflow: scope.counter('downstream_sess_overflow'),
  }
}

/** `cluster` is the cluster's scope; `tx` is to the upstream, `rx` from it. */
export function udpClusterStats(cluster: StatScope) {
  const scope = cluster.scope('udp.')
  return {
    rxDatagrams: scope.counter('sess_rx_datagrams'),
    rxDatagramsDropped: scope.counter('sess_rx_datagrams_dropped'),
    rxErrors: scope.counter('sess_rx_errors'),
    txDatagrams: scope.counter('sess_tx_datagrams'),
    txErrors: scope.counter('sess_tx_errors'),
    tunnelSuccess: scope.counter('sess_tunnel_success'),
    tunnelFailure: scope.counter('sess_tunnel_failure'),
    tunnelBufferOverflow: scope.counter('sess_tunnel_buffer_overflow'),
  }
}
