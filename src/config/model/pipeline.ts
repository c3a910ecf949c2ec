// A pipeline: filters run in order by what the ones before answered. Easegress: Pipeline. The one proxying step that is
// reached becomes the route's action; the steps after it see the answer.

import type { FormatTemplate } from './format-template.ts'
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
  /** Result → name of a later step, or 'END'. A result that is not here ends the pipeline; '' (all well) goes on. */
  readonly jumpIf: ReadonlyMap<string, string>
  readonly place: Place
}

/** A text with `{{ … }}` of Go templates, compiled to what is looked up; see src/format for the evaluation. */
export type PipelineText = FormatTemplate

/** Set, add and remove fields. */
export interface HeaderAdaption {
  readonly set: readonly (readonly [string, PipelineText])[]
  readonly add: readonly (readonly [string, PipelineText])[]
  /** Lower case. */
  readonly remove: readonly string[]
}

export type PathAdaption =
  | { readonly kind: 'set' | 'add-prefix' | 'trim-prefix'; readonly value: string }
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
      readonly kind: 'request-adaptor'
      readonly method: string
      readonly host: string
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
  | { readonly kind: 'proxy'; readonly action: ForwardAction; readonly breaker: SlidingBreaker | undefined }
  | { readonly kind: 'websocket-proxy'; readonly action: ForwardAction }

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
