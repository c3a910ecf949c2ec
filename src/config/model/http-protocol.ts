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

const MIB = 1024 * 1024

/** Envoy's. */
export const DEFAULT_HTTP1: Http1ProtocolOptions = {
  allowAbsoluteUrl: true,
  acceptHttp10: false,
  defaultHostForHttp10: '',
  headerKeyFormat: 'lower',
  enableTrailers: false,
  allowChunkedLength: false,
  streamErrorOnInvalidMessage: false,
  sendFullyQualifiedUrl: false,
  allowCustomMethods: false,
  ignoreUpgrade: [],
}

/** Those of Envoy 1.37 (`safe_http2_options`), on both sides. */
export const DEFAULT_HTTP2: Http2ProtocolOptions = {
  allowConnect: false,
  hpackTableSize: 4096,
  maxConcurrentStreams: 1024,
  initialStreamWindowSize: 16 * MIB,
  initialConnectionWindowSize: 24 * MIB,
  maxOutboundFrames: 10_000,
  maxOutboundControlFrames: 1000,
  maxConsecutiveInboundFramesWithEmptyPayload: 1,
  maxInboundPriorityFramesPerStream: 100,
  maxInboundWindowUpdateFramesPerDataFrameSent: 10,
  streamErrorOnInvalidMessage: false,
  customSettings: [],
  keepalive: undefined,
}
