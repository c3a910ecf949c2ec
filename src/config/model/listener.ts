// Listeners and their filter chains. Envoy: config.listener.v3.

import type { AccessLogConfig } from './access-log.ts'
import type { Address, AddressRange } from './address.ts'
import type { HttpConnectionManager } from './http-connection-manager.ts'
import type { Place } from './place.ts'
import type { DownstreamTls } from './tls.ts'

/** The terminal network filter of a chain. More kinds come with tunnelling. */
export type NetworkFilter = HttpConnectionManager

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

export interface FilterChain {
  /** '' when unnamed. */
  readonly name: string
  /** undefined on the default chain. */
  readonly match: FilterChainMatch | undefined
  readonly tls: DownstreamTls | undefined
  /** Time for the TLS handshake; undefined = none. */
  readonly transportSocketConnectTimeoutMs: number | undefined
  /** undefined = no filters: the connection is closed. */
  readonly filter: NetworkFilter | undefined
  readonly place: Place
}

export interface Listener {
  readonly name: string
  /** The first is the listener's own, the rest are additional_addresses. */
  readonly addresses: readonly Address[]
  readonly statPrefix: string
  readonly chains: readonly FilterChain[]
  readonly defaultChain: FilterChain | undefined
  /** Whether SNI, ALPN or the transport protocol must be read before a chain is chosen. */
  readonly inspectTls: boolean
  /** undefined = wait for ever. */
  readonly listenerFiltersTimeoutMs: number | undefined
  readonly continueOnListenerFiltersTimeout: boolean
  readonly bufferLimitBytes: number
  readonly tcpBacklogSize: number | undefined
  readonly reusePort: boolean
  readonly bindToPort: boolean
  readonly keepalive: { readonly timeMs: number } | undefined
  readonly accessLogs: readonly AccessLogConfig[]
  readonly trafficDirection: 'unspecified' | 'inbound' | 'outbound'
  readonly place: Place
}
