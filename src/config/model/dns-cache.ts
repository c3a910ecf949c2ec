// The cache of names that clients choose. Envoy: extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig.

import type { NameServers } from './name-servers.ts'
import type { Place } from './place.ts'

export type DnsFamily = 'auto' | 'v4-only' | 'v6-only' | 'v4-preferred' | 'all'

/** Filters and clusters that name the same cache share it. Milliseconds. */
export interface DnsCacheConfig {
  readonly name: string
  readonly family: DnsFamily
  readonly refreshMs: number
  readonly minRefreshMs: number
  /** A name nobody asked for so long is forgotten. */
  readonly hostTtlMs: number
  readonly maxHosts: number
  readonly queryTimeoutMs: number
  /** undefined = the machine's resolver. */
  readonly nameServers?: NameServers | undefined
  /** Names looked up at the start. */
  readonly preresolve: readonly { readonly host: string; readonly port: number }[]
  /** Requests that may wait for lookups at once. */
  readonly maxPendingRequests: number
  readonly place: Place
}
