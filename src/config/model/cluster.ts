// Clusters and their endpoints. Envoy: config.cluster.v3, config.endpoint.v3. Milliseconds; undefined = off.

import type { Address } from './address.ts'
import type { CommonHttpOptions, Http1ProtocolOptions, Http2ProtocolOptions } from './http-protocol.ts'
import type { Place } from './place.ts'
import type { UpstreamTls } from './tls.ts'

export type Discovery = 'static' | 'strict-dns' | 'logical-dns'
export type DnsFamily = 'auto' | 'v4-only' | 'v6-only' | 'v4-preferred' | 'all'

export type Balancing =
  | { readonly kind: 'round-robin' }
  | { readonly kind: 'least-request'; readonly choices: number; readonly activeRequestBias: number }
  | { readonly kind: 'random' }

export interface EndpointConfig {
  readonly address: Address
  /** Name for auto host rewrite and SNI; the DNS name when the address is one; '' otherwise. */
  readonly hostname: string
  readonly weight: number
  readonly priority: number
  readonly locality: { readonly region: string; readonly zone: string; readonly subZone: string }
  readonly health: 'healthy' | 'degraded' | 'unhealthy' | 'draining'
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
  readonly place: Place
}

export interface Cluster {
  readonly name: string
  /** alt_stat_name or name. */
  readonly statName: string
  readonly discovery: Discovery
  readonly dnsFamily: DnsFamily
  readonly dnsRefreshMs: number
  readonly respectDnsTtl: boolean
  readonly connectTimeoutMs: number
  readonly bufferLimitBytes: number
  readonly balancing: Balancing
  readonly endpoints: readonly EndpointConfig[]
  readonly protocol: UpstreamProtocol
  readonly common: CommonHttpOptions
  readonly http1: Http1ProtocolOptions
  readonly http2: Http2ProtocolOptions
  readonly tls: UpstreamTls | undefined
  readonly circuitBreakers: { readonly default: CircuitBreakers; readonly high: CircuitBreakers }
  readonly keepalive: { readonly timeMs: number } | undefined
  /** Local address to dial from. */
  readonly bindAddress: string | undefined
  readonly place: Place
}
