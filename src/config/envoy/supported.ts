// The one table of what Sluice takes from Envoy's messages. A field that is not in it is refused by name; a field with a
// sentence is accepted because leaving it out changes nothing that Sluice does. docs/envoy-support.md is made from it.

import { CORE, fields, FILTER, INFORMATION, ROUTE, RUNTIME, type Row } from './support-row.ts'
import { BALANCING_ROWS } from './supported-balancing.ts'
import { DNS_ROWS } from './supported-dns.ts'
import { RETRY_ROWS } from './supported-retries.ts'
import { HEALTH_ROWS } from './supported-health.ts'
import { TUNNEL_ROWS } from './supported-tunnels.ts'

/** What happens to a field that is set. */
export type FieldSupport =
  | {
      readonly kind: 'supported'
      /** Enum values that are taken; undefined = all. */ readonly only?: readonly string[]
    }
  /** Accepted without effect, and why that is right. */
  | { readonly kind: 'no-effect'; readonly why: string }
  /** As a field that is not listed, with what to do instead. */
  | { readonly kind: 'refused'; readonly hint: string }

export type MessageSupport = ReadonlyMap<string, FieldSupport>

const STATS_NAME = 'names statistics that are not kept'
const MANAGEMENT = 'read by management servers only'

const HTTP_VERSIONS = 'http_protocol_options http2_protocol_options'
const MUTATIONS = 'request_headers_to_add request_headers_to_remove response_headers_to_add response_headers_to_remove'

const LISTENER = 'envoy.config.listener.v3.'
const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
const HCM_PACKAGE = 'envoy.extensions.filters.network.http_connection_manager.v3.'
const CLUSTER = 'envoy.config.cluster.v3.'
const ENDPOINT = 'envoy.config.endpoint.v3.'
const UPSTREAM_HTTP = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
const TLS = 'envoy.extensions.transport_sockets.tls.v3.'
const LOG = 'envoy.config.accesslog.v3.'

const bootstrap: Record<string, Row> = {
  'envoy.config.bootstrap.v3.Bootstrap': fields(
    'node static_resources admin header_prefix bootstrap_extensions',
    {
      stats_flush_interval: 'statistics are read on demand; there are no sinks to flush to',
      stats_flush_on_admin: 'statistics are read on demand',
      default_regex_engine: 'RE2 is the only engine',
      enable_dispatcher_stats: STATS_NAME,
    },
    {
      typed_dns_resolver_config: 'give it to the clusters that look up names',
    },
  ),
  'envoy.config.bootstrap.v3.Bootstrap.StaticResources': fields('listeners clusters secrets'),
  'envoy.config.bootstrap.v3.Admin': fields('address access_log access_log_path allow_paths', {
    profile_path: 'profiles are written by the runtime on request',
    ignore_global_conn_limit: 'there is no global connection limit',
  }),
  [`${CORE}Node`]: fields('id cluster', {
    metadata: MANAGEMENT,
    locality: MANAGEMENT,
    user_agent_name: MANAGEMENT,
    user_agent_version: MANAGEMENT,
    user_agent_build_version: MANAGEMENT,
    client_features: MANAGEMENT,
    extensions: MANAGEMENT,
  }),
  [`${CORE}Address`]: fields('socket_address pipe envoy_internal_address'),
  [`${CORE}SocketAddress`]: fields('protocol address port_value'),
  [`${CORE}Pipe`]: fields('path mode'),
  [`${CORE}CidrRange`]: fields('address_prefix prefix_len'),
  [`${CORE}DataSource`]: fields('filename inline_bytes inline_string environment_variable'),
  [`${CORE}TransportSocket`]: fields('name typed_config'),
  [`${CORE}TypedExtensionConfig`]: fields('name typed_config'),
  'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer': fields(''),
  'envoy.extensions.regex_engines.v3.GoogleRE2': fields(''),
}

const listener: Record<string, Row> = {
  [`${LISTENER}Listener`]: fields(
    `name address additional_addresses filter_chains default_filter_chain per_connection_buffer_limit_bytes
     listener_filters listener_filters_timeout continue_on_listener_filters_timeout tcp_backlog_size enable_reuse_port
     bind_to_port access_log traffic_direction stat_prefix tcp_keepalive drain_type=DEFAULT internal_listener
     udp_listener_config metadata`,
    {
      max_connections_to_accept_per_socket_event: 'every waiting connection is accepted',
      ignore_global_conn_limit: 'there is no global connection limit',
    },
    { use_original_dst: 'an ORIGINAL_DST cluster behind the original_dst listener filter dials the same address' },
  ),
  [`${LISTENER}AdditionalAddress`]: fields('address'),
  [`${LISTENER}ListenerFilter`]: fields('name typed_config'),
  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector': fields('', {
    initial_read_buffer_size: 'the greeting is read into one buffer of fixed size',
  }),
  [`${LISTENER}FilterChain`]: fields(
    'filter_chain_match filters transport_socket transport_socket_connect_timeout name use_proxy_proto',
    {
      metadata: INFORMATION,
    },
  ),
  [`${LISTENER}FilterChainMatch`]: fields(
    `destination_port prefix_ranges server_names transport_protocol application_protocols direct_source_prefix_ranges
     source_type source_prefix_ranges source_ports`,
  ),
  [`${LISTENER}Filter`]: fields('name typed_config'),
  [`${CORE}TcpKeepalive`]: fields('keepalive_time', {
    keepalive_probes: 'the system setting holds; Node sets the idle time only',
    keepalive_interval: 'the system setting holds; Node sets the idle time only',
  }),
}

const connectionManager: Record<string, Row> = {
  [HCM]: fields(
    `codec_type=AUTO|HTTP1|HTTP2 stat_prefix route_config http_filters add_user_agent common_http_protocol_options
     ${HTTP_VERSIONS} server_name server_header_transformation scheme_header_transformation max_request_headers_kb
     stream_idle_timeout request_timeout request_headers_timeout drain_timeout delayed_close_timeout access_log
     access_log_options access_log_flush_interval flush_access_log_on_new_request use_remote_address
     xff_num_trusted_hops internal_address_config skip_xff_append via generate_request_id preserve_external_request_id
     always_set_request_id_in_response forward_client_cert_details set_current_client_cert_details proxy_100_continue
     represent_ipv4_remote_address_as_ipv4_mapped_ipv6 upgrade_configs normalize_path merge_slashes
     path_with_escaped_slashes_action local_reply_config strip_matching_host_port strip_any_host_port
     stream_error_on_invalid_http_message strip_trailing_host_dot append_x_forwarded_port
     add_proxy_protocol_connection_state`,
  ),
  [`${HCM}.UpgradeConfig`]: fields('upgrade_type filters enabled'),
  [`${HCM}.InternalAddressConfig`]: fields('unix_sockets cidr_ranges'),
  [`${HCM}.SetCurrentClientCertDetails`]: fields('subject cert chain dns uri'),
  [`${HCM}.HcmAccessLogOptions`]: fields(
    'access_log_flush_interval flush_access_log_on_new_request flush_log_on_tunnel_successfully_established',
  ),
  [`${HCM_PACKAGE}LocalReplyConfig`]: fields('mappers body_format'),
  [`${HCM_PACKAGE}ResponseMapper`]: fields('filter status_code body body_format_override headers_to_add'),
  [`${HCM_PACKAGE}HttpFilter`]: fields('name typed_config disabled', {
    is_optional: 'a filter is known, or the configuration is refused',
  }),
  [`${CORE}SchemeHeaderTransformation`]: fields('scheme_to_overwrite match_upstream'),
  [`${CORE}HttpProtocolOptions`]: fields(
    `idle_timeout max_connection_duration max_headers_count max_response_headers_kb max_stream_duration
     headers_with_underscores_action max_requests_per_connection`,
  ),
  [`${CORE}Http1ProtocolOptions`]: fields(
    `allow_absolute_url accept_http_10 default_host_for_http_10 header_key_format enable_trailers allow_chunked_length
     override_stream_error_on_invalid_http_message send_fully_qualified_url allow_custom_methods ignore_http_11_upgrade`,
  ),
  [`${CORE}Http1ProtocolOptions.HeaderKeyFormat`]: fields('proper_case_words'),
  [`${CORE}Http1ProtocolOptions.HeaderKeyFormat.ProperCaseWords`]: fields(''),
  [`${CORE}Http2ProtocolOptions`]: fields(
    `hpack_table_size max_concurrent_streams initial_stream_window_size initial_connection_window_size allow_connect
     max_outbound_frames max_outbound_control_frames max_consecutive_inbound_frames_with_empty_payload
     max_inbound_priority_frames_per_stream max_inbound_window_update_frames_per_data_frame_sent
     stream_error_on_invalid_http_messaging override_stream_error_on_invalid_http_message custom_settings_parameters
     connection_keepalive`,
    { use_oghttp2_codec: 'the codec is Sluice’s own', max_metadata_size: 'METADATA frames are ignored' },
  ),
  [`${CORE}Http2ProtocolOptions.SettingsParameter`]: fields('identifier value'),
  [`${CORE}KeepaliveSettings`]: fields('interval timeout interval_jitter connection_idle_interval'),
}

const httpFilters: Record<string, Row> = {
  [`${FILTER}router.v3.Router`]: fields('suppress_envoy_headers upstream_log reject_connect_request_early_data', {
    dynamic_stats: 'statistics per cluster are always kept',
    start_child_span: 'there is no tracing',
    suppress_grpc_request_failure_code_stats: STATS_NAME,
  }),
  [`${FILTER}buffer.v3.Buffer`]: fields('max_request_bytes'),
  [`${FILTER}buffer.v3.BufferPerRoute`]: fields('disabled buffer'),
  [`${FILTER}cors.v3.Cors`]: fields(''),
  [`${FILTER}cors.v3.CorsPolicy`]: fields(
    `allow_origin_string_match allow_methods allow_headers expose_headers max_age allow_credentials filter_enabled
     allow_private_network_access forward_not_matching_preflights`,
    {},
    { shadow_enabled: 'a policy is in force or left out; take it out, or set filter_enabled' },
  ),
  [`${FILTER}header_mutation.v3.HeaderMutation`]: fields('mutations'),
  [`${FILTER}header_mutation.v3.HeaderMutationPerRoute`]: fields('mutations'),
  [`${FILTER}header_mutation.v3.Mutations`]: fields('request_mutations response_mutations'),
  [`${FILTER}health_check.v3.HealthCheck`]: fields('pass_through_mode headers'),
  'envoy.config.common.mutation_rules.v3.HeaderMutation': fields('remove append'),
  [`${ROUTE}FilterConfig`]: fields('config disabled', {
    is_optional: 'a filter is known, or the configuration is refused',
  }),
}

const routes: Record<string, Row> = {
  [`${ROUTE}RouteConfiguration`]: fields(
    `name virtual_hosts internal_only_headers ${MUTATIONS} most_specific_header_mutations_wins validate_clusters
     max_direct_response_body_size_bytes ignore_port_in_host_matching ignore_path_parameters_in_path_matching
     typed_per_filter_config metadata request_mirror_policies`,
  ),
  [`${ROUTE}VirtualHost`]: fields(
    `name domains routes require_tls ${MUTATIONS} typed_per_filter_config retry_policy request_mirror_policies
     include_request_attempt_count include_attempt_count_in_response`,
    {
      metadata: INFORMATION,
    },
  ),
  [`${ROUTE}Route`]: fields(`name match route redirect direct_response ${MUTATIONS} typed_per_filter_config metadata`, {
    decorator: 'names trace spans; there is no tracing',
    stat_prefix: STATS_NAME,
  }),
  [`${ROUTE}RouteMatch`]: fields(
    `prefix path safe_regex connect_matcher path_separated_prefix case_sensitive runtime_fraction headers
     query_parameters grpc tls_context`,
  ),
  [`${ROUTE}RouteMatch.ConnectMatcher`]: fields(''),
  [`${ROUTE}RouteMatch.GrpcRouteMatchOptions`]: fields(''),
  [`${ROUTE}RouteMatch.TlsContextMatchOptions`]: fields('presented validated'),
  [`${CORE}RuntimeFractionalPercent`]: fields('default_value', { runtime_key: RUNTIME }),
  'envoy.type.v3.FractionalPercent': fields('numerator denominator'),
  'envoy.type.v3.Percent': fields('value'),
  'envoy.type.v3.Int64Range': fields('start end'),
  [`${ROUTE}HeaderMatcher`]: fields(
    `name exact_match safe_regex_match range_match present_match prefix_match suffix_match contains_match string_match
     invert_match treat_missing_header_as_empty`,
  ),
  [`${ROUTE}QueryParameterMatcher`]: fields('name string_match present_match'),
  'envoy.type.matcher.v3.StringMatcher': fields('exact prefix suffix safe_regex contains ignore_case'),
  'envoy.type.matcher.v3.RegexMatcher': fields('regex', { google_re2: 'RE2 is the only engine' }),
  'envoy.type.matcher.v3.RegexMatchAndSubstitute': fields('pattern substitution'),
  [`${ROUTE}RouteAction`]: fields(
    `cluster cluster_header weighted_clusters cluster_not_found_response_code prefix_rewrite regex_rewrite path_rewrite
     host_rewrite_literal auto_host_rewrite host_rewrite_header host_rewrite_path_regex host_rewrite
     append_x_forwarded_host timeout idle_timeout max_stream_duration upgrade_configs hash_policy priority
     retry_policy request_mirror_policies`,
  ),
  [`${ROUTE}RouteAction.UpgradeConfig`]: fields('upgrade_type enabled connect_config'),
  [`${ROUTE}RouteAction.UpgradeConfig.ConnectConfig`]: fields('proxy_protocol_config allow_post'),
  [`${ROUTE}RouteAction.MaxStreamDuration`]: fields('max_stream_duration'),
  [`${ROUTE}WeightedCluster`]: fields('clusters total_weight header_name', { runtime_key_prefix: RUNTIME }),
  [`${ROUTE}WeightedCluster.ClusterWeight`]: fields(
    `name cluster_header weight ${MUTATIONS} typed_per_filter_config host_rewrite_literal`,
  ),
  [`${ROUTE}RedirectAction`]: fields(
    `https_redirect scheme_redirect host_redirect port_redirect path_redirect prefix_rewrite regex_rewrite response_code
     strip_query`,
  ),
  [`${ROUTE}DirectResponseAction`]: fields('status body body_format'),
  [`${CORE}HeaderValueOption`]: fields('header append append_action keep_empty_value'),
  [`${CORE}HeaderValue`]: fields('key value raw_value'),
}

const clusters: Record<string, Row> = {
  [`${CLUSTER}Cluster`]: fields(
    `name alt_stat_name type=STATIC|STRICT_DNS|LOGICAL_DNS|ORIGINAL_DST cluster_type connect_timeout
     per_connection_buffer_limit_bytes lb_policy load_assignment circuit_breakers outlier_detection health_checks
     close_connections_on_host_health_failure ignore_health_on_host_removal upstream_http_protocol_options
     common_http_protocol_options ${HTTP_VERSIONS} protocol_selection typed_extension_protocol_options dns_refresh_rate
     dns_failure_refresh_rate dns_jitter respect_dns_ttl dns_lookup_family typed_dns_resolver_config transport_socket upstream_bind_config upstream_connection_options
     round_robin_lb_config least_request_lb_config ring_hash_lb_config maglev_lb_config common_lb_config
     load_balancing_policy original_dst_lb_config cleanup_interval upstream_config
     preconnect_policy connection_pool_per_downstream_connection metadata`,
    {
      track_cluster_stats: STATS_NAME,
      wait_for_warm_on_init: 'listeners start once every cluster has tried to resolve',
    },
  ),
  [`${CORE}RuntimeDouble`]: fields('default_value', { runtime_key: RUNTIME }),
  [`${CLUSTER}CircuitBreakers`]: fields('thresholds per_host_thresholds'),
  [`${CLUSTER}CircuitBreakers.Thresholds`]: fields(
    'priority max_connections max_pending_requests max_requests max_retries retry_budget track_remaining',
  ),
  [`${CLUSTER}CircuitBreakers.Thresholds.RetryBudget`]: fields('budget_percent min_retry_concurrency'),
  [`${CLUSTER}OutlierDetection`]: fields(
    `consecutive_5xx interval base_ejection_time max_ejection_percent enforcing_consecutive_5xx enforcing_success_rate
     success_rate_minimum_hosts success_rate_request_volume success_rate_stdev_factor consecutive_gateway_failure
     enforcing_consecutive_gateway_failure split_external_local_origin_errors consecutive_local_origin_failure
     enforcing_consecutive_local_origin_failure enforcing_local_origin_success_rate failure_percentage_threshold
     enforcing_failure_percentage enforcing_failure_percentage_local_origin failure_percentage_minimum_hosts
     failure_percentage_request_volume max_ejection_time max_ejection_time_jitter
     successful_active_health_check_uneject_host always_eject_one_host`,
  ),
  [`${CLUSTER}UpstreamConnectionOptions`]: fields('tcp_keepalive happy_eyeballs_config'),
  [`${CLUSTER}UpstreamConnectionOptions.HappyEyeballsConfig`]: fields(
    'first_address_family_version first_address_family_count',
  ),
  [`${CORE}BindConfig`]: fields('source_address'),
  [`${ENDPOINT}ClusterLoadAssignment`]: fields('cluster_name endpoints policy'),
  [`${ENDPOINT}LocalityLbEndpoints`]: fields('locality lb_endpoints priority metadata load_balancing_weight', {
    proximity: 'Envoy does not read it either',
  }),
  [`${ENDPOINT}LbEndpoint`]: fields('endpoint health_status load_balancing_weight metadata'),
  [`${ENDPOINT}Endpoint`]: fields('address hostname health_check_config additional_addresses'),
  [`${ENDPOINT}Endpoint.AdditionalAddress`]: fields('address'),
  [`${CORE}Locality`]: fields('region zone sub_zone'),
  [UPSTREAM_HTTP]: fields(
    `common_http_protocol_options upstream_http_protocol_options explicit_http_config use_downstream_protocol_config
     auto_config hash_policy retry_policy request_mirror_policies`,
  ),
  [`${UPSTREAM_HTTP}.ExplicitHttpConfig`]: fields(HTTP_VERSIONS),
  [`${UPSTREAM_HTTP}.UseDownstreamHttpConfig`]: fields(HTTP_VERSIONS),
  [`${UPSTREAM_HTTP}.AutoHttpConfig`]: fields(HTTP_VERSIONS),
  [`${CORE}UpstreamHttpProtocolOptions`]: fields('auto_sni auto_san_validation override_auto_sni_header'),
}

const tls: Record<string, Row> = {
  [`${TLS}UpstreamTlsContext`]: fields(
    'common_tls_context sni auto_host_sni auto_sni_san_validation max_session_keys',
    {
      enforce_rsa_key_usage: 'the TLS library checks key usage always',
    },
  ),
  [`${TLS}DownstreamTlsContext`]: fields(
    `common_tls_context require_client_certificate session_ticket_keys session_ticket_keys_sds_secret_config
     disable_stateless_session_resumption disable_stateful_session_resumption session_timeout
     ocsp_staple_policy=LENIENT_STAPLING`,
  ),
  [`${TLS}CommonTlsContext`]: fields(
    `tls_params tls_certificates tls_certificate_sds_secret_configs validation_context
     validation_context_sds_secret_config combined_validation_context alpn_protocols key_log`,
  ),
  [`${TLS}CommonTlsContext.CombinedCertificateValidationContext`]: fields(
    'default_validation_context validation_context_sds_secret_config',
  ),
  [`${TLS}TlsParameters`]: fields(
    'tls_minimum_protocol_version tls_maximum_protocol_version cipher_suites ecdh_curves signature_algorithms',
  ),
  [`${TLS}TlsCertificate`]: fields('certificate_chain private_key password'),
  [`${TLS}SdsSecretConfig`]: fields('name'),
  [`${TLS}CertificateValidationContext`]: fields(
    `trusted_ca system_root_certs match_typed_subject_alt_names match_subject_alt_names verify_certificate_spki
     verify_certificate_hash crl allow_expired_certificate trust_chain_verification max_verify_depth`,
  ),
  [`${TLS}CertificateValidationContext.SystemRootCerts`]: fields(''),
  [`${TLS}SubjectAltNameMatcher`]: fields('san_type=EMAIL|DNS|URI|IP_ADDRESS matcher'),
  [`${TLS}TlsKeyLog`]: fields('path'),
  [`${TLS}TlsSessionTicketKeys`]: fields('keys'),
  [`${TLS}Secret`]: fields('name tls_certificate session_ticket_keys validation_context'),
}

const accessLogs: Record<string, Row> = {
  [`${LOG}AccessLog`]: fields('name filter typed_config'),
  [`${LOG}AccessLogFilter`]: fields(
    `status_code_filter duration_filter not_health_check_filter traceable_filter runtime_filter and_filter or_filter
     header_filter response_flag_filter grpc_status_filter log_type_filter`,
  ),
  [`${LOG}StatusCodeFilter`]: fields('comparison'),
  [`${LOG}DurationFilter`]: fields('comparison'),
  [`${LOG}ComparisonFilter`]: fields('op value'),
  [`${CORE}RuntimeUInt32`]: fields('default_value', { runtime_key: RUNTIME }),
  [`${LOG}NotHealthCheckFilter`]: fields(''),
  [`${LOG}TraceableFilter`]: fields(''),
  [`${LOG}RuntimeFilter`]: fields('percent_sampled', {
    runtime_key: RUNTIME,
    use_independent_randomness: 'every line is drawn independently',
  }),
  [`${LOG}AndFilter`]: fields('filters'),
  [`${LOG}OrFilter`]: fields('filters'),
  [`${LOG}HeaderFilter`]: fields('header'),
  [`${LOG}ResponseFlagFilter`]: fields('flags'),
  [`${LOG}GrpcStatusFilter`]: fields('statuses exclude'),
  [`${LOG}LogTypeFilter`]: fields('types exclude'),
  'envoy.extensions.access_loggers.file.v3.FileAccessLog': fields(
    'path format json_format typed_json_format log_format',
  ),
  'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog': fields('log_format'),
  'envoy.extensions.access_loggers.stream.v3.StderrAccessLog': fields('log_format'),
  [`${CORE}SubstitutionFormatString`]: fields(
    'text_format text_format_source json_format omit_empty_values content_type formatters',
    { json_format_options: 'the order of the fields is kept as written' },
  ),
  'envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery': fields(''),
}

/** By full message name. A message that is not here is refused as a whole. */
export const SUPPORTED: ReadonlyMap<string, MessageSupport> = new Map(
  [
    bootstrap,
    listener,
    connectionManager,
    httpFilters,
    routes,
    clusters,
    tls,
    accessLogs,
    TUNNEL_ROWS,
    HEALTH_ROWS,
    BALANCING_ROWS,
    DNS_ROWS,
    RETRY_ROWS,
  ]
    .flatMap((part) => Object.entries(part))
    .map(([message, row]) => [message, supportOf(row)]),
)

function supportOf(row: Row): MessageSupport {
  const support = new Map<string, FieldSupport>()
  for (const word of (row.yes ?? '').trim().split(/\s+/)) {
    const [name = '', only] = word.split('=')
    if (name !== '')
      support.set(name, only === undefined ? { kind: 'supported' } : { kind: 'supported', only: only.split('|') })
  }
  for (const [name, why] of Object.entries(row.noEffect ?? {})) support.set(name, { kind: 'no-effect', why })
  for (const [name, hint] of Object.entries(row.refused ?? {})) support.set(name, { kind: 'refused', hint })
  return support
}
