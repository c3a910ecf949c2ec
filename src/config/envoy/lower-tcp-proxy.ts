// The TCP proxy of a filter chain. Envoy: extensions.filters.network.tcp_proxy.v3.

import { nearestName } from '../model/nearest-name.ts'
import type { TcpAccessLogOptions, TcpProxy } from '../model/tcp-proxy.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerAccessLogs } from './lower-access-log.ts'
import { lowerBackoff } from './lower-backoff.ts'
import { timeout } from './lower-duration.ts'
import { each } from './lower-each.ts'
import { lowerConnectionHashPolicies } from './lower-hash-policy.ts'
import { lowerTlvs } from './lower-proxy-protocol.ts'
import { lowerTunneling } from './lower-tunneling.ts'
import {
  ProxyProtocolTlvMergePolicy as Merge,
  UpstreamConnectMode as Mode,
  type TcpProxy as Message,
} from './messages.ts'

/** Envoy's idle timeout when none is set: one hour. */
const IDLE_TIMEOUT = 3_600_000

const MODES: { readonly [mode in Mode]: TcpProxy['connectMode'] } = {
  [Mode.IMMEDIATE]: 'immediate',
  [Mode.ON_DOWNSTREAM_DATA]: 'on-downstream-data',
  [Mode.ON_DOWNSTREAM_TLS_HANDSHAKE]: 'on-downstream-tls-handshake',
}

const MERGES: { readonly [policy in Merge]: TcpProxy['tlvMerge'] } = {
  [Merge.ADD_IF_ABSENT]: 'add-if-absent',
  [Merge.OVERWRITE_BY_TYPE_IF_EXISTS_OR_ADD]: 'overwrite-by-type',
  [Merge.APPEND_IF_EXISTS_OR_ADD]: 'append',
}

export function lowerTcpProxy(loading: Loading, message: Message, spot: Spot): TcpProxy {
  const clusters = lowerClusters(loading, message, spot)
  if (message.upstreamConnectMode !== Mode.IMMEDIATE && message.maxEarlyDataBytes === undefined) {
    loading.error(
      spot.field('upstream_connect_mode'),
      'max_early_data_bytes must be set when upstream_connect_mode is not IMMEDIATE',
      'max_early_data_bytes: 0 keeps nothing',
    )
  }
  return {
    kind: 'tcp-proxy',
    statPrefix: message.statPrefix,
    clusters,
    totalWeight: clusters.reduce((sum, cluster) => sum + cluster.weight, 0),
    tunneling:
      message.tunnelingConfig && lowerTunneling(loading, message.tunnelingConfig, spot.field('tunneling_config')),
    idleTimeoutMs: timeout(message.idleTimeout, IDLE_TIMEOUT),
    maxConnectAttempts: message.maxConnectAttempts ?? 1,
    backoff: lowerBackoff(loading, message.backoffOptions, spot.field('backoff_options')),
    maxDurationMs: timeout(message.maxDownstreamConnectionDuration, undefined),
    maxDurationJitterPercent: message.maxDownstreamConnectionDurationJitterPercentage?.value ?? 0,
    connectMode: MODES[message.upstreamConnectMode],
    maxEarlyDataBytes: message.maxEarlyDataBytes,
    accessLogs: lowerAccessLogs(loading, message.accessLog, spot.field('access_log')),
    accessLogOptions: lowerLogOptions(loading, message, spot),
    proxyProtocolTlvs: lowerTlvs(loading, message.proxyProtocolTlvs, spot.field('proxy_protocol_tlvs')),
    tlvMerge: MERGES[message.proxyProtocolTlvMergePolicy],
    checkDrainClose: message.checkDrainClose ?? false,
    hashPolicies: lowerConnectionHashPolicies(message.hashPolicy),
    place: spot.place,
  }
}

function lowerClusters(loading: Loading, message: Message, spot: Spot): TcpProxy['clusters'] {
  const specifier = message.clusterSpecifier
  switch (specifier.case) {
    case 'cluster':
      checkKnownCluster(loading, specifier.value, spot.field('cluster'), 'tcp_proxy')
      return [{ name: specifier.value, weight: 1 }]
    case 'weightedClusters':
      return each(
        specifier.value.clusters,
        spot.field('weighted_clusters').field('clusters'),
        ({ name, weight }, at) => {
          checkKnownCluster(loading, name, at.field('name'), 'tcp_proxy')
          return { name, weight }
        },
      )
    case undefined:
      return []
  }
}

/** Envoy takes a name of no cluster, as a management server may bring it later; here none does, so it is said aloud. */
export function checkKnownCluster(loading: Loading, name: string, spot: Spot, who: string): void {
  if (name === '' || loading.clusterNames.has(name)) return
  const nearest = nearestName(name, loading.clusterNames)
  loading.warning(
    spot,
    `${who}: unknown cluster '${name}': nothing that comes here is served`,
    nearest === undefined ? 'it must stand in static_resources.clusters' : `did you mean "${nearest}"?`,
  )
}

/** The options and their deprecated twins, which exclude one another. */
function lowerLogOptions(loading: Loading, message: Message, spot: Spot): TcpAccessLogOptions {
  const options = message.accessLogOptions
  if (options !== undefined && message.flushAccessLogOnConnected)
    loading.error(
      spot.field('flush_access_log_on_connected'),
      'Only one of flush_access_log_on_connected or access_log_options can be specified.',
      'it is deprecated; set access_log_options.flush_access_log_on_connected',
    )
  if (options !== undefined && message.accessLogFlushInterval !== undefined)
    loading.error(
      spot.field('access_log_flush_interval'),
      'Only one of access_log_flush_interval or access_log_options can be specified.',
      'it is deprecated; set access_log_options.access_log_flush_interval',
    )
  return {
    flushIntervalMs: timeout(options?.accessLogFlushInterval ?? message.accessLogFlushInterval, undefined),
    onConnected: options?.flushAccessLogOnConnected ?? message.flushAccessLogOnConnected,
    onStart: options?.flushAccessLogOnStart ?? false,
  }
}
