// Cross-origin policy of a route. Envoy: extensions.filters.http.cors.v3.CorsPolicy; Gateway API: HTTPCORSFilter. Not about
// WebSockets: browsers do not ask before they open one.

import type { StringMatch } from './string-match.ts'

export interface CorsPolicy {
  readonly allowOrigins: readonly StringMatch[]
  /** `*` alone = whatever is asked. */
  readonly allowMethods: readonly string[]
  readonly allowHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
  readonly allowCredentials: boolean
  /** Seconds; undefined = not told. */
  readonly maxAge: number | undefined
}
