// The TCP proxy of a filter chain. Envoy: extensions.filters.network.tcp_proxy.v3. Milliseconds; undefined = off.

import type { AccessLogConfig } from './access-log.ts'
import type { FormatTemplate } from './format-template.ts'
import type { HeaderAddition } from './header-mutation.ts'
import type { HashPolicy } from './hash-policy.ts'
import type { Place } from './place.ts'
import type { ProxyTlv } from './proxy-protocol.ts'

export interface TcpProxy {
  readonly kind: 'tcp-proxy'
  readonly statPrefix: string
  /** One entry for `cluster`. */
  readonly clusters: readonly { readonly name: string; readonly weight: number }[]
  /** Sum of the weights. */
  readonly totalWeight: number
  readonly tunneling: TunnelingConfig | undefined
  readonly idleTimeoutMs: number | undefined
  readonly maxConnectAttempts: number
  /** undefined = the next attempt starts in the next loop turn. */
  readonly backoff: { readonly baseMs: number; readonly maxMs: number } | undefined
  readonly maxDurationMs: number | undefined
  /** 0..100: up to so much is added to `maxDurationMs`. */
  readonly maxDurationJitterPercent: number
  readonly connectMode: 'immediate' | 'on-downstream-data' | 'on-downstream-tls-handshake'
  /** undefined = the client is not read before the upstream stands. */
  readonly maxEarlyDataBytes: number | undefined
  readonly accessLogs: readonly AccessLogConfig[]
  readonly accessLogOptions: TcpAccessLogOptions
  /** For upstreams that get a PROXY header. */
  readonly proxyProtocolTlvs: readonly ProxyTlv[]
  readonly tlvMerge: 'add-if-absent' | 'overwrite-by-type' | 'append'
  /** While the server drains, close with flush at the next bytes. */
  readonly checkDrainClose: boolean
  /** Of the connection: `source-ip` and `filter-state` only. undefined = none. */
  readonly hashPolicies?: readonly HashPolicy[] | undefined
  readonly place: Place
}

/** Which lines besides TcpConnectionEnd. */
export interface TcpAccessLogOptions {
  /** Interval of TcpPeriodic lines. */
  readonly flushIntervalMs: number | undefined
  /** TcpUpstreamConnected. */
  readonly onConnected: boolean
  /** A line at the start of the session. */
  readonly onStart: boolean
}

/** The connection's bytes travel in an HTTP request instead of a TCP connection of their own. */
export interface TunnelingConfig {
  /** Becomes `:authority`, the CONNECT target. */
  readonly hostname: FormatTemplate
  /** POST with the bytes as its body, instead of CONNECT. */
  readonly usePost: boolean
  readonly postPath: string
  readonly headers: readonly HeaderAddition[]
  /** Into filter state `envoy.tcp_proxy.propagate_response_headers`. */
  readonly propagateResponseHeaders: boolean
  readonly propagateResponseTrailers: boolean
  readonly requestId: { readonly header: string; readonly metadataKey: string } | undefined
  readonly place: Place
}
