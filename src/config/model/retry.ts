// Retries, mirroring, and the breaker that Easegress knows. Envoy: config.route.v3.RetryPolicy, RequestMirrorPolicy.

import type { HeaderMutations } from './header-mutation.ts'
import type { Place } from './place.ts'
import type { HeaderMatch } from './string-match.ts'

/** Reasons to try again, by Envoy's names (retry_on). */
export const RETRY_CONDITIONS = [
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'envoy-ratelimited',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'retriable-headers',
  'http3-post-connect-failure',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
] as const

export type RetryCondition = (typeof RETRY_CONDITIONS)[number]

export interface RetryPolicy {
  readonly on: ReadonlySet<RetryCondition>
  /** Tries after the first one. */
  readonly retries: number
  readonly perTryTimeoutMs: number | undefined
  readonly perTryIdleTimeoutMs: number | undefined
  readonly backoff: {
    readonly baseMs: number
    readonly maxMs: number
    /** `jittered`: a random part of base × 2^n (Envoy); `fixed`: base; `exponential`: base × 1.5^n ± randomization (Easegress). */
    readonly kind: 'jittered' | 'fixed' | 'exponential'
    readonly randomization: number
  }
  /** The answer's own word on when to come back. Envoy: rate_limited_retry_back_off. */
  readonly rateLimited:
    | {
        readonly headers: readonly { readonly name: string; readonly format: 'seconds' | 'unix' }[]
        readonly maxMs: number
      }
    | undefined
  readonly statuses: ReadonlySet<number>
  readonly headers: readonly HeaderMatch[]
  /** Only requests that match one may be retried; empty = all. */
  readonly requestHeaders: readonly HeaderMatch[]
  /** Endpoints that a retry avoids. */
  readonly avoid: {
    readonly previousHosts: boolean
    readonly canaries: boolean
    /** Endpoints whose `envoy.lb` metadata has all of this; values as in `FilterMetadata`. undefined = none. */
    readonly metadata: ReadonlyMap<string, string> | undefined
  }
  /** Picks in search of an endpoint that the predicates let through. */
  readonly hostSelectionAttempts: number
  /** Leave priorities that were tried after so many attempts; undefined = off. Envoy: previous_priorities. */
  readonly previousPrioritiesEvery: number | undefined
  readonly place: Place
}

/** Envoy's: nothing is tried again until `on` says when. */
export const DEFAULT_RETRY: Omit<RetryPolicy, 'place'> = {
  on: new Set(),
  retries: 1,
  perTryTimeoutMs: undefined,
  perTryIdleTimeoutMs: undefined,
  backoff: { baseMs: 25, maxMs: 250, kind: 'jittered', randomization: 0 },
  rateLimited: undefined,
  statuses: new Set(),
  headers: [],
  requestHeaders: [],
  avoid: { previousHosts: false, canaries: false, metadata: undefined },
  hostSelectionAttempts: 1,
  previousPrioritiesEvery: undefined,
}

export interface MirrorPolicy {
  /** Name, or lower-case header that names it. */
  readonly cluster: { readonly kind: 'cluster' | 'header'; readonly name: string }
  /** Share of requests, 0..1. */
  readonly fraction: number
  /** `-shadow` is appended to the authority. */
  readonly shadowSuffix: boolean
  readonly mutations: HeaderMutations
  /** '' = as the request. */
  readonly hostRewrite: string
  readonly place: Place
}

/** Refuses requests while too many of the last ones failed or were slow. Easegress: CircuitBreaker. */
export interface SlidingBreaker {
  readonly name: string
  readonly window: { readonly kind: 'count' | 'time'; /** Calls, or seconds. */ readonly size: number }
  /** Percent. */
  readonly failureRateThreshold: number
  readonly slowCallRateThreshold: number
  readonly slowCallMs: number
  readonly permittedInHalfOpen: number
  readonly minimumCalls: number
  /** 0 = for ever. */
  readonly maxWaitInHalfOpenMs: number
  readonly waitInOpenMs: number
  /** Statuses that count as failures. */
  readonly failureStatuses: ReadonlySet<number>
  readonly place: Place
}
