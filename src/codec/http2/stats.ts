// Counters and gauges of HTTP/2 connections, named as Envoy's `http2.*` statistics. Plain numbers; one object is shared by
// all connections of a listener's or a cluster's scope.

export interface Http2Stats {
  /** Request or response heads with a name that has an underscore, dropped from the head. */
  dropped_headers_with_underscores: number
  goaway_sent: number
  /** Field sections larger than the limits. */
  header_overflow: number
  /** HEADERS for a stream that is gone. */
  headers_cb_no_stream: number
  inbound_empty_frames_flood: number
  inbound_priority_frames_flood: number
  inbound_window_update_frames_flood: number
  keepalive_timeout: number
  outbound_control_flood: number
  outbound_flood: number
  requests_rejected_with_underscores_in_headers: number
  rx_messaging_error: number
  rx_reset: number
  /** Streams refused because too many are open or the connection is going away. */
  stream_refused_errors: number
  trailers: number
  tx_flush_timeout: number
  tx_reset: number
  /** Not Envoy's: control frames faster than any use of the protocol needs. */
  inbound_control_frames_flood: number
  /** Not Envoy's: header blocks in too many CONTINUATION frames or too many bytes. */
  inbound_continuation_flood: number
  /** Not Envoy's codec, but its connection manager's: connections closed for resetting too many young streams. */
  premature_resets_flood: number
  /** Gauge: streams that are not finished. */
  streams_active: number
  /** Gauge: payload bytes that wait for a window or the socket. */
  pending_send_bytes: number
  /** Gauge: streams whose owner is done but which still send what is queued. */
  deferred_stream_close: number
}

/** All at zero. */
export const newHttp2Stats = (): Http2Stats => ({
  dropped_headers_with_underscores: 0,
  goaway_sent: 0,
  header_overflow: 0,
  headers_cb_no_stream: 0,
  inbound_empty_frames_flood: 0,
  inbound_priority_frames_flood: 0,
  inbound_window_update_frames_flood: 0,
  keepalive_timeout: 0,
  outbound_control_flood: 0,
  outbound_flood: 0,
  requests_rejected_with_underscores_in_headers: 0,
  rx_messaging_error: 0,
  rx_reset: 0,
  stream_refused_errors: 0,
  trailers: 0,
  tx_flush_timeout: 0,
  tx_reset: 0,
  inbound_control_frames_flood: 0,
  inbound_continuation_flood: 0,
  premature_resets_flood: 0,
  streams_active: 0,
  pending_send_bytes: 0,
  deferred_stream_close: 0,
})
