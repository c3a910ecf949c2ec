// What Sluice takes of Envoy's messages for tunnels: network, listener and UDP filters, nested transport sockets, clusters
// that dial what clients name, PROXY protocol and metadata; and of its own messages.

import { CORE, fields, FILTER, RUNTIME, type Row } from './support-row.ts'

const NETWORK = 'envoy.extensions.filters.network.'
const TCP_PROXY = `${NETWORK}tcp_proxy.v3.TcpProxy`
const LISTENER_FILTER = 'envoy.extensions.filters.listener.'
const UDP = 'envoy.extensions.filters.udp.udp_proxy.'
const UDP_PROXY = `${UDP}v3.UdpProxyConfig`
const SOCKET = 'envoy.extensions.transport_sockets.'
const CLUSTER = 'envoy.config.cluster.v3.'
const RBAC = 'envoy.config.rbac.v3.'
const NO_HTTP = 'a network filter sees no HTTP'

const networkFilters: Record<string, Row> = {
  [TCP_PROXY]: fields(
    `stat_prefix cluster weighted_clusters idle_timeout access_log access_log_options access_log_flush_interval
     flush_access_log_on_connected max_connect_attempts backoff_options tunneling_config
     max_downstream_connection_duration max_downstream_connection_duration_jitter_percentage proxy_protocol_tlvs
     upstream_connect_mode max_early_data_bytes proxy_protocol_tlv_merge_policy check_drain_close hash_policy`,
    {
      downstream_idle_timeout: 'Envoy does not implement it either',
      upstream_idle_timeout: 'Envoy does not implement it either',
    },
    {
      on_demand: 'clusters are static: name one in cluster',
      metadata_match: 'subset load balancing is not there: make a cluster of the subset and name that',
    },
  ),
  [`${TCP_PROXY}.WeightedCluster`]: fields('clusters'),
  [`${TCP_PROXY}.WeightedCluster.ClusterWeight`]: fields(
    'name weight',
    {},
    { metadata_match: 'subset load balancing is not there: make a cluster of the subset and name that' },
  ),
  [`${TCP_PROXY}.TunnelingConfig`]: fields(
    `hostname use_post headers_to_add propagate_response_headers post_path propagate_response_trailers
     request_id_extension request_id_header request_id_metadata_key`,
  ),
  [`${TCP_PROXY}.TcpAccessLogOptions`]: fields(
    'access_log_flush_interval flush_access_log_on_connected flush_access_log_on_start',
  ),
  [`${NETWORK}http_connection_manager.v3.RequestIDExtension`]: fields('typed_config'),
  'envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig': fields('', {
    pack_trace_reason: 'there is no tracing',
    use_request_id_for_trace_sampling: 'there is no tracing',
  }),
  [`${CORE}BackoffStrategy`]: fields('base_interval max_interval'),
  [`${NETWORK}connection_limit.v3.ConnectionLimit`]: fields('stat_prefix max_connections delay runtime_enabled'),
  [`${NETWORK}local_ratelimit.v3.LocalRateLimit`]: fields('stat_prefix token_bucket runtime_enabled share_key'),
  'envoy.type.v3.TokenBucket': fields('max_tokens tokens_per_fill fill_interval'),
  [`${CORE}RuntimeFeatureFlag`]: fields('default_value', { runtime_key: RUNTIME }),
  [`${NETWORK}sni_dynamic_forward_proxy.v3.FilterConfig`]: fields('dns_cache_config port_value', {
    save_upstream_address: 'no filter reads what it saves',
  }),
  [`${NETWORK}echo.v3.Echo`]: fields(''),
  [`${NETWORK}direct_response.v3.Config`]: fields('response'),
}

const rbac: Record<string, Row> = {
  [`${NETWORK}rbac.v3.RBAC`]: fields(
    'rules shadow_rules shadow_rules_stat_prefix stat_prefix enforcement_type delay_deny',
    {},
    { matcher: 'write the policies as rules', shadow_matcher: 'write the policies as shadow_rules' },
  ),
  [`${RBAC}RBAC`]: fields('action policies'),
  [`${RBAC}Policy`]: fields('permissions principals'),
  [`${RBAC}Permission`]: fields(
    'and_rules or_rules any destination_ip destination_port destination_port_range not_rule requested_server_name',
    {},
    { header: `${NO_HTTP}; Envoy refuses it as well`, url_path: NO_HTTP },
  ),
  [`${RBAC}Permission.Set`]: fields('rules'),
  [`${RBAC}Principal`]: fields(
    'and_ids or_ids any authenticated source_ip direct_remote_ip remote_ip not_id',
    {},
    { header: `${NO_HTTP}; Envoy refuses it as well`, url_path: NO_HTTP },
  ),
  [`${RBAC}Principal.Set`]: fields('ids'),
  [`${RBAC}Principal.Authenticated`]: fields('principal_name'),
  'envoy.type.v3.Int32Range': fields('start end'),
}

const listenerFilters: Record<string, Row> = {
  [`${LISTENER_FILTER}http_inspector.v3.HttpInspector`]: fields(''),
  [`${LISTENER_FILTER}original_dst.v3.OriginalDst`]: fields(''),
  [`${LISTENER_FILTER}proxy_protocol.v3.ProxyProtocol`]: fields(
    `rules allow_requests_without_proxy_protocol pass_through_tlvs disallowed_versions stat_prefix
     tlv_location=DYNAMIC_METADATA`,
  ),
  [`${LISTENER_FILTER}proxy_protocol.v3.ProxyProtocol.Rule`]: fields('tlv_type on_tlv_present'),
  [`${LISTENER_FILTER}proxy_protocol.v3.ProxyProtocol.KeyValuePair`]: fields('metadata_namespace key'),
  'envoy.config.listener.v3.Listener.InternalListenerConfig': fields(''),
  'envoy.config.listener.v3.UdpListenerConfig': fields(
    'downstream_socket_config',
    {},
    {
      quic_options: 'HTTP/3 is not there yet; HTTP/1.1 and HTTP/2 take TCP listeners',
    },
  ),
  [`${CORE}UdpSocketConfig`]: fields('', {
    max_rx_datagram_size: 'datagrams of every size are taken',
    prefer_gro: 'the system decides how datagrams are read',
  }),
}

const udp: Record<string, Row> = {
  [UDP_PROXY]: fields(
    'stat_prefix cluster matcher idle_timeout access_log session_filters tunneling_config access_log_options hash_policies',
    { upstream_socket_config: 'datagrams of every size are taken' },
    {
      proxy_access_log: 'access_log has a line for each session',
      use_original_src_ip: 'datagrams are sent from this host’s own address',
      use_per_packet_load_balancing: 'a session stays with its endpoint',
    },
  ),
  [`${UDP_PROXY}.HashPolicy`]: fields(
    'source_ip',
    {},
    { key: 'one key for all is one endpoint for all: name a cluster of one' },
  ),
  [`${UDP_PROXY}.SessionFilter`]: fields('name typed_config'),
  [`${UDP_PROXY}.UdpTunnelingConfig`]: fields(
    `proxy_host proxy_port target_host default_target_port use_post post_path retry_options headers_to_add
     buffer_options propagate_response_headers propagate_response_trailers`,
  ),
  [`${UDP_PROXY}.UdpTunnelingConfig.RetryOptions`]: fields('max_connect_attempts backoff_options'),
  [`${UDP_PROXY}.UdpTunnelingConfig.BufferOptions`]: fields('max_buffered_datagrams max_buffered_bytes'),
  [`${UDP_PROXY}.UdpAccessLogOptions`]: fields('access_log_flush_interval flush_access_log_on_tunnel_connected'),
  [`${UDP}v3.Route`]: fields('cluster'),
  [`${UDP}session.http_capsule.v3.FilterConfig`]: fields(''),
  'xds.type.matcher.v3.Matcher': fields(
    'on_no_match',
    {},
    {
      matcher_list: 'all sessions go one way: give it in on_no_match',
      matcher_tree: 'all sessions go one way: give it in on_no_match',
    },
  ),
  'xds.type.matcher.v3.Matcher.OnMatch': fields('action'),
  'xds.core.v3.TypedExtensionConfig': fields('name typed_config'),
}

const sockets: Record<string, Row> = {
  [`${SOCKET}proxy_protocol.v3.ProxyProtocolUpstreamTransport`]: fields('config transport_socket'),
  [`${SOCKET}http_11_proxy.v3.Http11ProxyUpstreamTransport`]: fields('transport_socket default_proxy_address'),
  [`${SOCKET}internal_upstream.v3.InternalUpstreamTransport`]: fields('passthrough_metadata transport_socket'),
  [`${SOCKET}internal_upstream.v3.InternalUpstreamTransport.MetadataValueSource`]: fields('kind name'),
  'envoy.type.metadata.v3.MetadataKind': fields(
    'cluster host',
    {},
    {
      request: 'kind is host or cluster',
      route: 'kind is host or cluster',
    },
  ),
  'envoy.type.metadata.v3.MetadataKind.Cluster': fields(''),
  'envoy.type.metadata.v3.MetadataKind.Host': fields(''),
  [`${CORE}ProxyProtocolConfig`]: fields('version pass_through_tlvs added_tlvs'),
  [`${CORE}ProxyProtocolPassThroughTLVs`]: fields('match_type tlv_type'),
  [`${CORE}TlvEntry`]: fields('type value format_string'),
  [`${CORE}PerHostConfig`]: fields('added_tlvs'),
}

const clusters: Record<string, Row> = {
  [`${CLUSTER}Cluster.CustomClusterType`]: fields('name typed_config'),
  [`${CLUSTER}Cluster.OriginalDstLbConfig`]: fields(
    'use_http_header http_header_name upstream_port_override',
    {},
    {
      metadata_key: 'name the target in a header: use_http_header',
    },
  ),
  [`${CLUSTER}Cluster.PreconnectPolicy`]: fields('per_upstream_preconnect_ratio'),
  'envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig': fields(
    'dns_cache_config allow_insecure_cluster_options',
    {},
    {
      sub_clusters_config: 'give dns_cache_config',
      allow_coalesced_connections: 'each host has connections of its own; leave it out',
    },
  ),
  'envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig': fields(
    `name dns_lookup_family dns_refresh_rate dns_min_refresh_rate host_ttl max_hosts dns_cache_circuit_breaker
     preresolve_hostnames dns_query_timeout typed_dns_resolver_config`,
  ),
  'envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheCircuitBreakers': fields('max_pending_requests'),
  [`${FILTER}dynamic_forward_proxy.v3.FilterConfig`]: fields(
    'dns_cache_config',
    { save_upstream_address: 'no filter reads what it saves' },
    { sub_cluster_config: 'give dns_cache_config' },
  ),
  [`${FILTER}dynamic_forward_proxy.v3.PerRouteConfig`]: fields('host_rewrite_literal host_rewrite_header'),
  'envoy.extensions.upstreams.http.tcp.v3.TcpConnectionPoolProto': fields(''),
  'envoy.extensions.upstreams.http.generic.v3.GenericConnectionPoolProto': fields(''),
  [`${CORE}Metadata`]: fields('filter_metadata typed_filter_metadata'),
  [`${CORE}EnvoyInternalAddress`]: fields('server_listener_name endpoint_id'),
  'envoy.extensions.bootstrap.internal_listener.v3.InternalListener': fields('buffer_size_kb'),
}

const own: Record<string, Row> = {
  'sluice.v1.ModelPart': fields('content checksum'),
  'sluice.v1.TargetPolicy': fields('allow only_allowed'),
  'sluice.v1.HttpProxyTransport': fields('proxy_address basic_auth headers_to_add proxy_tls transport_socket'),
  'sluice.v1.HttpProxyTransport.BasicAuth': fields('username password'),
}

/** By full message name. */
export const TUNNEL_ROWS: Readonly<Record<string, Row>> = {
  ...networkFilters,
  ...rbac,
  ...listenerFilters,
  ...udp,
  ...sockets,
  ...clusters,
  ...own,
}
