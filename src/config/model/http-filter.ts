// HTTP filters by kind. Each dialect lowers to these; src/filter/http/<kind> runs them.

import type { AccessLogConfig } from './access-log.ts'
import type { DnsCacheConfig } from './dns-cache.ts'
import type { CorsPolicy } from './cors.ts'
import type { HeaderMutations } from './header-mutation.ts'
import type { Pipeline } from './pipeline.ts'
import type { Place } from './place.ts'
import type { HeaderMatch } from './string-match.ts'

interface FilterBase {
  /** The user's name for it; per-route configuration finds it by this. */
  readonly name: string
  /** Skipped unless a route enables it. */
  readonly disabled: boolean
  readonly place: Place
}

export type HttpFilterConfig =
  | (FilterBase & {
      readonly kind: 'router'
      readonly suppressEnvoyHeaders: boolean
      readonly upstreamLogs: readonly AccessLogConfig[]
      /** Bytes after a CONNECT head and before its answer end it with 400. */
      readonly rejectConnectEarlyData: boolean
    })
  | (FilterBase & { readonly kind: 'buffer'; readonly maxRequestBytes: number })
  | (FilterBase & {
      readonly kind: 'header-mutation'
      readonly request: HeaderMutations
      readonly response: HeaderMutations
    })
  | (FilterBase & {
      readonly kind: 'health-check'
      readonly passThrough: boolean
      readonly headers: readonly HeaderMatch[]
    })
  | (FilterBase & {
      /** Looks up the host that the request names, for a dynamic-forward-proxy cluster. */
      readonly kind: 'dynamic-forward-proxy'
      /** undefined = a per-route override without one. */
      readonly cache: DnsCacheConfig | undefined
      /** Per route: the host to look up instead; '' = the request's. */
      readonly hostRewrite: string
      /** Per route: the header that names it; '' = none. */
      readonly hostRewriteHeader: string
    })
  | (FilterBase & {
      /** Easegress's filters. Usually empty on the chain and given per route. */
      readonly kind: 'pipeline'
      readonly pipeline: Pipeline | undefined
    })
  | (FilterBase & {
      /** Answers preflights and marks answers. Never keeps a WebSocket away. */
      readonly kind: 'cors'
      /** undefined on the chain: routes bring theirs. */
      readonly policy: CorsPolicy | undefined
    })
