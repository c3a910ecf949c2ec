// The TCP and UDP proxies.

import { formatText } from '../model/format-parse.ts'
import type { TcpProxy, TunnelingConfig } from '../model/tcp-proxy.ts'
import type { UdpProxy, UdpTunnelingConfig } from '../model/udp-proxy.ts'
import { accessLogs } from './access-log.ts'
import { headerOption } from './header-mutation.ts'
import {
  duration,
  extension,
  fields,
  type Fields,
  listOf,
  optional,
  timeout,
  typed,
  unless,
  unlessEmpty,
} from './json.ts'
import { tlvEntries } from './proxy-protocol.ts'

const MODES = {
  immediate: undefined,
  'on-downstream-data': 'ON_DOWNSTREAM_DATA',
  'on-downstream-tls-handshake': 'ON_DOWNSTREAM_TLS_HANDSHAKE',
} as const

const MERGES = {
  'add-if-absent': undefined,
  'overwrite-by-type': 'OVERWRITE_BY_TYPE_IF_EXISTS_OR_ADD',
  append: 'APPEND_IF_EXISTS_OR_ADD',
} as const

/** TcpProxy. */
export const tcpProxy = (proxy: TcpProxy): Fields =>
  fields({
    stat_prefix: proxy.statPrefix,
    ...(proxy.clusters.length === 1 && proxy.clusters[0]?.weight === 1
      ? { cluster: proxy.clusters[0].name }
      : { weighted_clusters: { clusters: proxy.clusters.map(({ name, weight }) => ({ name, weight })) } }),
    tunneling_config: proxy.tunneling && tunneling(proxy.tunneling),
    idle_timeout: timeout(proxy.idleTimeoutMs, 3_600_000),
    max_connect_attempts: unless(proxy.maxConnectAttempts, 1),
    backoff_options: backoff(proxy.backoff),
    max_downstream_connection_duration: optional(proxy.maxDurationMs),
    max_downstream_connection_duration_jitter_percentage:
      proxy.maxDurationJitterPercent === 0 ? undefined : { value: proxy.maxDurationJitterPercent },
    upstream_connect_mode: MODES[proxy.connectMode],
    max_early_data_bytes: proxy.maxEarlyDataBytes,
    access_log: accessLogs(proxy.accessLogs),
    access_log_options: unlessEmpty(
      fields({
        access_log_flush_interval: optional(proxy.accessLogOptions.flushIntervalMs),
        flush_access_log_on_connected: unless(proxy.accessLogOptions.onConnected, false),
        flush_access_log_on_start: unless(proxy.accessLogOptions.onStart, false),
      }),
    ),
    proxy_protocol_tlvs: tlvEntries(proxy.proxyProtocolTlvs),
    proxy_protocol_tlv_merge_policy: MERGES[proxy.tlvMerge],
    check_drain_close: unless(proxy.checkDrainClose, false),
    hash_policy: listOf(proxy.hashPolicies, ({ source }) =>
      source.kind === 'filter-state' ? { filter_state: { key: source.key } } : { source_ip: {} },
    ),
  })

const backoff = (it: TcpProxy['backoff']): Fields | undefined =>
  it && { base_interval: duration(it.baseMs), max_interval: duration(it.maxMs) }

const tunneling = (config: TunnelingConfig): Fields =>
  fields({
    hostname: formatText(config.hostname),
    use_post: unless(config.usePost, false),
    post_path: unless(config.postPath, '/'),
    headers_to_add: listOf(config.headers, headerOption),
    propagate_response_headers: unless(config.propagateResponseHeaders, false),
    propagate_response_trailers: unless(config.propagateResponseTrailers, false),
    ...(config.requestId === undefined
      ? {}
      : {
          request_id_extension: {
            typed_config: typed('envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig'),
          },
          request_id_header: config.requestId.header,
          request_id_metadata_key: config.requestId.metadataKey,
        }),
  })

/** The udp_proxy listener filter. */
export const udpProxyFilter = (proxy: UdpProxy): Fields =>
  extension(
    'envoy.filters.udp_listener.udp_proxy',
    'envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig',
    fields({
      stat_prefix: proxy.statPrefix,
      matcher: {
        on_no_match: {
          action: extension('route', 'envoy.extensions.filters.udp.udp_proxy.v3.Route', { cluster: proxy.cluster }),
        },
      },
      hash_policies: listOf(proxy.hashPolicies, () => ({ source_ip: true })),
      idle_timeout: proxy.idleTimeoutMs === 60_000 ? undefined : duration(proxy.idleTimeoutMs),
      tunneling_config: proxy.tunneling && udpTunneling(proxy.tunneling),
      session_filters: proxy.capsules
        ? [
            extension(
              'envoy.filters.udp.session.http_capsule',
              'envoy.extensions.filters.udp.udp_proxy.session.http_capsule.v3.FilterConfig',
            ),
          ]
        : undefined,
      access_log: accessLogs(proxy.accessLogs),
      access_log_options: unlessEmpty(
        fields({
          access_log_flush_interval: optional(proxy.accessLogOptions.flushIntervalMs),
          flush_access_log_on_tunnel_connected: unless(proxy.accessLogOptions.onTunnelConnected, false),
        }),
      ),
    }),
  )

const udpTunneling = (config: UdpTunnelingConfig): Fields =>
  fields({
    proxy_host: formatText(config.proxyHost),
    proxy_port: config.proxyPort,
    target_host: formatText(config.targetHost),
    default_target_port: config.defaultTargetPort,
    use_post: unless(config.usePost, false),
    post_path: unless(config.postPath, '/'),
    retry_options: unlessEmpty(
      fields({
        max_connect_attempts: unless(config.maxConnectAttempts, 1),
        backoff_options: backoff(config.backoff),
      }),
    ),
    headers_to_add: listOf(config.headers, headerOption),
    buffer_options: config.buffer && {
      max_buffered_datagrams: config.buffer.maxDatagrams,
      max_buffered_bytes: config.buffer.maxBytes,
    },
    propagate_response_headers: unless(config.propagateResponseHeaders, false),
    propagate_response_trailers: unless(config.propagateResponseTrailers, false),
  })
