// Network filters by kind. A chain has any number of gates, which let a connection in or not, and one terminal filter,
// which serves it. Envoy: extensions.filters.network.

import type { DnsCacheConfig } from './dns-cache.ts'
import type { HttpConnectionManager } from './http-connection-manager.ts'
import type { NetworkRbac } from './network-rbac.ts'
import type { Place } from './place.ts'
import type { TcpProxy } from './tcp-proxy.ts'

export type NetworkFilter = HttpConnectionManager | TcpProxy | EchoFilter | DirectResponseFilter

/** Sends back what it receives. */
export interface EchoFilter {
  readonly kind: 'echo'
  readonly place: Place
}

/** Sends fixed bytes and closes. */
export interface DirectResponseFilter {
  readonly kind: 'direct-response'
  readonly response: Buffer
  readonly place: Place
}

export type ConnectionGate =
  | {
      readonly kind: 'connection-limit'
      readonly statPrefix: string
      readonly maxConnections: number
      /** How long a refused connection is held before it is closed; undefined = closed at once. */
      readonly delayMs: number | undefined
      readonly place: Place
    }
  | {
      readonly kind: 'local-rate-limit'
      readonly statPrefix: string
      readonly maxTokens: number
      readonly tokensPerFill: number
      readonly fillIntervalMs: number
      /** Filters with the same non-empty key share one bucket. */
      readonly shareKey: string
      readonly place: Place
    }
  | NetworkRbac
  | {
      /** The TLS server name becomes the host that a dynamic_forward_proxy cluster dials. */
      readonly kind: 'sni-dynamic-forward-proxy'
      readonly port: number
      readonly cache: DnsCacheConfig
      readonly place: Place
    }
