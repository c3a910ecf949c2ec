// What of a request (or connection) decides which endpoint it goes to, so that the same one is met again. Envoy:
// RouteAction.HashPolicy, tcp_proxy hash_policy; endpoint affinity: what stateful_session, Easegress's stickySession,
// AGC's sessionAffinity and Gateway API's sessionPersistence have in common.

import type { WholeRegex } from './string-match.ts'

/** Attributes of a cookie that the proxy sets. */
export interface CookieAttributes {
  /** '' = none. */
  readonly path: string
  readonly secure: boolean
  readonly httpOnly: boolean
  readonly sameSite: '' | 'Strict' | 'Lax' | 'None'
}

export type HashSource =
  | {
      readonly kind: 'header'
      /** Lower case. */
      readonly name: string
      readonly rewrite: { readonly regex: WholeRegex; readonly substitution: string } | undefined
    }
  | {
      readonly kind: 'cookie'
      readonly name: string
      /** A request without the cookie gets one that lives so long, set on its answer, 101 and 200 to CONNECT included; 0 = as
       * long as the browser; undefined = none is made. */
      readonly ttlMs: number | undefined
      readonly attributes: CookieAttributes
    }
  /** `real`: the first address that X-Real-IP or X-Forwarded-For names, else the peer's (Easegress). */
  | { readonly kind: 'source-ip'; readonly real: boolean }
  | { readonly kind: 'query'; readonly name: string }
  | { readonly kind: 'filter-state'; readonly key: string }

export interface HashPolicy {
  readonly source: HashSource
  /** When this one gave a hash, the later ones are not asked. */
  readonly terminal: boolean
  /** `fnv1`: 32 bits, Easegress's. */
  readonly hash: 'xxhash' | 'fnv1'
}

/** The client is told which endpoint served it and asks for the same one again. */
export interface EndpointAffinity {
  readonly carrier:
    | { readonly kind: 'cookie'; readonly name: string; readonly ttlMs: number; readonly attributes: CookieAttributes }
    | { readonly kind: 'header'; readonly name: string }
  /** Only when the application itself sets this cookie on the answer is ours set (with its life); undefined = always. */
  readonly onlyWithCookie: string | undefined
  /** Key of the HMAC-SHA256 that hides and protects the endpoint's address; secret. undefined = made for the process. */
  readonly key: Buffer | undefined
  /** The endpoint is gone or unhealthy: false = another is chosen and told; true = 503. Envoy: strict. */
  readonly strict: boolean
}
