// A pipeline: filters run in order by what the ones before answered. Easegress: Pipeline. The one proxying step that is
// reached becomes the route's action; the steps after it see the answer.

import type { Place } from './place.ts'
import type { ForwardAction } from './route.ts'
import type { StringMatch, WholeRegex } from './string-match.ts'
import type { SlidingBreaker } from './retry.ts'

export interface Pipeline {
  readonly name: string
  readonly steps: readonly PipelineStep[]
  readonly place: Place
}

export interface PipelineStep {
  /** Alias or filter name; unique in the pipeline. */
  readonly name: string
  /** 'DEFAULT' unless set. */
  readonly namespace: string
  readonly filter: PipelineFilter
  /**
   * Result → name of a later step, or 'END'. A result that is not here ends the pipeline; '' (all well) goes on with the
   * next step unless it is here. What a GlobalFilter wraps around the pipeline is among the steps, joined by such jumps.
   */
  readonly jumpIf: ReadonlyMap<string, string>
  readonly place: Place
}

/** A text with `{{ … }}` of Go templates or with `$variables` as of nginx, compiled to what is looked up. */
export interface PipelineText {
  /** As written. */
  readonly source: string
  readonly parts: readonly PipelineTextPart[]
}

export type PipelineTextPart =
  | { readonly kind: 'text'; readonly text: string }
  /** What is not there reads as ''. The changes apply in order. */
  | { readonly kind: 'lookup'; readonly value: PipelineValue; readonly changes: readonly TextChange[] }

/**
 * What a text may name of a request (the pipeline's, by namespace, as the steps before left it), of an answer, or of the
 * connection. Names of headers are lower case; of several values the first counts.
 */
export type PipelineValue =
  | {
      readonly kind: 'request'
      readonly namespace: string
      /** `host` has its port, `hostname` has not; `query` has no question mark; `target` is path and query; `version` is `HTTP/1.1`. */
      readonly part: 'method' | 'host' | 'hostname' | 'path' | 'query' | 'target' | 'scheme' | 'version' | 'basic-user'
    }
  | {
      readonly kind: 'request-field'
      readonly namespace: string
      readonly of: 'header' | 'query' | 'cookie'
      readonly name: string
    }
  | { readonly kind: 'response-status'; readonly namespace: string }
  | { readonly kind: 'response-header'; readonly namespace: string; readonly name: string }
  /** `remote-address` has its port; `real-ip` is what src/route judges address filters on; `forwarded-for` is X-Forwarded-For and the peer. */
  | { readonly kind: 'client'; readonly part: 'remote-address' | 'real-ip' | 'forwarded-for' }
  | { readonly kind: 'time'; readonly form: 'iso8601' | 'common-log' | 'milliseconds' }

/** `default`: stands in for ''. */
export type TextChange =
  | { readonly kind: 'upper' | 'lower' | 'trim' }
  | { readonly kind: 'default' | 'trim-prefix' | 'trim-suffix'; readonly argument: string }

/** Set, add and remove fields. */
export interface HeaderAdaption {
  readonly set: readonly (readonly [string, PipelineText])[]
  readonly add: readonly (readonly [string, PipelineText])[]
  /** Lower case. */
  readonly remove: readonly string[]
}

export type PathAdaption =
  | { readonly kind: 'set' | 'add-prefix' | 'trim-prefix'; readonly value: string }
  | { readonly kind: 'replace-prefix'; readonly prefix: string; readonly value: string }
  | { readonly kind: 'regexp'; readonly regex: WholeRegex; readonly substitution: string }

/** Which requests a step concerns: methods (empty = all) and path. */
export interface UrlRule {
  readonly methods: readonly string[]
  /** Any of them; empty = every path. */
  readonly url: readonly StringMatch[]
}

export interface RateLimitPolicy {
  /** How long a request waits for its turn. */
  readonly timeoutMs: number
  readonly refreshPeriodMs: number
  readonly limitForPeriod: number
}

export type PipelineFilter =
  | {
      /** Also what a rule of an HTTPServer does to its requests: rewriteTarget and setHeaders, before the pipeline's own. */
      readonly kind: 'request-adaptor'
      /** undefined = as it is; for the host, too. */
      readonly method: PipelineText | undefined
      readonly host: PipelineText | undefined
      readonly path: PathAdaption | undefined
      readonly headers: HeaderAdaption
      readonly body: PipelineText | undefined
    }
  | { readonly kind: 'response-adaptor'; readonly headers: HeaderAdaption; readonly body: PipelineText | undefined }
  | {
      readonly kind: 'request-builder'
      readonly source: string
      readonly method: PipelineText | undefined
      readonly url: PipelineText | undefined
      readonly headers: readonly (readonly [string, PipelineText])[]
      readonly body: PipelineText | undefined
    }
  | {
      readonly kind: 'response-builder'
      readonly source: string
      readonly status: PipelineText | undefined
      readonly headers: readonly (readonly [string, PipelineText])[]
      readonly body: PipelineText | undefined
    }
  | { readonly kind: 'rate-limiter'; readonly rules: readonly (UrlRule & { readonly policy: RateLimitPolicy })[] }
  | {
      readonly kind: 'cors'
      /** Exact, or with `*`. Empty = every origin. */
      readonly allowedOrigins: readonly string[]
      readonly allowedMethods: readonly string[]
      readonly allowedHeaders: readonly string[]
      readonly allowCredentials: boolean
      readonly exposedHeaders: readonly string[]
      /** Seconds; 0 = not told. */
      readonly maxAge: number
      readonly supportCorsRequest: boolean
    }
  | { readonly kind: 'validator'; readonly checks: readonly RequestCheck[] }
  | {
      readonly kind: 'mock'
      readonly rules: readonly MockRule[]
    }
  | {
      readonly kind: 'redirector'
      readonly matchPart: 'uri' | 'full' | 'path'
      readonly regex: WholeRegex
      readonly replacement: string
      readonly status: number
    }
  | {
      readonly kind: 'fallback'
      readonly status: number
      readonly headers: readonly (readonly [string, string])[]
      readonly body: string
    }
  | {
      readonly kind: 'proxy'
      readonly action: ForwardAction
      readonly breaker: SlidingBreaker | undefined
      /** Statuses of the server that give the result `failureCode`. */
      readonly failureStatuses: ReadonlySet<number>
    }
  | { readonly kind: 'websocket-proxy'; readonly action: ForwardAction }
  /** END as a step: what comes before it never goes on to what comes after, unless '' is among its jumps. */
  | { readonly kind: 'end' }

export interface MockRule {
  readonly match: {
    readonly path: string
    readonly pathPrefix: string
    readonly headers: readonly {
      readonly name: string
      readonly match: readonly StringMatch[]
      readonly empty: boolean
    }[]
    readonly matchAllHeaders: boolean
  }
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
  readonly delayMs: number
}

export type RequestCheck =
  | {
      readonly kind: 'header'
      readonly name: string
      /** One of them, or the expression. */
      readonly values: readonly string[]
      readonly regex: WholeRegex | undefined
    }
  | {
      readonly kind: 'jwt'
      readonly algorithm: string
      /** Secret: HMAC secret or public key PEM. */
      readonly key: Buffer
      readonly cookieName: string
    }
  | {
      readonly kind: 'basic-auth'
      /** User → password or its bcrypt / apr1 / SHA hash, as an htpasswd file has it. Secret. */
      readonly users: ReadonlyMap<string, string>
    }
