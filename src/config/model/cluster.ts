// Clusters and their endpoints. Envoy: config.cluster.v3, config.endpoint.v3. Milliseconds; undefined = off.

import type { Address } from './address.ts'
import type { Balancing, LoadSpread } from './balancing.ts'
import type { DnsCacheConfig, DnsFamily } from './dns-cache.ts'
import type { HashPolicy } from './hash-policy.ts'
import type { HeaderAddition } from './header-mutation.ts'
import type { EndpointHealthCheck, HealthCheck } from './health-check.ts'
import type { CommonHttpOptions, Http1ProtocolOptions, Http2ProtocolOptions } from './http-protocol.ts'
import type { FilterMetadata } from './metadata.ts'
import type { OutlierDetection } from './outlier-detection.ts'
import type { NameServers } from './name-servers.ts'
import type { Place } from './place.ts'
import type { ProxyProtocolSend, ProxyTlv } from './proxy-protocol.ts'
import type { MirrorPolicy, RetryPolicy } from './retry.ts'
import type { TargetPolicy } from './target-policy.ts'
import type { UpstreamTls } from './tls.ts'

export type Discovery = 'static' | 'strict-dns' | 'logical-dns' | 'original-dst' | 'dynamic-forward-proxy'
export type { DnsFamily } from './dns-cache.ts'

export type { Balancing } from './balancing.ts'

/** RFC 8305 §4. */
export interface AddressOrder {
  /** undefined = that of the first address. */
  readonly first: 4 | 6 | undefined
  /** Addresses of that family before the first of the other one; at least 1. */
  readonly count: number
}

export interface EndpointConfig {
  readonly address: Address
  /** Other addresses of the same endpoint, tried when the first fails or is slow. Envoy: additional_addresses. */
  readonly additionalAddresses?: readonly Address[] | undefined
  /** Name for auto host rewrite and SNI; the DNS name when the address is one; '' otherwise. */
  readonly hostname: string
  /** In place of `hostname` for auto host rewrite, with a port if need be; '' = the request's host stays. Easegress: keepHost. */
  readonly authority?: string | undefined
  readonly weight: number
  readonly priority: number
  readonly locality: { readonly region: string; readonly zone: string; readonly subZone: string }
  /** Of its locality within the priority; undefined = the locality gets nothing when localities share by weight. */
  readonly localityWeight?: number | undefined
  readonly health: 'healthy' | 'degraded' | 'unhealthy' | 'draining'
  /** undefined = the cluster's checks as they are. */
  readonly healthCheck?: EndpointHealthCheck | undefined
  /** An HTTP proxy to CONNECT through, for this endpoint or its locality; wins over the cluster's. */
  readonly httpProxy?: Address | undefined
  /** TLVs for this endpoint; they win over the cluster's of the same type. */
  readonly proxyTlvs?: readonly ProxyTlv[] | undefined
  /** undefined = none. */
  readonly metadata?: FilterMetadata | undefined
  readonly place: Place
}

/** A namespace of metadata that a connection to an internal listener carries along. Envoy: internal_upstream. */
export interface PassedMetadata {
  readonly from: 'host' | 'cluster'
  readonly namespace: string
}

/** Where an original-dst cluster finds the address to dial; the connection's original destination when all else is silent. */
export interface OriginalDestination {
  /** Lower case, `:authority` included; '' = no header is asked. */
  readonly headerName: string
  readonly portOverride: number | undefined
  /** An unused address is forgotten after so long. */
  readonly cleanupMs: number
}

/** A proxy between here and the endpoint: it is asked to CONNECT, then the endpoint is spoken to through it. */
export interface HttpProxyHop {
  /** undefined = only endpoints that name a proxy use one. */
  readonly address: Address | undefined
  /** `user:password`; secret: never printed. Sluice's own. */
  readonly basicCredentials: string | undefined
  /** Added to the CONNECT. Sluice's own. */
  readonly headers: readonly HeaderAddition[]
  /** It is asked to CONNECT for plain HTTP/1.1 as well; otherwise it gets such requests with their whole URL. */
  readonly alwaysConnects: boolean
  /** The proxy itself is reached by TLS. Sluice's own. */
  readonly tls: UpstreamTls | undefined
  readonly place: Place
}

/** Which HTTP version the cluster is spoken to in. */
export type UpstreamProtocol =
  | { readonly kind: 'explicit'; readonly version: 'http1' | 'http2' }
  /** By ALPN; HTTP/1.1 without TLS. */
  | { readonly kind: 'auto' }
  /** The same as the request came in. */
  | { readonly kind: 'downstream' }

export interface CircuitBreakers {
  readonly maxConnections: number
  readonly maxPendingRequests: number
  readonly maxRequests: number
  readonly maxRetries: number
  /** In place of maxRetries: so many retries per hundred requests under way, and at least so many. */
  readonly retryBudget?: { readonly percent: number; readonly minimum: number } | undefined
  /** Connections to one endpoint; undefined = no limit of its own. */
  readonly maxConnectionsPerEndpoint?: number | undefined
  /** Envoy: track_remaining. */
  readonly trackRemaining?: boolean
  readonly place: Place
}

export interface Cluster {
  readonly name: string
  /** alt_stat_name or name. */
  readonly statName: string
  readonly discovery: Discovery
  readonly dnsFamily: DnsFamily
  readonly dnsRefreshMs: number
  /** Waits after lookups that fail, longer every time; undefined = short ones up to `dnsRefreshMs`. Envoy: dns_failure_refresh_rate. */
  readonly dnsFailureBackoff?: { readonly baseMs: number; readonly maxMs: number } | undefined
  /** At most so much is added to every wait, by chance. undefined = none. */
  readonly dnsJitterMs?: number | undefined
  readonly respectDnsTtl: boolean
  /** undefined = the machine's resolver. Envoy: typed_dns_resolver_config. */
  readonly nameServers?: NameServers | undefined
  /** How the addresses of one endpoint are put in order for dialling; undefined = the family of the first one first, one each in turns. Envoy: happy_eyeballs_config. */
  readonly addressOrder?: AddressOrder | undefined
  readonly connectTimeoutMs: number
  readonly bufferLimitBytes: number
  readonly balancing: Balancing
  /** undefined = Envoy's defaults. */
  readonly spread?: LoadSpread | undefined
  /** In place of the route's. Envoy: HttpProtocolOptions.hash_policy. */
  readonly hashPolicies?: readonly HashPolicy[] | undefined
  /** All must pass. Empty or undefined = none. */
  readonly healthChecks?: readonly HealthCheck[] | undefined
  /** undefined = off. */
  readonly outlierDetection?: OutlierDetection | undefined
  /** Overrides the route's. Envoy: HttpProtocolOptions.retry_policy. */
  readonly retry?: RetryPolicy | undefined
  /** In place of the route's; undefined or empty = the route's. Envoy: HttpProtocolOptions.request_mirror_policies. */
  readonly mirrors?: readonly MirrorPolicy[] | undefined
  /** Plain TCP sessions end when their endpoint fails its checks. */
  readonly closeConnectionsOnHealthFailure?: boolean
  /** An endpoint that discovery no longer names leaves at once, healthy or not. */
  readonly ignoreHealthOnRemoval?: boolean
  readonly endpoints: readonly EndpointConfig[]
  readonly protocol: UpstreamProtocol
  readonly common: CommonHttpOptions
  readonly http1: Http1ProtocolOptions
  readonly http2: Http2ProtocolOptions
  /** Innermost first on the wire after TCP: CONNECT through `httpProxy`, then the PROXY header, then TLS. */
  readonly tls: UpstreamTls | undefined
  readonly proxyProtocol: ProxyProtocolSend | undefined
  readonly httpProxy: HttpProxyHop | undefined
  /** For endpoints that are internal listeners; undefined = nothing is passed, not even filter state. */
  readonly internalPassthrough?: readonly PassedMetadata[] | undefined
  /** undefined = none. */
  readonly metadata?: FilterMetadata | undefined
  readonly originalDestination: OriginalDestination | undefined
  /** The cache of a dynamic-forward-proxy cluster. */
  readonly dnsCache: DnsCacheConfig | undefined
  /** undefined = Envoy's behaviour: whatever is named is dialled. */
  readonly targetPolicy: TargetPolicy | undefined
  /** 1..3: connections kept ready per one that is needed. */
  readonly preconnectRatio: number
  /** Requests of different downstream connections do not share connections. */
  readonly poolPerDownstreamConnection: boolean
  /** upstream_config names the TCP pool: every CONNECT to this cluster is terminated. */
  readonly terminatesConnect: boolean
  readonly circuitBreakers: { readonly default: CircuitBreakers; readonly high: CircuitBreakers }
  readonly keepalive: { readonly timeMs: number } | undefined
  /** Local address to dial from. */
  readonly bindAddress: string | undefined
  readonly place: Place
}

/** What a cluster has that is reached directly, in the usual way. Envoy's defaults, where Envoy has one. */
export const DIRECT_CLUSTER = {
  dnsFamily: 'auto',
  dnsRefreshMs: 5000,
  respectDnsTtl: true,
  connectTimeoutMs: 5000,
  bufferLimitBytes: 1024 * 1024,
  proxyProtocol: undefined,
  httpProxy: undefined,
  originalDestination: undefined,
  dnsCache: undefined,
  targetPolicy: undefined,
  preconnectRatio: 1,
  poolPerDownstreamConnection: false,
  terminatesConnect: false,
  keepalive: undefined,
  bindAddress: undefined,
} as const satisfies Partial<Cluster>
