// Clusters.

import type { AddressOrder, CircuitBreakers, Cluster, EndpointConfig } from '../model/cluster.ts'
import { balancingFields } from './balancing.ts'
import { DNS_FAMILY, dnsCacheConfig, dnsResolver } from './dns-cache.ts'
import { loadAssignment, metadata } from './endpoint.ts'
import { hashPolicy } from './hash-policy.ts'
import { healthCheck } from './health-check.ts'
import { commonHttpOptions, http1Options, http2Options } from './http-options.ts'
import { duration, extension, fields, type Fields, type Json, listOf, typed, unless, unlessEmpty } from './json.ts'
import { modelPart } from './model-part.ts'
import { outlierDetection } from './outlier-detection.ts'
import { mirrorPolicy, retryPolicy } from './retry-policy.ts'
import { targetPolicy } from './target-policy.ts'
import { transportSocket } from './transport-socket.ts'

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

/** config.cluster.v3.Cluster. */
export const clusterMessage = (cluster: Cluster): Fields =>
  fields({
    name: cluster.name,
    alt_stat_name: unless(cluster.statName, cluster.name),
    ...discoveryFields(cluster),
    connect_timeout: cluster.connectTimeoutMs === 5000 ? undefined : duration(cluster.connectTimeoutMs),
    per_connection_buffer_limit_bytes: unless(cluster.bufferLimitBytes, 1024 * 1024),
    ...balancingFields(cluster),
    load_assignment: loadAssignment(cluster),
    health_checks: listOf(cluster.healthChecks, healthCheck),
    outlier_detection: cluster.outlierDetection && outlierDetection(cluster.outlierDetection),
    circuit_breakers: circuitBreakers(cluster),
    typed_extension_protocol_options: protocolOptions(cluster),
    transport_socket: transportSocket(cluster),
    metadata: metadata(cluster.metadata, {
      'sluice.target_policy': cluster.targetPolicy && targetPolicy(cluster.targetPolicy),
      'sluice.cluster': clusterPart(cluster),
    }),
    preconnect_policy:
      cluster.preconnectRatio === 1 ? undefined : { per_upstream_preconnect_ratio: cluster.preconnectRatio },
    connection_pool_per_downstream_connection: unless(cluster.poolPerDownstreamConnection, false),
    upstream_config: cluster.terminatesConnect
      ? extension('envoy.upstreams.http.tcp', 'envoy.extensions.upstreams.http.tcp.v3.TcpConnectionPoolProto')
      : undefined,
    upstream_connection_options: unlessEmpty(
      fields({
        tcp_keepalive: cluster.keepalive && { keepalive_time: Math.round(cluster.keepalive.timeMs / 1000) },
        happy_eyeballs_config: cluster.addressOrder && addressOrder(cluster.addressOrder),
      }),
    ),
    upstream_bind_config:
      cluster.bindAddress === undefined
        ? undefined
        : { source_address: { address: cluster.bindAddress, port_value: 0 } },
    close_connections_on_host_health_failure: unless(cluster.closeConnectionsOnHealthFailure, false),
    ignore_health_on_host_removal: unless(cluster.ignoreHealthOnRemoval, false),
  })

const addressOrder = ({ first, count }: AddressOrder): Fields =>
  fields({
    first_address_family_version: first === undefined ? undefined : `V${first}`,
    first_address_family_count: count,
  })

/** Ways of balancing, and wishes of endpoints, that Envoy does not have. */
const clusterPart = ({ balancing, endpoints }: Cluster): Fields | undefined =>
  modelPart({
    balancing: isEnvoysBalancing(balancing) ? undefined : balancing,
    endpoints: endpoints.some(hasOwnWishes) ? endpoints : undefined,
  })

const isEnvoysBalancing = (balancing: Cluster['balancing']): boolean =>
  balancing.kind === 'round-robin'
    ? balancing.fromFirst !== true
    : balancing.kind !== 'weighted-random' && balancing.kind !== 'hash-modulo'

const hasOwnWishes = ({ authority, healthCheck }: EndpointConfig): boolean =>
  authority !== undefined || healthCheck?.path !== undefined

const TYPES = {
  static: 'STATIC',
  'strict-dns': 'STRICT_DNS',
  'logical-dns': 'LOGICAL_DNS',
  'original-dst': 'ORIGINAL_DST',
} as const

function discoveryFields(cluster: Cluster): Readonly<Record<string, Json | undefined>> {
  const { discovery, originalDestination, dnsCache } = cluster
  const dns = {
    dns_lookup_family: cluster.dnsFamily === 'auto' ? undefined : DNS_FAMILY[cluster.dnsFamily],
    dns_refresh_rate: cluster.dnsRefreshMs === 5000 ? undefined : duration(cluster.dnsRefreshMs),
    respect_dns_ttl: unless(cluster.respectDnsTtl, false),
    dns_failure_refresh_rate: cluster.dnsFailureBackoff && {
      base_interval: duration(cluster.dnsFailureBackoff.baseMs),
      max_interval: duration(cluster.dnsFailureBackoff.maxMs),
    },
    dns_jitter: cluster.dnsJitterMs === undefined ? undefined : duration(cluster.dnsJitterMs),
    typed_dns_resolver_config: dnsResolver(cluster.nameServers),
  }
  if (discovery === 'dynamic-forward-proxy') {
    return {
      ...dns,
      cluster_type: extension(
        'envoy.clusters.dynamic_forward_proxy',
        'envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig',
        fields({
          dns_cache_config: dnsCache && dnsCacheConfig(dnsCache),
          // Whatever the cluster's TLS says is written down with it.
          allow_insecure_cluster_options: true,
        }),
      ),
    }
  }
  return {
    ...dns,
    type: TYPES[discovery],
    original_dst_lb_config: originalDestination && unlessEmpty(destinationConfig(originalDestination)),
    cleanup_interval:
      originalDestination === undefined || originalDestination.cleanupMs === 5000
        ? undefined
        : duration(originalDestination.cleanupMs),
  }
}

const destinationConfig = ({ headerName, portOverride }: NonNullable<Cluster['originalDestination']>): Fields =>
  fields({
    use_http_header: unless(headerName !== '', false),
    http_header_name: headerName === '' ? undefined : headerName,
    upstream_port_override: portOverride,
  })

function circuitBreakers({ circuitBreakers: { default: usual, high } }: Cluster): Fields | undefined {
  const thresholds = [thresholdsOf(usual, undefined), thresholdsOf(high, 'HIGH')].filter((each) => each !== undefined)
  const perHost = usual.maxConnectionsPerEndpoint
  return unlessEmpty(
    fields({
      thresholds: listOf(thresholds, (each) => each),
      per_host_thresholds: perHost === undefined ? undefined : [{ max_connections: perHost }],
    }),
  )
}

function thresholdsOf(limits: CircuitBreakers, priority: string | undefined): Fields | undefined {
  const said = unlessEmpty(
    fields({
      max_connections: unless(limits.maxConnections, 1024),
      max_pending_requests: unless(limits.maxPendingRequests, 1024),
      max_requests: unless(limits.maxRequests, 1024),
      max_retries: unless(limits.maxRetries, 3),
      retry_budget: limits.retryBudget && {
        budget_percent: { value: limits.retryBudget.percent },
        min_retry_concurrency: limits.retryBudget.minimum,
      },
      track_remaining: unless(limits.trackRemaining, false),
    }),
  )
  return said && fields({ priority, ...said })
}

function protocolOptions(cluster: Cluster): Fields | undefined {
  const { protocol, tls } = cluster
  const http1 = http1Options(cluster.http1)
  const http2 = http2Options(cluster.http2)
  const upstream = unlessEmpty(
    fields({
      auto_sni: unless(tls?.autoSni, false),
      auto_san_validation: unless(tls?.autoSni === true && tls.autoSanValidation, false),
      override_auto_sni_header: tls?.autoSniHeader === '' ? undefined : tls?.autoSniHeader,
    }),
  )
  const rest = fields({
    common_http_protocol_options: commonHttpOptions(cluster.common),
    upstream_http_protocol_options: upstream,
    retry_policy: cluster.retry && retryPolicy(cluster.retry),
    hash_policy: listOf(cluster.hashPolicies, hashPolicy),
    request_mirror_policies: listOf(cluster.mirrors, mirrorPolicy),
  })
  const both = fields({ http_protocol_options: http1, http2_protocol_options: unlessEmpty(http2) })
  switch (protocol.kind) {
    case 'explicit':
      if (protocol.version === 'http2')
        return {
          [HTTP_OPTIONS]: typed(HTTP_OPTIONS, { explicit_http_config: { http2_protocol_options: http2 }, ...rest }),
        }
      if (http1 === undefined && Object.keys(rest).length === 0) return undefined
      return {
        [HTTP_OPTIONS]: typed(HTTP_OPTIONS, { explicit_http_config: { http_protocol_options: http1 ?? {} }, ...rest }),
      }
    case 'auto':
      return { [HTTP_OPTIONS]: typed(HTTP_OPTIONS, { auto_config: both, ...rest }) }
    case 'downstream':
      return { [HTTP_OPTIONS]: typed(HTTP_OPTIONS, { use_downstream_protocol_config: both, ...rest }) }
  }
}
