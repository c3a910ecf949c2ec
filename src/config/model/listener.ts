// Listeners and their filter chains. Envoy: config.listener.v3.

import type { AccessLogConfig } from './access-log.ts'
import type { Address, AddressRange } from './address.ts'
import type { ConnectionGate, NetworkFilter } from './network-filter.ts'
import type { Place } from './place.ts'
import type { ProxyProtocolReceive } from './proxy-protocol.ts'
import type { DownstreamTls } from './tls.ts'
import type { UdpProxy } from './udp-proxy.ts'

export interface FilterChainMatch {
  readonly destinationPort: number | undefined
  readonly destinationRanges: readonly AddressRange[]
  /** Lower case, exact or `*.suffix`. */
  readonly serverNames: readonly string[]
  readonly transportProtocol: '' | 'raw_buffer' | 'tls'
  readonly applicationProtocols: readonly string[]
  readonly directSourceRanges: readonly AddressRange[]
  readonly sourceType: 'any' | 'same-ip-or-loopback' | 'external'
  readonly sourceRanges: readonly AddressRange[]
  readonly sourcePorts: readonly number[]
}

/** Every connection. */
export const ANY_CONNECTION: FilterChainMatch = {
  destinationPort: undefined,
  destinationRanges: [],
  serverNames: [],
  transportProtocol: '',
  applicationProtocols: [],
  directSourceRanges: [],
  sourceType: 'any',
  sourceRanges: [],
  sourcePorts: [],
}

export interface FilterChain {
  /** '' when unnamed. */
  readonly name: string
  /** undefined on the default chain. */
  readonly match: FilterChainMatch | undefined
  readonly tls: DownstreamTls | undefined
  /** Time for the TLS handshake; undefined = none. */
  readonly transportSocketConnectTimeoutMs: number | undefined
  /** Asked in order before the terminal filter serves. */
  readonly gates: readonly ConnectionGate[]
  /** undefined = no filters: the connection is closed. */
  readonly filter: NetworkFilter | undefined
  readonly place: Place
}

/** Runs on an accepted connection before its filter chain is chosen, in the order of the configuration. */
export type ListenerFilter =
  | { readonly kind: 'tls-inspector' }
  /** Learns whether the client speaks HTTP/1 or HTTP/2 in the clear, as if by ALPN. */
  | { readonly kind: 'http-inspector' }
  /** Learns where the client wanted to go before the system redirected it here. */
  | { readonly kind: 'original-dst' }
  | { readonly kind: 'proxy-protocol'; readonly config: ProxyProtocolReceive }

export interface Listener {
  readonly name: string
  /** Reached by clusters of this process through its name; binds nothing. */
  readonly internal: boolean
  /** The first is the listener's own, the rest are additional_addresses. Empty for an internal listener. */
  readonly addresses: readonly Address[]
  readonly statPrefix: string
  readonly chains: readonly FilterChain[]
  readonly defaultChain: FilterChain | undefined
  /** A tls-inspector is among them when a chain needs SNI, ALPN or the transport protocol. */
  readonly filters: readonly ListenerFilter[]
  /** Set on UDP listeners, which have no chains. */
  readonly udp: UdpProxy | undefined
  /** undefined = wait for ever. */
  readonly listenerFiltersTimeoutMs: number | undefined
  readonly continueOnListenerFiltersTimeout: boolean
  readonly bufferLimitBytes: number
  readonly tcpBacklogSize: number | undefined
  readonly reusePort: boolean
  readonly bindToPort: boolean
  /** Connections served at once; more wait unread until one ends. undefined = no limit. Easegress: maxConnections. */
  readonly maxConnections?: number | undefined
  readonly keepalive: { readonly timeMs: number } | undefined
  readonly accessLogs: readonly AccessLogConfig[]
  readonly trafficDirection: 'unspecified' | 'inbound' | 'outbound'
  readonly place: Place
}
