// What an HTTP/1 codec may be told, with Envoy's defaults (HttpConnectionManager and Http1ProtocolOptions v3).

import type { ErrorCode } from '../../core/errors.ts'
import { LINGER_BYTES } from '../../core/limits.ts'
import { type Http1Stats, http1Stats } from './stats.ts'

/** What reading a head of either kind needs. */
export interface HeadOptions {
  /** Bytes of a whole head, its empty line included. 60 KiB. */
  readonly maxHeadBytes: number
  /** Header lines in a head or trailer section. 100. */
  readonly maxHeaders: number
  /** Accept Content-Length beside `Transfer-Encoding: chunked`, and ignore it. False: it is how smuggling starts. */
  readonly allowChunkedLength: boolean
  /** Pass trailers on. False: they are checked and dropped. */
  readonly enableTrailers: boolean
  readonly headersWithUnderscores: 'allow' | 'reject' | 'drop'
  /** How names are written. `lower`. */
  readonly headerKeyFormat: HeaderKeyFormat
  readonly stats: Http1Stats
}

export type HeaderKeyFormat = 'lower' | 'proper-case'

/** Moments that a connection's timers hang on. Called on the object, never detached. */
export interface Http1ServerHooks {
  /** The first byte of a request head arrived. */
  onHeadStart(): void
  /** The head is complete; `onRequest` or `onCodecError` follows. */
  onHeadComplete(): void
  /** The exchange is over, the connection stays and nothing of a next request has arrived. */
  onIdle(): void
  /**
   * The last response was written and the write side ended; the codec discards what still arrives, waiting for the
   * client to close. Whoever takes this hook must call `close` after a grace time.
   */
  onClosing(): void
}

/** The answer to a request that is refused before it exists. */
export interface Refusal {
  /** Further fields, name and value in turn. `connection`, `content-length` are the codec's. */
  readonly fields: readonly string[]
  readonly body: string
}

export interface Http1ServerOptions extends HeadOptions {
  /** Scheme of requests whose target has none: what the transport is. */
  readonly scheme: 'http' | 'https'
  readonly acceptHttp10: boolean
  /** Authority of HTTP/1.0 requests without Host; '' = none. */
  readonly defaultHostForHttp10: string
  readonly allowAbsoluteUrl: boolean
  /** Methods outside the IANA registry. True; Envoy's default is false. */
  readonly allowCustomMethods: boolean
  /** Tokens of `Upgrade` that are taken away before it is looked at. `h2c` alone always is. */
  readonly ignoreUpgrade: (token: string) => boolean
  /** Keep the connection after a refused request whose end is certain. */
  readonly streamErrorOnInvalidMessage: boolean
  /** Bytes discarded while lingering; beyond it the connection closes at once. */
  readonly lingerBytes: number
  readonly refusal: (code: ErrorCode, detail: string) => Refusal
  /** Absent: no lingering, the connection closes as soon as the last response is flushed. */
  readonly hooks?: Http1ServerHooks
}

export interface Http1ClientOptions extends HeadOptions {
  /** Envoy's action concerns requests only. */
  readonly headersWithUnderscores: 'allow'
  /** Write the target in absolute-form, as to a forward proxy. */
  readonly sendFullyQualifiedUrl: boolean
}

const headDefaults = {
  maxHeadBytes: 60 * 1024,
  maxHeaders: 100,
  allowChunkedLength: false,
  enableTrailers: false,
  headersWithUnderscores: 'allow',
  headerKeyFormat: 'lower',
} as const

/** Server options with every default filled in. */
export const http1ServerOptions = (given: Partial<Http1ServerOptions> = {}): Http1ServerOptions => ({
  ...headDefaults,
  scheme: 'http',
  acceptHttp10: false,
  defaultHostForHttp10: '',
  allowAbsoluteUrl: true,
  allowCustomMethods: true,
  ignoreUpgrade: () => false,
  streamErrorOnInvalidMessage: false,
  lingerBytes: LINGER_BYTES,
  refusal: (_code, detail) => ({ fields: ['content-type', 'text/plain'], body: `${detail}\n` }),
  stats: http1Stats(),
  ...given,
})

/** Client options with every default filled in. */
export const http1ClientOptions = (given: Partial<Http1ClientOptions> = {}): Http1ClientOptions => ({
  ...headDefaults,
  sendFullyQualifiedUrl: false,
  stats: http1Stats(),
  ...given,
})
