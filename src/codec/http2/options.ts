// What an HTTP/2 connection may do and how much it bears. Names and defaults are those of Envoy's http2_protocol_options;
// the limits that Envoy leaves to its libraries or its connection manager are here too, so that all are in one place.

import { type Clock, systemClock } from '../../core/clock.ts'
import { MAX_MAX_FRAME_SIZE, MAX_WINDOW, MIN_MAX_FRAME_SIZE } from './frame.ts'
import { type Http2Stats, newHttp2Stats } from './stats.ts'

export interface Http2Options {
  readonly clock: Clock
  readonly stats: Http2Stats
  /** Bytes of each direction's HPACK dynamic table. 0 turns dynamic tables off. */
  readonly hpackTableSize: number
  /** Streams the peer may have open at once; on a client, also streams this side opens at most. */
  readonly maxConcurrentStreams: number
  /** Receive window of each stream in bytes, 65,535 to 2^31-1. */
  readonly initialStreamWindowSize: number
  /** Receive window of the connection in bytes, 65,535 to 2^31-1. */
  readonly initialConnectionWindowSize: number
  /** Largest frame payload this side takes, 16,384 to 2^24-1. */
  readonly maxFrameSize: number
  /** Server: offer extended CONNECT (RFC 8441). */
  readonly allowConnect: boolean
  /** A malformed message resets its stream only; otherwise it ends the connection, as Envoy does. */
  readonly streamErrorOnInvalidMessage: boolean
  /** What becomes of a message with an underscore in a field name. */
  readonly headersWithUnderscores: 'allow' | 'reject' | 'drop'
  /** Bytes of names and values in one field section. Beyond it: 431 (server), reset (client). */
  readonly maxHeaderListBytes: number
  /** Fields in one field section; the pieces of `cookie` count as one. Same outcome. */
  readonly maxHeaders: number
  /** Extra SETTINGS to send. The ones this codec sends itself are ignored. */
  readonly customSettings: readonly { readonly id: number; readonly value: number }[]
  /** PINGs that find dead connections; absent: none. */
  readonly connectionKeepalive: Http2Keepalive | undefined

  // Flood limits; beyond each the connection ends with ENHANCE_YOUR_CALM.
  /** Frames of any kind that wait for the socket. */
  readonly maxOutboundFrames: number
  /** PING and SETTINGS acknowledgements and RST_STREAMs that wait for the socket. */
  readonly maxOutboundControlFrames: number
  /** DATA, HEADERS and CONTINUATION in a row without payload and END_STREAM. */
  readonly maxConsecutiveInboundFramesWithEmptyPayload: number
  /** PRIORITY frames, times one more than the streams opened. */
  readonly maxInboundPriorityFramesPerStream: number
  /** WINDOW_UPDATEs for each DATA frame sent. */
  readonly maxInboundWindowUpdateFramesPerDataFrameSent: number
  /** PING, SETTINGS, PRIORITY and unknown frames within one second, whether or not they wait for the socket. */
  readonly maxInboundControlFramesPerSecond: number
  /** Rapid reset: streams after which, if half of all were reset young, the connection ends; 0 = no limit. */
  readonly prematureResetStreamCount: number
  /** Rapid reset: a stream that lived shorter than this many milliseconds was reset young. */
  readonly prematureResetLifetimeMs: number
  /** Milliseconds between the two GOAWAYs of a drain when the peer does not answer the PING between them. */
  readonly drainTimeoutMs: number
  /** Milliseconds in which a complete response must make progress while it waits for the client; 0 = no limit. */
  readonly streamFlushTimeoutMs: number
}

export interface Http2Keepalive {
  /** Milliseconds between PINGs; absent: only before a new stream on an idle connection. */
  readonly intervalMs: number | undefined
  /** Milliseconds in which anything must arrive after a PING. */
  readonly timeoutMs: number
  /** Percent of the interval that is added at random, so that many connections do not PING at once. */
  readonly intervalJitterPercent: number
  /** Milliseconds of silence after which a PING goes ahead of a new stream; absent: never. */
  readonly connectionIdleIntervalMs: number | undefined
}

const KIB = 1024
const MIB = 1024 * KIB

/** Options with Envoy's defaults under `given`; sizes are clamped to what RFC 9113 allows. */
export function http2Options(given: Partial<Http2Options> = {}): Http2Options {
  const options = {
    clock: systemClock,
    stats: given.stats ?? newHttp2Stats(),
    hpackTableSize: 4096,
    maxConcurrentStreams: 1024,
    initialStreamWindowSize: 16 * MIB,
    initialConnectionWindowSize: 24 * MIB,
    maxFrameSize: MIN_MAX_FRAME_SIZE,
    allowConnect: false,
    streamErrorOnInvalidMessage: false,
    headersWithUnderscores: 'allow' as const,
    maxHeaderListBytes: 60 * KIB,
    maxHeaders: 100,
    customSettings: [],
    connectionKeepalive: undefined,
    maxOutboundFrames: 10_000,
    maxOutboundControlFrames: 1000,
    maxConsecutiveInboundFramesWithEmptyPayload: 1,
    maxInboundPriorityFramesPerStream: 100,
    maxInboundWindowUpdateFramesPerDataFrameSent: 10,
    maxInboundControlFramesPerSecond: 2000,
    prematureResetStreamCount: 500,
    prematureResetLifetimeMs: 1000,
    drainTimeoutMs: 5000,
    streamFlushTimeoutMs: 300_000,
    ...given,
  }
  return {
    ...options,
    initialStreamWindowSize: clamp(options.initialStreamWindowSize, 0, MAX_WINDOW),
    initialConnectionWindowSize: clamp(options.initialConnectionWindowSize, 0, MAX_WINDOW),
    maxFrameSize: clamp(options.maxFrameSize, MIN_MAX_FRAME_SIZE, MAX_MAX_FRAME_SIZE),
  }
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high)
