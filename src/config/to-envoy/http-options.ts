// Options of the HTTP codecs that are not Envoy's defaults.

import {
  type CommonHttpOptions,
  DEFAULT_HTTP1,
  DEFAULT_HTTP2,
  type Http1ProtocolOptions,
  type Http2ProtocolOptions,
} from '../model/http-protocol.ts'
import { duration, fields, type Fields, listOf, optional, timeout, unless, unlessEmpty } from './json.ts'
import { stringMatcher } from './string-match.ts'

const HOUR = 3_600_000

const UNDERSCORES = { allow: undefined, reject: 'REJECT_REQUEST', drop: 'DROP_HEADER' } as const

/** HttpProtocolOptions. */
export const commonHttpOptions = (options: CommonHttpOptions): Fields | undefined =>
  unlessEmpty(
    fields({
      idle_timeout: timeout(options.idleTimeoutMs, HOUR),
      max_connection_duration: optional(options.maxConnectionDurationMs),
      max_stream_duration: optional(options.maxStreamDurationMs),
      max_headers_count: unless(options.maxHeadersCount, 100),
      max_response_headers_kb: unless(options.maxResponseHeadersKb, 60),
      max_requests_per_connection: options.maxRequestsPerConnection,
      headers_with_underscores_action: UNDERSCORES[options.headersWithUnderscores],
    }),
  )

/** Http1ProtocolOptions; `streamError` is what the connection manager says. */
export const http1Options = (options: Http1ProtocolOptions, streamError = false): Fields | undefined =>
  unlessEmpty(
    fields({
      allow_absolute_url: unless(options.allowAbsoluteUrl, DEFAULT_HTTP1.allowAbsoluteUrl),
      accept_http_10: unless(options.acceptHttp10, DEFAULT_HTTP1.acceptHttp10),
      default_host_for_http_10: unless(options.defaultHostForHttp10, DEFAULT_HTTP1.defaultHostForHttp10),
      header_key_format: options.headerKeyFormat === 'proper-case' ? { proper_case_words: {} } : undefined,
      enable_trailers: unless(options.enableTrailers, DEFAULT_HTTP1.enableTrailers),
      allow_chunked_length: unless(options.allowChunkedLength, DEFAULT_HTTP1.allowChunkedLength),
      override_stream_error_on_invalid_http_message: unless(options.streamErrorOnInvalidMessage, streamError),
      send_fully_qualified_url: unless(options.sendFullyQualifiedUrl, DEFAULT_HTTP1.sendFullyQualifiedUrl),
      allow_custom_methods: unless(options.allowCustomMethods, DEFAULT_HTTP1.allowCustomMethods),
      ignore_http_11_upgrade: listOf(options.ignoreUpgrade, stringMatcher),
    }),
  )

/** Http2ProtocolOptions. */
export const http2Options = (options: Http2ProtocolOptions, streamError = false): Fields =>
  fields({
    allow_connect: unless(options.allowConnect, DEFAULT_HTTP2.allowConnect),
    hpack_table_size: unless(options.hpackTableSize, DEFAULT_HTTP2.hpackTableSize),
    max_concurrent_streams: unless(options.maxConcurrentStreams, DEFAULT_HTTP2.maxConcurrentStreams),
    initial_stream_window_size: unless(options.initialStreamWindowSize, DEFAULT_HTTP2.initialStreamWindowSize),
    initial_connection_window_size: unless(
      options.initialConnectionWindowSize,
      DEFAULT_HTTP2.initialConnectionWindowSize,
    ),
    max_outbound_frames: unless(options.maxOutboundFrames, DEFAULT_HTTP2.maxOutboundFrames),
    max_outbound_control_frames: unless(options.maxOutboundControlFrames, DEFAULT_HTTP2.maxOutboundControlFrames),
    max_consecutive_inbound_frames_with_empty_payload: unless(
      options.maxConsecutiveInboundFramesWithEmptyPayload,
      DEFAULT_HTTP2.maxConsecutiveInboundFramesWithEmptyPayload,
    ),
    max_inbound_priority_frames_per_stream: unless(
      options.maxInboundPriorityFramesPerStream,
      DEFAULT_HTTP2.maxInboundPriorityFramesPerStream,
    ),
    max_inbound_window_update_frames_per_data_frame_sent: unless(
      options.maxInboundWindowUpdateFramesPerDataFrameSent,
      DEFAULT_HTTP2.maxInboundWindowUpdateFramesPerDataFrameSent,
    ),
    override_stream_error_on_invalid_http_message: unless(options.streamErrorOnInvalidMessage, streamError),
    custom_settings_parameters: listOf(options.customSettings, ({ id, value }) => ({ identifier: id, value })),
    connection_keepalive: options.keepalive && keepalive(options.keepalive),
  })

const keepalive = (settings: NonNullable<Http2ProtocolOptions['keepalive']>): Fields =>
  fields({
    interval: optional(settings.intervalMs),
    timeout: duration(settings.timeoutMs),
    interval_jitter: settings.jitterPercent === 15 ? undefined : { value: settings.jitterPercent },
    connection_idle_interval: optional(settings.idleIntervalMs),
  })
