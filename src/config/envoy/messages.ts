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
  type HttpConnectionManager_UpgradeConfig,
  type LocalReplyConfig,
  type ResponseMapper,
} from '#envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
export { BootstrapSchema, type Bootstrap, type Admin } from '#envoy/envoy/config/bootstrap/v3/bootstrap_pb.js'
export { type RouteConfiguration } from '#envoy/envoy/config/route/v3/route_pb.js'
export {
  VirtualHost_TlsRequirementType,
  RouteAction_ClusterNotFoundResponseCode,
  RedirectAction_RedirectResponseCode,
  FilterConfigSchema,
  type VirtualHost,
  type Route,
  type RouteMatch,
  type RouteAction,
  type RouteAction_UpgradeConfig,
  type RedirectAction,
  type DirectResponseAction,
  type WeightedCluster,
  type WeightedCluster_ClusterWeight,
  type HeaderMatcher,
  type QueryParameterMatcher,
} from '#envoy/envoy/config/route/v3/route_components_pb.js'
export {
  HeaderValueOption_HeaderAppendAction,
  RoutingPriority,
  TrafficDirection,
  type DataSource,
  type HeaderValueOption,
  type Locality,
  type TransportSocket,
  type Node,
} from '#envoy/envoy/config/core/v3/base_pb.js'
export {
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
  type UpstreamHttpProtocolOptions,
} from '#envoy/envoy/config/core/v3/protocol_pb.js'
export { type SubstitutionFormatString } from '#envoy/envoy/config/core/v3/substitution_format_string_pb.js'
export { type Listener } from '#envoy/envoy/config/listener/v3/listener_pb.js'
export {
  FilterChainMatch_ConnectionSourceType,
  type FilterChain,
  type FilterChainMatch,
} from '#envoy/envoy/config/listener/v3/listener_components_pb.js'
export {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  Cluster_ClusterProtocolSelection,
  type Cluster,
} from '#envoy/envoy/config/cluster/v3/cluster_pb.js'
export {
  type CircuitBreakers,
  type CircuitBreakers_Thresholds,
} from '#envoy/envoy/config/cluster/v3/circuit_breaker_pb.js'
export { type LocalityLbEndpoints, type LbEndpoint } from '#envoy/envoy/config/endpoint/v3/endpoint_components_pb.js'
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
  type TlsParameters,
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
