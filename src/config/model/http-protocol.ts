// Options of the HTTP codecs, with Envoy's defaults filled in. Envoy: config.core.v3.Http{,1,2}ProtocolOptions.

import type { StringMatch } from './string-match.ts'

export type UnderscoreAction = 'allow' | 'reject' | 'drop'

/** HttpProtocolOptions. Milliseconds; undefined = no limit. */
export interface CommonHttpOptions {
  /** Connection idle time, 1 h. */
  readonly idleTimeoutMs: number | undefined
  readonly maxConnectionDurationMs: number | undefined
  readonly maxStreamDurationMs: number | undefined
  readonly maxHeadersCount: number
  /** Cluster side only; KiB. */
  readonly maxResponseHeadersKb: number
  readonly maxRequestsPerConnection: number | undefined
  readonly headersWithUnderscores: UnderscoreAction
}

export interface Http1ProtocolOptions {
  readonly allowAbsoluteUrl: boolean
  readonly acceptHttp10: boolean
  readonly defaultHostForHttp10: string
  readonly headerKeyFormat: 'lower' | 'proper-case'
  readonly enableTrailers: boolean
  readonly allowChunkedLength: boolean
  readonly streamErrorOnInvalidMessage: boolean
  readonly sendFullyQualifiedUrl: boolean
  readonly allowCustomMethods: boolean
  readonly ignoreUpgrade: readonly StringMatch[]
}

export interface Http2Keepalive {
  /** undefined = only `idleIntervalMs`. */
  readonly intervalMs: number | undefined
  readonly timeoutMs: number
  /** 0..100 */
  readonly jitterPercent: number
  readonly idleIntervalMs: number | undefined
}

export interface Http2ProtocolOptions {
  /** SETTINGS_ENABLE_CONNECT_PROTOCOL. */
  readonly allowConnect: boolean
  readonly hpackTableSize: number
  readonly maxConcurrentStreams: number
  readonly initialStreamWindowSize: number
  readonly initialConnectionWindowSize: number
  readonly maxOutboundFrames: number
  readonly maxOutboundControlFrames: number
  readonly maxConsecutiveInboundFramesWithEmptyPayload: number
  readonly maxInboundPriorityFramesPerStream: number
  readonly maxInboundWindowUpdateFramesPerDataFrameSent: number
  readonly streamErrorOnInvalidMessage: boolean
  readonly customSettings: readonly { readonly id: number; readonly value: number }[]
  readonly keepalive: Http2Keepalive | undefined
}
