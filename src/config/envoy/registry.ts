// Which types an `Any` may hold. The few that Sluice supports are at hand; Envoy's other 380 files are loaded only when
// the text names a type beyond them, because that takes most of a second.

import { createRegistry, type Registry } from '@bufbuild/protobuf'
import type { SourceNode } from '../source/tree.ts'
import {
  AddressSchema,
  BufferPerRouteSchema,
  BufferSchema,
  CaresDnsResolverConfigSchema,
  ClusterProvidedPolicySchema,
  ConnectionLimitSchema,
  CorsPolicySchema,
  CorsSchema,
  CookieBasedSessionStateSchema,
  DirectResponseConfigSchema,
  DnsClusterSchema,
  DownstreamTlsContextSchema,
  DynamicForwardClusterSchema,
  DynamicForwardFilterSchema,
  DynamicForwardPerRouteSchema,
  EchoSchema,
  FileAccessLogSchema,
  FilterConfigSchema,
  GenericConnectionPoolProtoSchema,
  GetAddrInfoDnsResolverConfigSchema,
  GoogleRE2Schema,
  HeaderBasedSessionStateSchema,
  HeaderMutationFilterSchema,
  HeaderMutationPerRouteSchema,
  HealthCheckEventFileSinkSchema,
  HealthCheckSchema,
  Http11ProxyUpstreamTransportSchema,
  HttpCapsuleSchema,
  HttpConnectionManagerSchema,
  HttpInspectorSchema,
  HttpProtocolOptionsSchema,
  HttpProxyTransportSchema,
  InternalListenerSchema,
  InternalUpstreamTransportSchema,
  LeastRequestPolicySchema,
  LocalRateLimitSchema,
  MaglevPolicySchema,
  ModelPartSchema,
  NetworkRbacSchema,
  OmitCanaryHostsSchema,
  OmitHostMetadataSchema,
  OriginalDstSchema,
  PerHostConfigSchema,
  PreviousHostsSchema,
  PreviousPrioritiesSchema,
  ProxyProtocolSchema,
  ProxyProtocolUpstreamTransportSchema,
  RandomPolicySchema,
  RawBufferSchema,
  ReqWithoutQuerySchema,
  RingHashPolicySchema,
  RoundRobinPolicySchema,
  RouterSchema,
  SniDynamicForwardProxySchema,
  StatefulSessionPerRouteSchema,
  StatefulSessionSchema,
  StderrAccessLogSchema,
  StdoutAccessLogSchema,
  TargetPolicySchema,
  TcpConnectionPoolProtoSchema,
  TcpProxySchema,
  TlsInspectorSchema,
  UdpProxyConfigSchema,
  UdpRouteSchema,
  UpstreamTlsContextSchema,
  UuidRequestIdConfigSchema,
  WebSocketHealthCheckSchema,
} from './messages.ts'

const SUPPORTED_TYPES = createRegistry(
  AddressSchema,
  BufferPerRouteSchema,
  BufferSchema,
  CaresDnsResolverConfigSchema,
  ClusterProvidedPolicySchema,
  ConnectionLimitSchema,
  CorsPolicySchema,
  CorsSchema,
  CookieBasedSessionStateSchema,
  DirectResponseConfigSchema,
  DnsClusterSchema,
  DownstreamTlsContextSchema,
  DynamicForwardClusterSchema,
  DynamicForwardFilterSchema,
  DynamicForwardPerRouteSchema,
  EchoSchema,
  FileAccessLogSchema,
  FilterConfigSchema,
  GenericConnectionPoolProtoSchema,
  GetAddrInfoDnsResolverConfigSchema,
  GoogleRE2Schema,
  HeaderBasedSessionStateSchema,
  HeaderMutationFilterSchema,
  HeaderMutationPerRouteSchema,
  HealthCheckEventFileSinkSchema,
  HealthCheckSchema,
  Http11ProxyUpstreamTransportSchema,
  HttpCapsuleSchema,
  HttpConnectionManagerSchema,
  HttpInspectorSchema,
  HttpProtocolOptionsSchema,
  HttpProxyTransportSchema,
  InternalListenerSchema,
  InternalUpstreamTransportSchema,
  LeastRequestPolicySchema,
  LocalRateLimitSchema,
  MaglevPolicySchema,
  ModelPartSchema,
  NetworkRbacSchema,
  OmitCanaryHostsSchema,
  OmitHostMetadataSchema,
  OriginalDstSchema,
  PerHostConfigSchema,
  PreviousHostsSchema,
  PreviousPrioritiesSchema,
  ProxyProtocolSchema,
  ProxyProtocolUpstreamTransportSchema,
  RandomPolicySchema,
  RawBufferSchema,
  ReqWithoutQuerySchema,
  RingHashPolicySchema,
  RoundRobinPolicySchema,
  RouterSchema,
  SniDynamicForwardProxySchema,
  StatefulSessionPerRouteSchema,
  StatefulSessionSchema,
  StderrAccessLogSchema,
  StdoutAccessLogSchema,
  TargetPolicySchema,
  TcpConnectionPoolProtoSchema,
  TcpProxySchema,
  TlsInspectorSchema,
  UdpProxyConfigSchema,
  UdpRouteSchema,
  UpstreamTlsContextSchema,
  UuidRequestIdConfigSchema,
  WebSocketHealthCheckSchema,
)

/** A registry that knows every type which the trees name and Envoy has. */
export async function registryFor(trees: readonly SourceNode[]): Promise<Registry> {
  if (trees.every((tree) => namesOnly(tree, SUPPORTED_TYPES))) return SUPPORTED_TYPES
  return fullRegistry()
}

/** Everything that Envoy's API has. */
export async function fullRegistry(): Promise<Registry> {
  const { envoyRegistry } = await import('#envoy/registry.js')
  return envoyRegistry
}

function namesOnly(node: SourceNode, registry: Registry): boolean {
  if (node.kind === 'scalar') return true
  if (node.kind === 'list') return node.items.every((item) => namesOnly(item, registry))
  for (const [key, { value }] of node.entries) {
    if (
      key === '@type' &&
      value.kind === 'scalar' &&
      registry.getMessage(value.text.slice(value.text.lastIndexOf('/') + 1)) === undefined
    ) {
      return false
    }
    if (!namesOnly(value, registry)) return false
  }
  return true
}
