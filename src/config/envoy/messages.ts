// The messages of Envoy's API that the dialect reads, by the names it uses. Everything generated enters here.

export {
  HttpConnectionManagerSchema,
  HttpFilterSchema,
  HttpConnectionManager_CodecType,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_PathWithEscapedSlashesAction,
  type HttpConnectionManager,
  type HttpFilter,
  type ResponseMapper,
} from '#envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
export { BootstrapSchema, type Bootstrap, type Admin } from '#envoy/envoy/config/bootstrap/v3/bootstrap_pb.js'
export { type RouteConfiguration } from '#envoy/envoy/config/route/v3/route_pb.js'
export {
  VirtualHost_TlsRequirementType,
  RouteAction_ClusterNotFoundResponseCode,
  RedirectAction_RedirectResponseCode,
  RetryPolicy_ResetHeaderFormat,
  FilterConfigSchema,
  type VirtualHost,
  type Route,
  type RouteMatch,
  type RouteAction,
  type RouteAction_HashPolicy,
  type RouteAction_RequestMirrorPolicy,
  type RouteAction_UpgradeConfig,
  type RetryPolicy,
  type RetryPolicy_RateLimitedRetryBackOff,
  type RedirectAction,
  type DirectResponseAction,
  type WeightedCluster,
  type WeightedCluster_ClusterWeight,
  type HeaderMatcher,
  type QueryParameterMatcher,
} from '#envoy/envoy/config/route/v3/route_components_pb.js'
export {
  HeaderValueOption_HeaderAppendAction,
  RequestMethod,
  RoutingPriority,
  TrafficDirection,
  type DataSource,
  type HeaderValueOption,
  type Metadata,
  type RuntimeFeatureFlag,
  type TransportSocket,
} from '#envoy/envoy/config/core/v3/base_pb.js'
export {
  AddressSchema,
  SocketAddress_Protocol,
  type Address,
  type CidrRange,
  type TcpKeepalive,
} from '#envoy/envoy/config/core/v3/address_pb.js'
export {
  HttpProtocolOptions_HeadersWithUnderscoresAction,
  type HttpProtocolOptions as CommonHttpProtocolOptions,
  type Http1ProtocolOptions,
  type Http2ProtocolOptions,
  type KeepaliveSettings,
  UpstreamHttpProtocolOptionsSchema,
  type UpstreamHttpProtocolOptions,
} from '#envoy/envoy/config/core/v3/protocol_pb.js'
export {
  ProxyProtocolConfig_Version,
  ProxyProtocolPassThroughTLVs_PassTLVsMatchType,
  PerHostConfigSchema,
  type ProxyProtocolConfig,
  type ProxyProtocolPassThroughTLVs,
  type TlvEntry,
} from '#envoy/envoy/config/core/v3/proxy_protocol_pb.js'
export { type BackoffStrategy } from '#envoy/envoy/config/core/v3/backoff_pb.js'
export { type SubstitutionFormatString } from '#envoy/envoy/config/core/v3/substitution_format_string_pb.js'
export { type Listener } from '#envoy/envoy/config/listener/v3/listener_pb.js'
export {
  FilterChainMatch_ConnectionSourceType,
  type Filter as NetworkFilter,
  type FilterChain,
  type FilterChainMatch,
  type ListenerFilter,
} from '#envoy/envoy/config/listener/v3/listener_components_pb.js'
export {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  Cluster_RingHashLbConfig_HashFunction,
  Cluster_ClusterProtocolSelection,
  UpstreamConnectionOptions_FirstAddressFamilyVersion,
  type Cluster,
  type Cluster_CustomClusterType,
  type LoadBalancingPolicy,
} from '#envoy/envoy/config/cluster/v3/cluster_pb.js'
export {
  type CircuitBreakers,
  type CircuitBreakers_Thresholds,
} from '#envoy/envoy/config/cluster/v3/circuit_breaker_pb.js'
export {
  type HealthCheck,
  type HealthCheck_CustomHealthCheck,
  type HealthCheck_GrpcHealthCheck,
  type HealthCheck_HttpHealthCheck,
  type HealthCheck_Payload,
  type HealthCheck_TcpHealthCheck,
} from '#envoy/envoy/config/core/v3/health_check_pb.js'
export { HealthCheckEventFileSinkSchema } from '#envoy/envoy/extensions/health_check/event_sinks/file/v3/file_pb.js'
export { type Int64Range } from '#envoy/envoy/type/v3/range_pb.js'
export { CodecClientType } from '#envoy/envoy/type/v3/http_pb.js'
export { type OutlierDetection } from '#envoy/envoy/config/cluster/v3/outlier_detection_pb.js'
export {
  type Endpoint,
  type Endpoint_HealthCheckConfig,
  type LocalityLbEndpoints,
  type LbEndpoint,
} from '#envoy/envoy/config/endpoint/v3/endpoint_components_pb.js'
export {
  ComparisonFilter_Op,
  type AccessLog,
  type AccessLogFilter,
  type ComparisonFilter,
} from '#envoy/envoy/config/accesslog/v3/accesslog_pb.js'
export { AccessLogType } from '#envoy/envoy/data/accesslog/v3/accesslog_pb.js'
export { FractionalPercent_DenominatorType, type FractionalPercent } from '#envoy/envoy/type/v3/percent_pb.js'
export { type StringMatcher } from '#envoy/envoy/type/matcher/v3/string_pb.js'
export { type RegexMatcher, type RegexMatchAndSubstitute } from '#envoy/envoy/type/matcher/v3/regex_pb.js'
export { type HeaderMutation } from '#envoy/envoy/config/common/mutation_rules/v3/mutation_rules_pb.js'
export { FileAccessLogSchema } from '#envoy/envoy/extensions/access_loggers/file/v3/file_pb.js'
export {
  StdoutAccessLogSchema,
  StderrAccessLogSchema,
} from '#envoy/envoy/extensions/access_loggers/stream/v3/stream_pb.js'
export { RouterSchema } from '#envoy/envoy/extensions/filters/http/router/v3/router_pb.js'
export { BufferSchema, BufferPerRouteSchema } from '#envoy/envoy/extensions/filters/http/buffer/v3/buffer_pb.js'
export {
  HeaderMutationSchema as HeaderMutationFilterSchema,
  HeaderMutationPerRouteSchema,
  type Mutations,
} from '#envoy/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.js'
export { CorsSchema, CorsPolicySchema, type CorsPolicy } from '#envoy/envoy/extensions/filters/http/cors/v3/cors_pb.js'
export { HealthCheckSchema } from '#envoy/envoy/extensions/filters/http/health_check/v3/health_check_pb.js'
export {
  HttpProtocolOptionsSchema,
  type HttpProtocolOptions,
} from '#envoy/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'
export {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
  type CommonTlsContext,
  type DownstreamTlsContext,
  type UpstreamTlsContext,
} from '#envoy/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
export {
  TlsParameters_TlsProtocol,
  SubjectAltNameMatcher_SanType,
  CertificateValidationContext_TrustChainVerification,
  CertificateValidationContextSchema,
  type TlsCertificate,
  type TlsSessionTicketKeys,
  type CertificateValidationContext,
  type SubjectAltNameMatcher,
} from '#envoy/envoy/extensions/transport_sockets/tls/v3/common_pb.js'
export { type Secret, type SdsSecretConfig } from '#envoy/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
export { RawBufferSchema } from '#envoy/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js'
export { HealthStatus } from '#envoy/envoy/config/core/v3/health_check_pb.js'
export { TlsInspectorSchema } from '#envoy/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js'
export { ReqWithoutQuerySchema } from '#envoy/envoy/extensions/formatter/req_without_query/v3/req_without_query_pb.js'
export { GoogleRE2Schema } from '#envoy/envoy/extensions/regex_engines/v3/google_re2_pb.js'
export { InternalListenerSchema } from '#envoy/envoy/extensions/bootstrap/internal_listener/v3/internal_listener_pb.js'
export { HttpInspectorSchema } from '#envoy/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js'
export { OriginalDstSchema } from '#envoy/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js'
export {
  ProxyProtocolSchema,
  type ProxyProtocol,
} from '#envoy/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.js'
export {
  ConnectionLimitSchema,
  type ConnectionLimit,
} from '#envoy/envoy/extensions/filters/network/connection_limit/v3/connection_limit_pb.js'
export { ConfigSchema as DirectResponseConfigSchema } from '#envoy/envoy/extensions/filters/network/direct_response/v3/config_pb.js'
export { EchoSchema } from '#envoy/envoy/extensions/filters/network/echo/v3/echo_pb.js'
export {
  LocalRateLimitSchema,
  type LocalRateLimit,
} from '#envoy/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb.js'
export {
  RBACSchema as NetworkRbacSchema,
  RBAC_EnforcementType,
  type RBAC as NetworkRbac,
} from '#envoy/envoy/extensions/filters/network/rbac/v3/rbac_pb.js'
export {
  RBAC_Action,
  type Permission,
  type Policy,
  type Principal,
  type RBAC as RbacRules,
} from '#envoy/envoy/config/rbac/v3/rbac_pb.js'
export {
  FilterConfigSchema as SniDynamicForwardProxySchema,
  type FilterConfig as SniDynamicForwardProxy,
} from '#envoy/envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy_pb.js'
export {
  ProxyProtocolTlvMergePolicy,
  TcpProxySchema,
  UpstreamConnectMode,
  type TcpProxy,
  type TcpProxy_TunnelingConfig,
} from '#envoy/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
export { UuidRequestIdConfigSchema } from '#envoy/envoy/extensions/request_id/uuid/v3/uuid_pb.js'
export { RouteSchema as UdpRouteSchema } from '#envoy/envoy/extensions/filters/udp/udp_proxy/v3/route_pb.js'
export {
  UdpProxyConfigSchema,
  type UdpProxyConfig,
  type UdpProxyConfig_UdpTunnelingConfig,
} from '#envoy/envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy_pb.js'
export { FilterConfigSchema as HttpCapsuleSchema } from '#envoy/envoy/extensions/filters/udp/udp_proxy/session/http_capsule/v3/http_capsule_pb.js'
export {
  ClusterConfigSchema as DynamicForwardClusterSchema,
  type ClusterConfig as DynamicForwardCluster,
} from '#envoy/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.js'
export { DnsClusterSchema, type DnsCluster } from '#envoy/envoy/extensions/clusters/dns/v3/dns_cluster_pb.js'
export { DnsLookupFamily } from '#envoy/envoy/extensions/clusters/common/dns/v3/dns_pb.js'
export {
  CaresDnsResolverConfigSchema,
  type CaresDnsResolverConfig,
} from '#envoy/envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver_pb.js'
export { GetAddrInfoDnsResolverConfigSchema } from '#envoy/envoy/extensions/network/dns_resolver/getaddrinfo/v3/getaddrinfo_dns_resolver_pb.js'
export { type TypedExtensionConfig } from '#envoy/envoy/config/core/v3/extension_pb.js'
export {
  DnsCacheConfigSchema,
  type DnsCacheConfig,
} from '#envoy/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb.js'
export {
  FilterConfigSchema as DynamicForwardFilterSchema,
  PerRouteConfigSchema as DynamicForwardPerRouteSchema,
} from '#envoy/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.js'
export {
  Http11ProxyUpstreamTransportSchema,
  type Http11ProxyUpstreamTransport,
} from '#envoy/envoy/extensions/transport_sockets/http_11_proxy/v3/upstream_http_11_connect_pb.js'
export {
  InternalUpstreamTransportSchema,
  type InternalUpstreamTransport,
} from '#envoy/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream_pb.js'
export { ProxyProtocolUpstreamTransportSchema } from '#envoy/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.js'
export { GenericConnectionPoolProtoSchema } from '#envoy/envoy/extensions/upstreams/http/generic/v3/generic_connection_pool_pb.js'
export { TcpConnectionPoolProtoSchema } from '#envoy/envoy/extensions/upstreams/http/tcp/v3/tcp_connection_pool_pb.js'
export {
  type ConsistentHashingLbConfig,
  type LocalityLbConfig,
} from '#envoy/envoy/extensions/load_balancing_policies/common/v3/common_pb.js'
export { ClusterProvidedSchema as ClusterProvidedPolicySchema } from '#envoy/envoy/extensions/load_balancing_policies/cluster_provided/v3/cluster_provided_pb.js'
export { LeastRequestSchema as LeastRequestPolicySchema } from '#envoy/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.js'
export { MaglevSchema as MaglevPolicySchema } from '#envoy/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb.js'
export { RandomSchema as RandomPolicySchema } from '#envoy/envoy/extensions/load_balancing_policies/random/v3/random_pb.js'
export {
  RingHash_HashFunction,
  RingHashSchema as RingHashPolicySchema,
} from '#envoy/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb.js'
export { RoundRobinSchema as RoundRobinPolicySchema } from '#envoy/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.js'
export {
  StatefulSessionPerRouteSchema,
  StatefulSessionSchema,
  type StatefulSession,
} from '#envoy/envoy/extensions/filters/http/stateful_session/v3/stateful_session_pb.js'
export { CookieBasedSessionStateSchema } from '#envoy/envoy/extensions/http/stateful_session/cookie/v3/cookie_pb.js'
export { HeaderBasedSessionStateSchema } from '#envoy/envoy/extensions/http/stateful_session/header/v3/header_pb.js'
export { type HashPolicy as TcpHashPolicy } from '#envoy/envoy/type/v3/hash_policy_pb.js'
export { HttpProxyTransportSchema, type HttpProxyTransport } from '#envoy/sluice/v1/http_proxy_transport_pb.js'
export { ModelPartSchema, type ModelPart } from '#envoy/sluice/v1/model_part_pb.js'
export { TargetPolicySchema } from '#envoy/sluice/v1/target_policy_pb.js'
export { WebSocketHealthCheckSchema, type WebSocketHealthCheck } from '#envoy/sluice/v1/web_socket_health_check_pb.js'
export { PreviousHostsPredicateSchema as PreviousHostsSchema } from '#envoy/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js'
export { OmitCanaryHostsPredicateSchema as OmitCanaryHostsSchema } from '#envoy/envoy/extensions/retry/host/omit_canary_hosts/v3/omit_canary_hosts_pb.js'
export { OmitHostMetadataConfigSchema as OmitHostMetadataSchema } from '#envoy/envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config_pb.js'
export { PreviousPrioritiesConfigSchema as PreviousPrioritiesSchema } from '#envoy/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.js'
