// The one table of how things end or fail. Types, HTTP statuses, reset codes, log flags and documentation derive from it.

/** Who is to blame, as an operator would ask. `none` marks an orderly end. */
export type Fault = 'none' | 'client' | 'upstream' | 'proxy' | 'operator' | 'configuration'

export interface ErrorEntry {
  /** What happened, one sentence. */
  readonly summary: string
  /** Status of the local reply when the response has not begun; 0 when none is made. */
  readonly status: number
  /** RFC 9113 §7 error code for a stream reset. */
  readonly http2: number
  /** RFC 9114 §8.1 error code for a stream reset. */
  readonly http3: number
  /** RFC 6455 §7.4.1 close code that describes it to a WebSocket peer. */
  readonly webSocket: number
  /** Envoy's response flag, or ''. */
  readonly flag: string
  /** Envoy's response code details. */
  readonly detail: string
  /** Whether another attempt on another endpoint may help. */
  readonly retriable: boolean
  readonly fault: Fault
}

const H2 = { no: 0x0, protocol: 0x1, internal: 0x2, refused: 0x7, cancel: 0x8, connect: 0xa, calm: 0xb }
const H3 = {
  no: 0x100,
  general: 0x101,
  internal: 0x102,
  rejected: 0x10b,
  cancelled: 0x10c,
  connect: 0x10f,
  message: 0x10e,
  load: 0x107,
}

function entry(
  fault: Fault,
  status: number,
  flag: string,
  detail: string,
  summary: string,
  more: Partial<ErrorEntry> = {},
): ErrorEntry {
  return {
    summary,
    status,
    http2: H2.internal,
    http3: H3.internal,
    webSocket: 1011,
    flag,
    detail,
    retriable: false,
    fault,
    ...more,
  }
}

const orderly = { http2: H2.no, http3: H3.no, webSocket: 1000 }
const clientProtocol = { http2: H2.protocol, http3: H3.message, webSocket: 1002 }
const cancelled = { http2: H2.cancel, http3: H3.cancelled, webSocket: 1001 }
const connectFailed = { http2: H2.connect, http3: H3.connect, webSocket: 1014 }
const away = { http2: H2.no, http3: H3.no, webSocket: 1001 }

const reset = (reason: string): string => `upstream_reset_before_response_started{${reason}}`

export const ERRORS = {
  // Orderly ends.
  finished: entry('none', 0, '', 'via_upstream', 'Both sides finished.', orderly),
  end_of_stream: entry('none', 0, '', 'via_upstream', 'The peer ended its direction and the other followed.', orderly),
  connection_idle: entry(
    'none',
    0,
    '',
    'on_idle_timeout',
    'The connection carried no request for its idle time.',
    orderly,
  ),
  shutdown: entry('operator', 503, '', 'shutdown', 'The proxy is shutting down.', away),
  drained: entry('operator', 0, '', 'drain', 'The connection was drained.', away),

  // The client or its connection.
  client_reset: entry('client', 0, 'DR', 'http2.remote_reset', 'The client reset its stream.', cancelled),
  client_disconnect: entry(
    'client',
    0,
    'DC',
    'downstream_remote_disconnect',
    'The client closed its connection.',
    cancelled,
  ),
  tls_handshake_failed: entry(
    'client',
    0,
    '',
    'tls_handshake_failed',
    'The TLS handshake with the client failed.',
    clientProtocol,
  ),
  filter_chain_not_found: entry(
    'configuration',
    0,
    'NR',
    'filter_chain_not_found',
    'No filter chain matches the connection.',
  ),
  listener_filter_timeout: entry(
    'client',
    0,
    '',
    'listener_filter_timeout',
    'The client sent no TLS or HTTP greeting in time.',
  ),

  proxy_header_invalid: entry(
    'client',
    0,
    '',
    'proxy_protocol_error',
    'The connection does not begin with a PROXY protocol header that is taken here.',
    clientProtocol,
  ),
  over_connection_limit: entry(
    'proxy',
    0,
    '',
    'over_connection_limit',
    'As many connections are open as connection_limit allows.',
    { webSocket: 1013 },
  ),
  connection_rate_limited: entry(
    'proxy',
    0,
    // Envoy's choice.
    'URX',
    'local_ratelimit_close_over_limit',
    'More connections came than local_ratelimit allows.',
    { webSocket: 1013 },
  ),
  rbac_access_denied: entry('client', 0, '', 'rbac_deny_close', 'The rules of rbac do not let the client in.', {
    webSocket: 1008,
  }),

  // Malformed requests (details are Envoy's http1.* and http2.* words).
  http1_codec_error: entry(
    'client',
    400,
    'DPE',
    'http1.codec_error',
    'The request is not valid HTTP/1.1.',
    clientProtocol,
  ),
  http1_invalid_characters: entry(
    'client',
    400,
    'DPE',
    'http1.invalid_characters',
    'A request header has a forbidden character.',
    clientProtocol,
  ),
  http1_invalid_url: entry(
    'client',
    400,
    'DPE',
    'http1.invalid_url',
    'The request target is not valid.',
    clientProtocol,
  ),
  http1_invalid_scheme: entry(
    'client',
    400,
    'DPE',
    'http1.invalid_scheme',
    'The request target has a scheme other than http or https.',
    clientProtocol,
  ),
  http1_cl_and_te: entry(
    'client',
    400,
    'DPE',
    'http1.content_length_and_chunked_not_allowed',
    'The request has both Content-Length and Transfer-Encoding.',
    clientProtocol,
  ),
  http1_content_length_not_allowed: entry(
    'client',
    400,
    'DPE',
    'http1.content_length_not_allowed',
    'Content-Length is repeated or not a number.',
    clientProtocol,
  ),
  http1_invalid_transfer_encoding: entry(
    'client',
    501,
    'DPE',
    'http1.invalid_transfer_encoding',
    'The transfer coding is not supported here.',
    clientProtocol,
  ),
  http1_body_disallowed: entry(
    'client',
    400,
    'DPE',
    'http1.body_disallowed',
    'A CONNECT request must not announce a body.',
    clientProtocol,
  ),
  http1_headers_too_large: entry(
    'client',
    431,
    'DPE',
    'http1.headers_too_large',
    'The request head is larger than max_request_headers_kb.',
    clientProtocol,
  ),
  http1_too_many_headers: entry(
    'client',
    431,
    'DPE',
    'http1.too_many_headers',
    'The request has more headers than max_headers_count.',
    clientProtocol,
  ),
  http1_connection_header_rejected: entry(
    'client',
    400,
    'DPE',
    'http1.connection_header_rejected',
    'The Connection header names a header that must not be removed.',
    clientProtocol,
  ),
  low_version: entry('client', 426, '', 'low_version', 'HTTP/1.0 is not accepted here.', clientProtocol),
  http2_protocol_violation: entry(
    'client',
    400,
    'DPE',
    'http2.violation.of.messaging.rule',
    'The HTTP/2 message breaks the protocol.',
    clientProtocol,
  ),
  http2_invalid_header_field: entry(
    'client',
    400,
    'DPE',
    'http2.invalid.header.field',
    'An HTTP/2 header field is not valid.',
    clientProtocol,
  ),
  http2_too_many_headers: entry(
    'client',
    431,
    'DPE',
    'http2.too_many_headers',
    'The HTTP/2 header list is too large.',
    clientProtocol,
  ),
  http2_flood: entry(
    'client',
    0,
    'DPE',
    'http2.flood',
    'The peer sent more control frames than the flood limits allow.',
    { ...clientProtocol, http2: H2.calm, http3: H3.load },
  ),
  http2_keepalive_timeout: entry(
    'client',
    0,
    '',
    'http2_ping_timeout',
    'A keepalive PING was not answered in time.',
    cancelled,
  ),
  unexpected_underscore: entry(
    'client',
    400,
    '',
    'http1.unexpected_underscore',
    'A header name has an underscore.',
    clientProtocol,
  ),
  invalid_authority: entry('client', 400, '', 'http.invalid_authority', 'The authority is not valid.', clientProtocol),
  invalid_method: entry('client', 400, '', 'http.invalid_method', 'The method is not a valid token.', clientProtocol),
  missing_host_header: entry(
    'client',
    400,
    '',
    'missing_host_header',
    'The request has no Host header or :authority.',
    clientProtocol,
  ),
  missing_path_rejected: entry('client', 404, '', 'missing_path_rejected', 'The request has no path.', clientProtocol),
  absolute_path_rejected: entry(
    'client',
    404,
    '',
    'absolute_path_rejected',
    'The path does not start with a slash.',
    clientProtocol,
  ),
  path_normalization_failed: entry(
    'client',
    400,
    '',
    'path_normalization_failed',
    'The path cannot be normalised.',
    clientProtocol,
  ),
  invalid_path: entry(
    'client',
    400,
    '',
    'http.invalid_path',
    'The path has a character that is not allowed.',
    clientProtocol,
  ),
  early_connect_data: entry(
    'client',
    400,
    '',
    'early_connect_data',
    'Bytes followed a CONNECT before it was answered, and the router refuses them.',
    clientProtocol,
  ),
  websocket_bad_handshake: entry(
    'client',
    400,
    '',
    'websocket_bad_handshake',
    'The request is not the WebSocket handshake that this route asks for.',
    clientProtocol,
  ),
  websocket_origin_refused: entry(
    'client',
    403,
    '',
    'websocket_origin_refused',
    'The WebSocket policy of the route does not let this Origin in.',
    { http2: H2.cancel, http3: H3.cancelled, webSocket: 1008 },
  ),
  message_too_big: entry(
    'client',
    0,
    '',
    'websocket_message_too_big',
    'A WebSocket message was longer than its route allows.',
    { http2: H2.no, http3: H3.no, webSocket: 1009 },
  ),
  websocket_frame_invalid: entry('client', 0, 'DPE', 'websocket_frame_invalid', 'A WebSocket frame broke RFC 6455.', {
    http2: H2.no,
    http3: H3.no,
    webSocket: 1002,
  }),
  connect_udp_path: entry('client', 404, '', 'invalid_path', 'The path is incorrect for CONNECT-UDP.', clientProtocol),
  connect_udp_ended: entry(
    'client',
    400,
    'DPE',
    'connect_udp_ended',
    'The CONNECT-UDP request ended with its head: no datagram can follow.',
    clientProtocol,
  ),
  capsule_malformed: entry(
    'client',
    0,
    'DPE',
    'capsule_malformed',
    'The capsules of a CONNECT-UDP tunnel are malformed.',
    clientProtocol,
  ),
  request_payload_too_large: entry(
    'client',
    413,
    '',
    'request_payload_too_large',
    'The request body is larger than the buffer limit.',
  ),

  // Routing and upgrade decisions.
  route_not_found: entry('configuration', 404, 'NR', 'route_not_found', 'No route matches the request.'),
  cluster_not_found: entry(
    'configuration',
    503,
    'NC',
    'cluster_not_found',
    'The route names a cluster that does not exist.',
  ),
  direct_response: entry('none', 0, '', 'direct_response', 'The route answers by itself.', orderly),
  upgrade_failed: entry('configuration', 403, '', 'upgrade_failed', 'The upgrade type is not enabled on this route.'),

  // What filters decide.
  request_invalid: entry('client', 400, '', 'request_invalid', 'The request does not have what is asked for here.', {
    webSocket: 1008,
  }),
  unauthenticated: entry('client', 401, '', 'unauthenticated', 'The request does not prove who sent it.', {
    webSocket: 1008,
  }),
  request_rate_limited: entry('client', 429, 'RL', 'request_rate_limited', 'More requests came than are let through.', {
    webSocket: 1013,
  }),
  cors_rejected: entry('client', 403, '', 'cors_rejected', 'The cross-origin policy does not take the request.', {
    webSocket: 1008,
  }),
  pipeline_short_circuited: entry(
    'proxy',
    503,
    'UO',
    'pipeline_short_circuited',
    'The circuit breaker of the pipeline lets no call through.',
    { webSocket: 1013 },
  ),
  pipeline_without_response: entry(
    'configuration',
    503,
    '',
    'pipeline_without_response',
    'The pipeline has neither forwarded the request nor answered it.',
  ),

  // The upstream before the response.
  no_healthy_upstream: entry(
    'upstream',
    503,
    'UH',
    'no_healthy_upstream',
    'The cluster has no endpoint that can be used.',
    { retriable: false, webSocket: 1013 },
  ),
  dns_resolution_failed: entry(
    'upstream',
    503,
    'UH',
    'no_healthy_upstream',
    'The cluster has no endpoint: its name does not resolve.',
    { webSocket: 1013 },
  ),
  target_name_unresolved: entry(
    'upstream',
    503,
    'DF',
    'dns_resolution_failure',
    'The host that the request names does not resolve.',
    { webSocket: 1013 },
  ),
  dns_cache_overflow: entry(
    'proxy',
    503,
    'UO',
    'dns_cache_overflow',
    'The DNS cache has no room for another name or another waiting request.',
    { http2: H2.refused, http3: H3.rejected, webSocket: 1013 },
  ),
  // Deviation: Envoy has no target policy; UAEX is its flag for what an authority outside the route table refused.
  target_not_allowed: entry(
    'configuration',
    403,
    'UAEX',
    'target_not_allowed',
    'The target policy refuses the host that the request names.',
    { http2: H2.cancel, http3: H3.cancelled, webSocket: 1008 },
  ),
  endpoint_unhealthy: entry(
    'upstream',
    0,
    'UC',
    'endpoint_unhealthy',
    'The endpoint failed its health checks, with which its TCP connections end.',
    { webSocket: 1014 },
  ),
  upstream_connection_failure: entry(
    'upstream',
    503,
    'UF',
    reset('remote_connection_failure'),
    'The upstream refused or dropped the connection attempt.',
    { ...connectFailed, retriable: true },
  ),
  upstream_connection_timeout: entry(
    'upstream',
    503,
    'UF',
    reset('connection_timeout'),
    'The upstream did not accept the connection within connect_timeout.',
    { ...connectFailed, retriable: true },
  ),
  upstream_tls_failure: entry(
    'upstream',
    503,
    'UF',
    reset('remote_connection_failure'),
    'The TLS handshake with the upstream failed.',
    { ...connectFailed, retriable: true },
  ),
  upstream_overflow: entry('proxy', 503, 'UO', reset('overflow'), 'A circuit breaker of the cluster is open.', {
    http2: H2.refused,
    http3: H3.rejected,
    webSocket: 1013,
  }),
  upstream_closed_before_response: entry(
    'upstream',
    503,
    'UC',
    reset('connection_termination'),
    'The upstream closed the connection before it answered.',
    { ...connectFailed, retriable: true },
  ),
  upstream_reset_before_response: entry(
    'upstream',
    503,
    'UR',
    reset('remote_reset'),
    'The upstream reset the stream before it answered.',
    { retriable: true },
  ),
  upstream_connect_error: entry(
    'upstream',
    503,
    'UR',
    reset('remote_error_with_CONNECT_request'),
    'The upstream could not open the far side of the tunnel.',
    { ...connectFailed, retriable: true },
  ),
  upstream_refused_stream: entry(
    'upstream',
    503,
    'UR',
    reset('remote_refused_stream_reset'),
    'The upstream refused the stream.',
    { retriable: true },
  ),
  upstream_protocol_error: entry(
    'upstream',
    502,
    'UPE',
    reset('protocol_error'),
    'The upstream answer breaks the protocol.',
    { ...connectFailed, http2: H2.protocol, retriable: true },
  ),
  websocket_invalid_accept: entry(
    'upstream',
    502,
    'UPE',
    'websocket_handshake_invalid_accept',
    'The upstream answered 101 with a missing or wrong Sec-WebSocket-Accept.',
    { ...connectFailed, retriable: true },
  ),
  websocket_invalid_selection: entry(
    'upstream',
    502,
    'UPE',
    'websocket_handshake_invalid_selection',
    'The upstream selected a WebSocket subprotocol or extension that the client had not offered.',
    connectFailed,
  ),
  websocket_handshake_unsuccessful: entry(
    'upstream',
    0,
    '',
    'websocket_handshake_unsuccessful',
    'The upstream answered the upgrade with a status other than 101.',
  ),
  upgrade_not_supported_upstream: entry(
    'upstream',
    502,
    'UPE',
    'upgrade_not_supported_by_upstream',
    'The upstream speaks HTTP/2 without extended CONNECT and HTTP/1.1 is not allowed for the cluster.',
  ),
  request_with_body_upgrade: entry(
    'client',
    400,
    '',
    'upgrade_with_body',
    'An upgrade request that announces a body cannot cross an HTTP/2 hop.',
  ),

  tunnel_refused: entry(
    'upstream',
    503,
    'UF',
    'tunnel_refused',
    'The proxy that was asked for a tunnel to the upstream answered with something else than an acceptance.',
    { ...connectFailed, retriable: true },
  ),

  // The upstream after the response began.
  upstream_closed: entry(
    'upstream',
    0,
    'UC',
    'upstream_reset_after_response_started{connection_termination}',
    'The upstream closed the connection in mid-stream.',
    connectFailed,
  ),
  upstream_reset: entry(
    'upstream',
    0,
    'UR',
    'upstream_reset_after_response_started{remote_reset}',
    'The upstream reset the stream.',
    connectFailed,
  ),
  upstream_protocol_error_late: entry(
    'upstream',
    0,
    'UPE',
    'upstream_reset_after_response_started{protocol_error}',
    'The upstream broke the protocol in mid-stream.',
    { http2: H2.protocol },
  ),

  // Time.
  udp_session_idle: entry(
    'none',
    0,
    '',
    'udp_session_idle_timeout',
    'No datagram came or went in the UDP session for its idle time.',
    orderly,
  ),
  stream_idle_timeout: entry(
    'proxy',
    408,
    'SI',
    'stream_idle_timeout',
    'Nothing moved on the stream for its idle time.',
    { webSocket: 1001, http2: H2.cancel, http3: H3.cancelled },
  ),
  response_timeout: entry(
    'upstream',
    504,
    'UT',
    'response_timeout',
    'The upstream did not answer within the route timeout.',
    { webSocket: 1014 },
  ),
  per_try_timeout: entry(
    'upstream',
    504,
    'UT',
    'upstream_per_try_timeout',
    'The upstream did not answer within the per-try timeout.',
    { retriable: true },
  ),
  per_try_idle_timeout: entry(
    'upstream',
    504,
    'UT',
    'upstream_per_try_idle_timeout',
    'Nothing came from the upstream for the idle time of one try.',
    { retriable: true },
  ),
  retried: entry('none', 0, '', 'retried', 'The answer was given up, for the request is tried again.', cancelled),
  mirror_done: entry('none', 0, '', 'mirrored', 'The answer to a mirrored request is not wanted.', cancelled),
  request_timeout: entry(
    'client',
    408,
    'DT',
    'request_overall_timeout',
    'The request did not arrive within request_timeout.',
  ),
  request_header_timeout: entry(
    'client',
    408,
    'DT',
    'request_header_timeout',
    'The request head did not arrive within request_headers_timeout.',
  ),
  max_stream_duration: entry(
    'proxy',
    408,
    'DT',
    'max_duration_timeout',
    'The stream lived as long as max_stream_duration allows.',
    away,
  ),
  upstream_max_stream_duration: entry(
    'proxy',
    408,
    'UMSDR',
    'upstream_max_stream_duration_reached',
    "The stream lived as long as the cluster's max_stream_duration allows.",
    away,
  ),
  tcp_session_idle_timeout: entry(
    'proxy',
    0,
    '',
    'tcp_session_idle_timeout',
    'Nothing moved on the TCP session for its idle_timeout.',
    { webSocket: 1001, http2: H2.cancel, http3: H3.cancelled },
  ),
  max_connection_duration: entry(
    'proxy',
    0,
    'DT',
    'max_connection_duration_reached',
    'The TCP session lived as long as max_downstream_connection_duration allows.',
    away,
  ),
  delayed_close_timeout: entry(
    'client',
    0,
    '',
    'triggered_delayed_close_timeout',
    'The peer did not close after it was told.',
  ),

  // The proxy itself.
  overload: entry('proxy', 503, '', 'overload', 'The proxy is overloaded.', { webSocket: 1013 }),
  buffer_overflow: entry('proxy', 500, '', 'response_payload_too_large', 'A buffered body grew past its limit.'),
  admin_close: entry('operator', 0, '', 'admin_close', 'An operator closed the connection.', away),
  internal: entry('proxy', 500, '', 'internal_error', 'A fault inside the proxy; please report it.'),
} as const satisfies Record<string, ErrorEntry>

/** Stable name of an error; the key of {@link ERRORS}. */
export type ErrorCode = keyof typeof ERRORS

/** The table row of a code. */
export const errorEntry = (code: ErrorCode): ErrorEntry => ERRORS[code]
