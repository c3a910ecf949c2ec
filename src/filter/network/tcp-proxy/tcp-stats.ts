// Statistics of a tcp_proxy under Envoy's names, `tcp.<stat_prefix>.*` (envoy.md §3.2).

import type { Counter, StatRegistry } from '../../../observe/stats/registry.ts'
import type { TunnelObserver } from '../../../tunnel/direction.ts'

export interface TcpStats {
  readonly cxTotal: Counter
  readonly cxNoRoute: Counter
  readonly cxRxBytesTotal: Counter
  readonly cxTxBytesTotal: Counter
  readonly flowPaused: Counter
  readonly flowResumed: Counter
  /** Sessions whose client sent before the upstream stood. */
  readonly earlyDataReceived: Counter
  readonly idleTimeout: Counter
  readonly maxDuration: Counter
  /** Count bytes while they flow; for the bridge, which calls them detached. */
  readonly countReceived: TunnelObserver
  readonly countSent: TunnelObserver
}

/** The statistics of `statPrefix`; filters that share a prefix share them. */
export function tcpStats(registry: StatRegistry, statPrefix: string): TcpStats {
  const scope = registry.scope(`tcp.${statPrefix}.`, 'tcp.', [{ name: 'envoy_tcp_prefix', value: statPrefix }])
  const cxRxBytesTotal = scope.counter('downstream_cx_rx_bytes_total')
  const cxTxBytesTotal = scope.counter('downstream_cx_tx_bytes_total')
  return {
    cxTotal: scope.counter('downstream_cx_total'),
    cxNoRoute: scope.counter('downstream_cx_no_route'),
    cxRxBytesTotal,
    cxTxBytesTotal,
    flowPaused: scope.counter('downstream_flow_control_paused_reading_total'),
    flowResumed: scope.counter('downstream_flow_control_resumed_reading_total'),
    earlyDataReceived: scope.counter('early_data_received_count_total'),
    idleTimeout: scope.counter('idle_timeout'),
    maxDuration: scope.counter('max_downstream_connection_duration'),
    countReceived(_buffer, start, end) {
      cxRxBytesTotal.value += end - start
    },
    countSent(_buffer, start, end) {
      cxTxBytesTotal.value += end - start
    },
  }
}
