// Cross-origin policy of a route. Envoy: extensions.filters.http.cors.v3.CorsPolicy; Gateway API: HTTPCORSFilter. Not about
// WebSockets: browsers do not ask before they open one.

import type { StringMatch } from './string-match.ts'

export interface CorsPolicy {
  readonly allowOrigins: readonly StringMatch[]
  /** `*` among them = whatever is asked. */
  readonly allowMethods: readonly string[]
  /** Likewise. */
  readonly allowHeaders: readonly string[]
  /** Likewise: whatever the answer has, where credentials keep `*` from being understood. */
  readonly exposeHeaders: readonly string[]
  readonly allowCredentials: boolean
  /** Seconds; undefined = not told. */
  readonly maxAge: number | undefined
  /** A page of a public network may ask this one (Private Network Access). */
  readonly allowPrivateNetwork?: boolean
  /** The upstream does not see preflights from origins that are not allowed: they are answered without permission. */
  readonly keepUnmatchedPreflights?: boolean
}
