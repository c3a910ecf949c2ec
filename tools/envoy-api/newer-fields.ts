// What Envoy's API has gained since the release that npm ships (1.31) up to January 2026, for the parts Sluice reads:
// one row per field, enum value, message or enum. Add a row when a configuration of a newer Envoy is refused for a
// field that exists. Rules are in protovalidate's JSON form.
import type { JsonObject } from '@bufbuild/protobuf'

/** `[]` before a type means repeated. A type without `bool`, `string`, `uint32` … is a message's or enum's full name. */
export interface NewerField {
  readonly number: number
  readonly name: string
  readonly type: string
  readonly oneof?: string
  readonly rules?: JsonObject
}

export interface NewerMessage {
  /** Full name; the message before the last dot (or the package) is where it is declared. */
  readonly name: string
  /** The file it is declared in; made when Envoy of npm lacks it. */
  readonly file: string
  readonly fields: readonly NewerField[]
}

export interface NewerEnum {
  readonly name: string
  readonly file: string
  readonly values: readonly string[]
}

const config = 'envoy.config'
const core = 'envoy.config.core.v3'
const route = 'envoy.config.route.v3'
const listener = 'envoy.config.listener.v3'
const network = 'envoy.extensions.filters.network'
const manager = `${network}.http_connection_manager.v3`
const tcpProxy = `${network}.tcp_proxy.v3`
const tls = 'envoy.extensions.transport_sockets.tls.v3'
const matcher = 'envoy.type.matcher.v3'
const upstreamHttp = 'envoy.extensions.upstreams.http.v3'
const dnsCluster = 'envoy.extensions.clusters.dns.v3'
const overrideHost = 'envoy.extensions.load_balancing_policies.override_host.v3'
const localityLb = 'envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.ZoneAwareLbConfig'
const mutationRules = `${config}.common.mutation_rules.v3`
const duration = 'google.protobuf.Duration'
const uint32Value = 'google.protobuf.UInt32Value'
const uint64Value = 'google.protobuf.UInt64Value'
const boolValue = 'google.protobuf.BoolValue'

const required = { required: true }
const notEmpty = { string: { minLen: '1' } }
const headerValue = { string: { wellKnownRegex: 'KNOWN_REGEX_HTTP_HEADER_VALUE', strict: false } }
const definedOnly = { enum: { definedOnly: true } }
const positive = { uint32: { gt: 0 } }

/** Message name to the fields it has gained. */
export const newerFields: Readonly<Record<string, readonly NewerField[]>> = {
  [`${core}.SocketAddress`]: [{ number: 7, name: 'network_namespace_filepath', type: 'string' }],
  [`${core}.SocketOption`]: [
    { number: 7, name: 'type', type: `${core}.SocketOption.SocketType` },
    { number: 8, name: 'ip_version', type: `${core}.SocketOption.SocketIpVersion` },
  ],
  [`${core}.KeyValueAppend`]: [{ number: 3, name: 'record', type: `${core}.KeyValuePair` }],
  [`${core}.ProxyProtocolConfig`]: [{ number: 3, name: 'added_tlvs', type: `[]${core}.TlvEntry` }],
  [`${core}.QuicProtocolOptions`]: [
    { number: 9, name: 'max_packet_length', type: uint64Value },
    { number: 10, name: 'client_packet_writer', type: `${core}.TypedExtensionConfig` },
    { number: 11, name: 'connection_migration', type: `${core}.QuicProtocolOptions.ConnectionMigrationSettings` },
  ],
  [`${core}.HealthCheck`]: [{ number: 27, name: 'name', type: 'string' }],
  [`${core}.HttpProtocolOptions`]: [
    { number: 7, name: 'max_response_headers_kb', type: uint32Value, rules: { uint32: { lte: 8192, gt: 0 } } },
  ],
  [`${core}.Http1ProtocolOptions`]: [
    { number: 11, name: 'ignore_http_11_upgrade', type: `[]${matcher}.StringMatcher` },
  ],
  [`${core}.Http2ProtocolOptions`]: [
    { number: 17, name: 'max_metadata_size', type: uint64Value },
    { number: 18, name: 'enable_huffman_encoding', type: boolValue },
  ],
  [`${core}.Http3ProtocolOptions`]: [
    { number: 7, name: 'disable_qpack', type: 'bool' },
    { number: 8, name: 'disable_connection_flow_control_for_streams', type: 'bool' },
  ],

  [`${config}.bootstrap.v3.Bootstrap`]: [
    {
      number: 42,
      name: 'stats_eviction_interval',
      type: duration,
      oneof: 'stats_eviction',
      rules: { duration: { gte: '0.001s' } },
    },
  ],
  [`${config}.bootstrap.v3.Admin`]: [{ number: 7, name: 'allow_paths', type: `[]${matcher}.StringMatcher` }],

  [`${listener}.AdditionalAddress`]: [{ number: 3, name: 'tcp_keepalive', type: `${core}.TcpKeepalive` }],
  [`${listener}.Listener`]: [
    { number: 36, name: 'fcds_config', type: `${listener}.Listener.FcdsConfig` },
    { number: 37, name: 'tcp_keepalive', type: `${core}.TcpKeepalive` },
  ],
  [`${listener}.QuicProtocolOptions`]: [
    {
      number: 12,
      name: 'save_cmsg_config',
      type: `[]${core}.SocketCmsgHeaders`,
      rules: { repeated: { maxItems: '1' } },
    },
    { number: 13, name: 'reject_new_connections', type: 'bool' },
    { number: 14, name: 'max_sessions_per_event_loop', type: uint32Value, rules: positive },
  ],

  [`${route}.RouteConfiguration`]: [{ number: 18, name: 'vhost_header', type: 'string' }],
  [`${route}.VirtualHost`]: [{ number: 25, name: 'request_body_buffer_limit', type: uint64Value }],
  [`${route}.Route`]: [{ number: 20, name: 'request_body_buffer_limit', type: uint64Value }],
  [`${route}.WeightedCluster`]: [
    { number: 5, name: 'use_hash_policy', type: boolValue, oneof: 'random_value_specifier' },
  ],
  [`${route}.RouteMatch`]: [
    { number: 16, name: 'filter_state', type: `[]${matcher}.FilterStateMatcher` },
    { number: 17, name: 'cookies', type: `[]${route}.CookieMatcher` },
  ],
  [`${route}.RouteAction`]: [
    { number: 42, name: 'flush_timeout', type: duration },
    { number: 44, name: 'host_rewrite', type: 'string', oneof: 'host_rewrite_specifier' },
    { number: 45, name: 'path_rewrite', type: 'string' },
  ],
  [`${route}.RouteAction.RequestMirrorPolicy`]: [
    {
      number: 7,
      name: 'request_headers_mutations',
      type: `[]${mutationRules}.HeaderMutation`,
      rules: { repeated: { maxItems: '1000' } },
    },
    { number: 8, name: 'host_rewrite_literal', type: 'string', rules: headerValue },
  ],
  [`${route}.DirectResponseAction`]: [{ number: 3, name: 'body_format', type: `${core}.SubstitutionFormatString` }],
  [`${route}.Tracing`]: [
    { number: 5, name: 'operation', type: 'string' },
    { number: 6, name: 'upstream_operation', type: 'string' },
  ],
  [`${route}.RateLimit`]: [
    { number: 5, name: 'hits_addend', type: `${route}.RateLimit.HitsAddend` },
    { number: 6, name: 'apply_on_stream_done', type: 'bool' },
    { number: 7, name: 'x_ratelimit_option', type: `${route}.RateLimit.XRateLimitOption` },
  ],
  [`${route}.RateLimit.Action`]: [
    {
      number: 12,
      name: 'query_parameters',
      type: `${route}.RateLimit.Action.QueryParameters`,
      oneof: 'action_specifier',
    },
  ],
  [`${route}.RateLimit.Action.GenericKey`]: [{ number: 3, name: 'default_value', type: 'string' }],
  [`${route}.RateLimit.Action.HeaderValueMatch`]: [{ number: 5, name: 'default_value', type: 'string' }],
  [`${route}.RateLimit.Action.QueryParameterValueMatch`]: [{ number: 5, name: 'default_value', type: 'string' }],

  [`${config}.cluster.v3.Cluster`]: [
    { number: 58, name: 'dns_jitter', type: duration, rules: { duration: { gte: '0s' } } },
    { number: 59, name: 'transport_socket_matcher', type: 'xds.type.matcher.v3.Matcher' },
  ],
  [`${config}.common.matcher.v3.Matcher.OnMatch`]: [{ number: 3, name: 'keep_matching', type: 'bool' }],
  [`${mutationRules}.HeaderMutation`]: [
    { number: 3, name: 'remove_on_match', type: `${mutationRules}.HeaderMutation.RemoveOnMatch`, oneof: 'action' },
  ],
  [`${matcher}.FilterStateMatcher`]: [
    { number: 3, name: 'address_match', type: `${matcher}.AddressMatcher`, oneof: 'matcher' },
  ],
  'envoy.type.tracing.v3.CustomTag': [{ number: 6, name: 'value', type: 'string', oneof: 'type' }],
  'envoy.type.http.v3.Cookie': [{ number: 4, name: 'attributes', type: '[]envoy.type.http.v3.CookieAttribute' }],
  [`${config}.rbac.v3.Policy`]: [{ number: 5, name: 'cel_config', type: `${core}.CelExpressionConfig` }],
  [`${config}.rbac.v3.Permission`]: [
    { number: 14, name: 'sourced_metadata', type: `${config}.rbac.v3.SourcedMetadata`, oneof: 'rule' },
  ],
  [`${config}.rbac.v3.Principal`]: [
    { number: 13, name: 'sourced_metadata', type: `${config}.rbac.v3.SourcedMetadata`, oneof: 'identifier' },
    { number: 14, name: 'custom', type: `${core}.TypedExtensionConfig`, oneof: 'identifier' },
  ],

  'envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter': [
    { number: 2, name: 'cel_config', type: `${core}.CelExpressionConfig` },
  ],
  'envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig': [
    { number: 9, name: 'grpc_service', type: `${core}.GrpcService` },
    { number: 10, name: 'log_name', type: 'string' },
    { number: 11, name: 'buffer_flush_interval', type: duration },
    { number: 12, name: 'buffer_size_bytes', type: uint32Value },
    { number: 13, name: 'filter_state_objects_to_log', type: '[]string' },
    { number: 14, name: 'custom_tags', type: '[]envoy.type.tracing.v3.CustomTag' },
  ],
  'envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig': [
    { number: 15, name: 'disable_dns_refresh_on_failure', type: 'bool' },
  ],
  'envoy.extensions.common.ratelimit.v3.RateLimitDescriptor': [{ number: 3, name: 'hits_addend', type: uint64Value }],
  'envoy.extensions.common.ratelimit.v3.LocalRateLimitDescriptor': [{ number: 3, name: 'shadow_mode', type: 'bool' }],
  'envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig': [
    { number: 4, name: 'allow_dynamic_host_from_filter_state', type: 'bool' },
  ],
  'envoy.extensions.filters.http.header_mutation.v3.Mutations': [
    { number: 3, name: 'query_parameter_mutations', type: `[]${core}.KeyValueMutation` },
    { number: 4, name: 'response_trailers_mutations', type: `[]${mutationRules}.HeaderMutation` },
    { number: 5, name: 'request_trailers_mutations', type: `[]${mutationRules}.HeaderMutation` },
  ],
  'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit': [
    { number: 17, name: 'rate_limits', type: `[]${route}.RateLimit` },
    { number: 18, name: 'max_dynamic_descriptors', type: uint32Value, rules: { uint32: { gte: 1 } } },
  ],
  'envoy.extensions.filters.http.router.v3.Router': [
    { number: 10, name: 'reject_connect_request_early_data', type: boolValue },
  ],
  'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol': [
    {
      number: 6,
      name: 'tlv_location',
      type: 'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol.TlvLocation',
    },
  ],
  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector': [
    { number: 3, name: 'enable_ja4_fingerprinting', type: boolValue },
    { number: 4, name: 'close_connection_on_client_hello_parsing_errors', type: 'bool' },
    { number: 5, name: 'max_client_hello_size', type: uint32Value, rules: { uint32: { lte: 16384, gt: 255 } } },
  ],
  [`${manager}.HttpConnectionManager`]: [
    { number: 58, name: 'http1_safe_max_connection_duration', type: 'bool' },
    { number: 59, name: 'stream_flush_timeout', type: duration },
    { number: 60, name: 'forward_client_cert_matcher', type: 'xds.type.matcher.v3.Matcher' },
    { number: 61, name: 'forward_proto_config', type: `${manager}.ForwardProtoConfig` },
  ],
  [`${manager}.HttpConnectionManager.Tracing`]: [
    { number: 11, name: 'operation', type: 'string' },
    { number: 12, name: 'upstream_operation', type: 'string' },
  ],
  [`${network}.rbac.v3.RBAC`]: [{ number: 8, name: 'delay_deny', type: duration }],
  [`${network}.sni_dynamic_forward_proxy.v3.FilterConfig`]: [
    { number: 3, name: 'save_upstream_address', type: 'bool' },
  ],
  [`${tcpProxy}.TcpProxy`]: [
    { number: 18, name: 'backoff_options', type: `${core}.BackoffStrategy` },
    { number: 19, name: 'proxy_protocol_tlvs', type: `[]${core}.TlvEntry` },
    { number: 20, name: 'max_downstream_connection_duration_jitter_percentage', type: 'envoy.type.v3.Percent' },
    { number: 21, name: 'upstream_connect_mode', type: `${tcpProxy}.UpstreamConnectMode`, rules: definedOnly },
    { number: 22, name: 'max_early_data_bytes', type: uint32Value, rules: { uint32: { lte: 1_048_576 } } },
    {
      number: 23,
      name: 'proxy_protocol_tlv_merge_policy',
      type: `${tcpProxy}.ProxyProtocolTlvMergePolicy`,
      rules: definedOnly,
    },
    { number: 24, name: 'check_drain_close', type: boolValue },
  ],
  [`${tcpProxy}.TcpProxy.TunnelingConfig`]: [
    { number: 7, name: 'request_id_extension', type: `${manager}.RequestIDExtension` },
    { number: 8, name: 'request_id_header', type: 'string' },
    { number: 9, name: 'request_id_metadata_key', type: 'string' },
  ],
  [`${tcpProxy}.TcpProxy.TcpAccessLogOptions`]: [{ number: 3, name: 'flush_access_log_on_start', type: 'bool' }],
  'envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig.SessionFilter': [
    { number: 3, name: 'config_discovery', type: `${core}.ExtensionConfigSource`, oneof: 'config_type' },
  ],
  'envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig.UdpTunnelingConfig': [
    { number: 12, name: 'formatters', type: `[]${core}.TypedExtensionConfig` },
  ],
  'envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig.UdpTunnelingConfig.RetryOptions': [
    { number: 2, name: 'backoff_options', type: `${core}.BackoffStrategy` },
  ],

  [`${tls}.TlsParameters`]: [
    {
      number: 6,
      name: 'compliance_policies',
      type: `[]${tls}.TlsParameters.CompliancePolicy`,
      rules: { repeated: { maxItems: '1' } },
    },
  ],
  [`${tls}.UpstreamTlsContext`]: [
    { number: 6, name: 'auto_host_sni', type: 'bool' },
    { number: 7, name: 'auto_sni_san_validation', type: 'bool' },
  ],
  [`${tls}.DownstreamTlsContext`]: [{ number: 11, name: 'prefer_client_ciphers', type: 'bool' }],
  [`${tls}.CommonTlsContext`]: [
    { number: 16, name: 'custom_tls_certificate_selector', type: `${core}.TypedExtensionConfig` },
  ],
  [`${tls}.SPIFFECertValidatorConfig`]: [{ number: 2, name: 'trust_bundles', type: `${core}.DataSource` }],
  'envoy.extensions.transport_sockets.http_11_proxy.v3.Http11ProxyUpstreamTransport': [
    { number: 2, name: 'default_proxy_address', type: `${core}.Address` },
  ],
  'envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport': [
    { number: 3, name: 'allow_unspecified_address', type: 'bool' },
    { number: 4, name: 'tlv_as_pool_key', type: 'bool' },
  ],
  'envoy.extensions.http.original_ip_detection.xff.v3.XffConfig': [
    {
      number: 2,
      name: 'xff_trusted_cidrs',
      type: 'envoy.extensions.http.original_ip_detection.xff.v3.XffTrustedCidrs',
    },
    { number: 3, name: 'skip_xff_append', type: boolValue },
  ],
  [`${upstreamHttp}.HttpProtocolOptions`]: [
    { number: 8, name: 'outlier_detection', type: `${upstreamHttp}.HttpProtocolOptions.OutlierDetection` },
    { number: 9, name: 'request_mirror_policies', type: `[]${route}.RouteAction.RequestMirrorPolicy` },
    { number: 10, name: 'hash_policy', type: `[]${route}.RouteAction.HashPolicy` },
    { number: 11, name: 'retry_policy', type: `${route}.RetryPolicy` },
  ],
  [localityLb]: [
    { number: 4, name: 'force_locality_direct_routing', type: 'bool' },
    { number: 5, name: 'force_local_zone', type: `${localityLb}.ForceLocalZone` },
    { number: 6, name: 'locality_basis', type: `${localityLb}.LocalityBasis` },
  ],
  'envoy.extensions.load_balancing_policies.common.v3.ConsistentHashingLbConfig': [
    { number: 3, name: 'hash_policy', type: `[]${route}.RouteAction.HashPolicy` },
  ],
  'envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig': [
    { number: 6, name: 'query_timeout_seconds', type: uint64Value, rules: { uint64: { gte: '1' } } },
    { number: 7, name: 'query_tries', type: uint32Value, rules: { uint32: { gte: 1 } } },
    { number: 8, name: 'rotate_nameservers', type: 'bool' },
    { number: 9, name: 'edns0_max_payload_size', type: uint32Value, rules: { uint32: { lte: 4096, gte: 512 } } },
    { number: 10, name: 'max_udp_channel_duration', type: duration, rules: { duration: { gte: '0s' } } },
    { number: 11, name: 'reinit_channel_on_timeout', type: 'bool' },
  ],
  'envoy.extensions.network.dns_resolver.getaddrinfo.v3.GetAddrInfoDnsResolverConfig': [
    { number: 1, name: 'num_retries', type: uint32Value },
    { number: 2, name: 'num_resolver_threads', type: uint32Value },
  ],
}

export const newerMessages: readonly NewerMessage[] = [
  {
    name: `${core}.TlvEntry`,
    file: 'envoy/config/core/v3/proxy_protocol.proto',
    fields: [
      { number: 1, name: 'type', type: 'uint32', rules: { uint32: { lt: 256 } } },
      { number: 2, name: 'value', type: 'bytes' },
      { number: 3, name: 'format_string', type: `${core}.SubstitutionFormatString` },
    ],
  },
  {
    name: `${core}.PerHostConfig`,
    file: 'envoy/config/core/v3/proxy_protocol.proto',
    fields: [{ number: 1, name: 'added_tlvs', type: `[]${core}.TlvEntry` }],
  },
  {
    name: `${core}.SocketOption.SocketType`,
    file: 'envoy/config/core/v3/socket_option.proto',
    fields: [
      { number: 1, name: 'stream', type: `${core}.SocketOption.SocketType.Stream` },
      { number: 2, name: 'datagram', type: `${core}.SocketOption.SocketType.Datagram` },
    ],
  },
  { name: `${core}.SocketOption.SocketType.Stream`, file: 'envoy/config/core/v3/socket_option.proto', fields: [] },
  { name: `${core}.SocketOption.SocketType.Datagram`, file: 'envoy/config/core/v3/socket_option.proto', fields: [] },
  {
    name: `${core}.KeyValuePair`,
    file: 'envoy/config/core/v3/base.proto',
    fields: [
      { number: 1, name: 'key', type: 'string', rules: { string: { minLen: '1', maxBytes: '16384' } } },
      { number: 2, name: 'value', type: 'google.protobuf.Value' },
    ],
  },
  {
    name: `${core}.CelExpressionConfig`,
    file: 'envoy/config/core/v3/cel.proto',
    fields: [
      { number: 1, name: 'enable_string_conversion', type: 'bool' },
      { number: 2, name: 'enable_string_concat', type: 'bool' },
      { number: 3, name: 'enable_string_functions', type: 'bool' },
    ],
  },
  {
    name: `${core}.SocketCmsgHeaders`,
    file: 'envoy/config/core/v3/socket_cmsg_headers.proto',
    fields: [
      { number: 1, name: 'level', type: uint32Value },
      { number: 2, name: 'type', type: uint32Value },
      { number: 3, name: 'expected_size', type: 'uint32' },
    ],
  },
  {
    name: `${core}.QuicProtocolOptions.ConnectionMigrationSettings`,
    file: 'envoy/config/core/v3/protocol.proto',
    fields: [
      {
        number: 1,
        name: 'migrate_idle_connections',
        type: `${core}.QuicProtocolOptions.ConnectionMigrationSettings.MigrateIdleConnectionSettings`,
      },
      { number: 2, name: 'max_time_on_non_default_network', type: duration, rules: { duration: { gte: '1s' } } },
    ],
  },
  {
    name: `${core}.QuicProtocolOptions.ConnectionMigrationSettings.MigrateIdleConnectionSettings`,
    file: 'envoy/config/core/v3/protocol.proto',
    fields: [{ number: 1, name: 'max_idle_time_before_migration', type: duration, rules: { duration: { gte: '1s' } } }],
  },
  {
    name: `${listener}.Listener.FcdsConfig`,
    file: 'envoy/config/listener/v3/listener.proto',
    fields: [
      { number: 1, name: 'name', type: 'string' },
      { number: 2, name: 'config_source', type: `${core}.ConfigSource` },
    ],
  },
  {
    name: `${mutationRules}.HeaderMutation.RemoveOnMatch`,
    file: 'envoy/config/common/mutation_rules/v3/mutation_rules.proto',
    fields: [{ number: 1, name: 'key_matcher', type: `${matcher}.StringMatcher`, rules: required }],
  },
  {
    name: `${matcher}.AddressMatcher`,
    file: 'envoy/type/matcher/v3/address.proto',
    fields: [{ number: 1, name: 'ranges', type: '[]xds.core.v3.CidrRange' }],
  },
  {
    name: 'envoy.type.http.v3.CookieAttribute',
    file: 'envoy/type/http/v3/cookie.proto',
    fields: [
      {
        number: 1,
        name: 'name',
        type: 'string',
        rules: { string: { minLen: '1', maxBytes: '16384', pattern: '^[^\\x00\\n\\r]*$' } },
      },
      {
        number: 2,
        name: 'value',
        type: 'string',
        rules: { string: { maxBytes: '16384', wellKnownRegex: 'KNOWN_REGEX_HTTP_HEADER_VALUE', strict: false } },
      },
    ],
  },
  {
    name: `${route}.CookieMatcher`,
    file: 'envoy/config/route/v3/route_components.proto',
    fields: [
      { number: 1, name: 'name', type: 'string', rules: { string: { minLen: '1', maxBytes: '1024' } } },
      { number: 2, name: 'string_match', type: `${matcher}.StringMatcher`, rules: required },
      { number: 3, name: 'invert_match', type: 'bool' },
    ],
  },
  {
    name: `${route}.RateLimit.HitsAddend`,
    file: 'envoy/config/route/v3/route_components.proto',
    fields: [
      { number: 1, name: 'number', type: uint64Value, rules: { uint64: { lte: '1000000000' } } },
      {
        number: 2,
        name: 'format',
        type: 'string',
        rules: { string: { prefix: '%', suffix: '%' }, ignore: 'IGNORE_IF_ZERO_VALUE' },
      },
    ],
  },
  {
    name: `${route}.RateLimit.Action.QueryParameters`,
    file: 'envoy/config/route/v3/route_components.proto',
    fields: [
      { number: 1, name: 'query_parameter_name', type: 'string', rules: notEmpty },
      { number: 2, name: 'descriptor_key', type: 'string', rules: notEmpty },
      { number: 3, name: 'skip_if_absent', type: 'bool' },
    ],
  },
  {
    name: `${config}.rbac.v3.SourcedMetadata`,
    file: 'envoy/config/rbac/v3/rbac.proto',
    fields: [
      { number: 1, name: 'metadata_matcher', type: `${matcher}.MetadataMatcher`, rules: required },
      { number: 2, name: 'metadata_source', type: `${config}.rbac.v3.MetadataSource`, rules: definedOnly },
    ],
  },
  {
    name: `${manager}.HttpConnectionManager.ForwardClientCertConfig`,
    file: 'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto',
    fields: [
      {
        number: 1,
        name: 'forward_client_cert_details',
        type: `${manager}.HttpConnectionManager.ForwardClientCertDetails`,
      },
      {
        number: 2,
        name: 'set_current_client_cert_details',
        type: `${manager}.HttpConnectionManager.SetCurrentClientCertDetails`,
      },
    ],
  },
  {
    name: `${manager}.ForwardProtoConfig`,
    file: 'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto',
    fields: [
      { number: 1, name: 'https_destination_ports', type: '[]uint32' },
      { number: 2, name: 'http_destination_ports', type: '[]uint32' },
    ],
  },
  {
    name: 'envoy.extensions.http.original_ip_detection.xff.v3.XffTrustedCidrs',
    file: 'envoy/extensions/http/original_ip_detection/xff/v3/xff.proto',
    fields: [{ number: 1, name: 'cidrs', type: `[]${core}.CidrRange` }],
  },
  {
    name: `${upstreamHttp}.HttpProtocolOptions.OutlierDetection`,
    file: 'envoy/extensions/upstreams/http/v3/http_protocol_options.proto',
    fields: [{ number: 1, name: 'error_matcher', type: `${config}.common.matcher.v3.MatchPredicate`, rules: required }],
  },
  {
    name: `${localityLb}.ForceLocalZone`,
    file: 'envoy/extensions/load_balancing_policies/common/v3/common.proto',
    fields: [{ number: 1, name: 'min_size', type: uint32Value }],
  },
  {
    name: `${dnsCluster}.DnsCluster`,
    file: 'envoy/extensions/clusters/dns/v3/dns_cluster.proto',
    fields: [
      { number: 3, name: 'dns_refresh_rate', type: duration, rules: { duration: { gt: '0.001s' } } },
      { number: 4, name: 'dns_failure_refresh_rate', type: `${dnsCluster}.DnsCluster.RefreshRate` },
      { number: 5, name: 'respect_dns_ttl', type: 'bool' },
      { number: 6, name: 'dns_jitter', type: duration, rules: { duration: { gte: '0s' } } },
      { number: 7, name: 'typed_dns_resolver_config', type: `${core}.TypedExtensionConfig` },
      { number: 8, name: 'dns_lookup_family', type: 'envoy.extensions.clusters.common.dns.v3.DnsLookupFamily' },
      { number: 9, name: 'all_addresses_in_single_endpoint', type: 'bool' },
    ],
  },
  {
    name: `${dnsCluster}.DnsCluster.RefreshRate`,
    file: 'envoy/extensions/clusters/dns/v3/dns_cluster.proto',
    fields: [
      { number: 1, name: 'base_interval', type: duration, rules: { required: true, duration: { gt: '0.001s' } } },
      { number: 2, name: 'max_interval', type: duration, rules: { duration: { gt: '0.001s' } } },
    ],
  },
  {
    name: `${overrideHost}.OverrideHost`,
    file: 'envoy/extensions/load_balancing_policies/override_host/v3/override_host.proto',
    fields: [
      {
        number: 1,
        name: 'override_host_sources',
        type: `[]${overrideHost}.OverrideHost.OverrideHostSource`,
        rules: { repeated: { minItems: '1' } },
      },
      { number: 3, name: 'fallback_policy', type: `${config}.cluster.v3.LoadBalancingPolicy`, rules: required },
    ],
  },
  {
    name: `${overrideHost}.OverrideHost.OverrideHostSource`,
    file: 'envoy/extensions/load_balancing_policies/override_host/v3/override_host.proto',
    fields: [
      { number: 1, name: 'header', type: 'string', rules: headerValue },
      { number: 2, name: 'metadata', type: 'envoy.type.metadata.v3.MetadataKey' },
    ],
  },
]

/** Values are numbered from 0 in this order. */
export const newerEnums: readonly NewerEnum[] = [
  {
    name: `${core}.SocketOption.SocketIpVersion`,
    file: 'envoy/config/core/v3/socket_option.proto',
    values: ['SOCKET_IP_VERSION_UNSPECIFIED', 'SOCKET_IP_VERSION_IPV4', 'SOCKET_IP_VERSION_IPV6'],
  },
  {
    name: `${route}.RateLimit.XRateLimitOption`,
    file: 'envoy/config/route/v3/route_components.proto',
    values: ['UNSPECIFIED', 'OFF', 'DRAFT_VERSION_03'],
  },
  { name: `${config}.rbac.v3.MetadataSource`, file: 'envoy/config/rbac/v3/rbac.proto', values: ['DYNAMIC', 'ROUTE'] },
  {
    name: 'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol.TlvLocation',
    file: 'envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.proto',
    values: ['DYNAMIC_METADATA', 'FILTER_STATE'],
  },
  {
    name: `${tcpProxy}.UpstreamConnectMode`,
    file: 'envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto',
    values: ['IMMEDIATE', 'ON_DOWNSTREAM_DATA', 'ON_DOWNSTREAM_TLS_HANDSHAKE'],
  },
  {
    name: `${tcpProxy}.ProxyProtocolTlvMergePolicy`,
    file: 'envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto',
    values: ['ADD_IF_ABSENT', 'OVERWRITE_BY_TYPE_IF_EXISTS_OR_ADD', 'APPEND_IF_EXISTS_OR_ADD'],
  },
  {
    name: `${tls}.TlsParameters.CompliancePolicy`,
    file: 'envoy/extensions/transport_sockets/tls/v3/common.proto',
    values: ['FIPS_202205'],
  },
  {
    name: 'envoy.extensions.clusters.common.dns.v3.DnsLookupFamily',
    file: 'envoy/extensions/clusters/common/dns/v3/dns.proto',
    values: ['UNSPECIFIED', 'AUTO', 'V4_ONLY', 'V6_ONLY', 'V4_PREFERRED', 'ALL'],
  },
  {
    name: `${localityLb}.LocalityBasis`,
    file: 'envoy/extensions/load_balancing_policies/common/v3/common.proto',
    values: ['HEALTHY_HOSTS_NUM', 'HEALTHY_HOSTS_WEIGHT'],
  },
]

/** Enum name to the values it has gained. */
export const newerEnumValues: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  [`${config}.accesslog.v3.ComparisonFilter.Op`]: { NE: 3 },
  'envoy.data.accesslog.v3.AccessLogType': { TcpConnectionStart: 14 },
  [`${config}.overload.v3.ScaleTimersOverloadActionConfig.TimerType`]: {
    HTTP_DOWNSTREAM_CONNECTION_MAX: 4,
    HTTP_DOWNSTREAM_STREAM_FLUSH: 5,
  },
}
