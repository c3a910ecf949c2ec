// The UDP proxy of a UDP listener. Envoy: extensions.filters.udp.udp_proxy.v3. Milliseconds; undefined = off.

import type { AccessLogConfig } from './access-log.ts'
import type { FormatTemplate } from './format-template.ts'
import type { HashPolicy } from './hash-policy.ts'
import type { HeaderAddition } from './header-mutation.ts'
import type { Place } from './place.ts'

export interface UdpProxy {
  readonly statPrefix: string
  readonly cluster: string
  /** A session ends after so long without a datagram either way. */
  readonly idleTimeoutMs: number
  readonly tunneling: UdpTunnelingConfig | undefined
  /** Of the client's address: `source-ip` only. undefined = none. */
  readonly hashPolicies?: readonly HashPolicy[] | undefined
  /** http_capsule session filter: datagrams travel as RFC 9297 capsules. */
  readonly capsules: boolean
  /** Session and proxy access logs. */
  readonly accessLogs: readonly AccessLogConfig[]
  readonly accessLogOptions: {
    readonly flushIntervalMs: number | undefined
    readonly onTunnelConnected: boolean
  }
  readonly place: Place
}

export interface UdpTunnelingConfig {
  /** Becomes `:authority`. */
  readonly proxyHost: FormatTemplate
  readonly proxyPort: number | undefined
  readonly targetHost: FormatTemplate
  readonly defaultTargetPort: number
  readonly usePost: boolean
  readonly postPath: string
  readonly maxConnectAttempts: number
  readonly backoff: { readonly baseMs: number; readonly maxMs: number } | undefined
  readonly headers: readonly HeaderAddition[]
  /** Datagrams kept until the tunnel stands; undefined = they are dropped. */
  readonly buffer: { readonly maxDatagrams: number; readonly maxBytes: number } | undefined
  readonly propagateResponseHeaders: boolean
  readonly propagateResponseTrailers: boolean
  readonly place: Place
}
