// Every bound of the data path that no configuration field sets: name, unit, what it bounds, what happens beyond it.

/** Bytes read from a socket at once. One buffer of this size is shared by all sockets of a process. */
export const READ_BUFFER_BYTES = 64 * 1024

/**
 * Bytes that may wait in a byte stream's write queue before `write` answers false, and the level under which `onDrain`
 * is called. Envoy's per_connection_buffer_limit_bytes overrides the upper one.
 */
export const WRITE_HIGH_WATER_BYTES = 1024 * 1024

/** Bytes of one HTTP/1 chunk-size line including extensions; beyond it the message is malformed. */
export const CHUNK_LINE_BYTES = 256

/** Bytes of a trailer section; beyond it the message is malformed. */
export const TRAILER_BYTES = 16 * 1024

/** Requests pipelined on one HTTP/1 connection that may wait behind the current one; beyond it reading pauses. */
export const PIPELINED_REQUEST_BYTES = 64 * 1024

/** Bytes of a ClientHello that are held while a filter chain is chosen; beyond it the connection closes. */
export const CLIENT_HELLO_BYTES = 16 * 1024

/** Bytes of a request target (RFC 9112 §3 recommends at least 8000); part of the head, so max_request_headers_kb also counts. */
export const REQUEST_TARGET_BYTES = 32 * 1024

/** Empty lines that may precede an HTTP/1 request line (RFC 9112 §2.2 asks for at least one); beyond it the request is malformed. */
export const BLANK_LINES_BEFORE_REQUEST = 4

/** Bytes of all chunk extensions of one HTTP/1 message; beyond it the message is malformed. */
export const CHUNK_EXTENSION_BYTES = 16 * 1024

/** Header names that one message's Connection fields may nominate; beyond it the message is refused. */
export const CONNECTION_NOMINATIONS = 10

/** Tunnel bytes that may wait for acceptance behind an upgrade or CONNECT head; reading pauses with the first of them. */
export const TUNNEL_HELD_BYTES = 256 * 1024

/**
 * Requests that this side may reset before their answer on one upstream HTTP/2 connection, if they are a quarter of all;
 * beyond it new requests get another connection. Envoy as the peer ends it, with all it carries, at 250 and a half.
 */
export const UPSTREAM_EARLY_RESETS = 100

/** Streams that this side may reset on one upstream HTTP/2 connection; as above. Some peers allow 1000 of them. */
export const UPSTREAM_RESETS = 800

/** Bytes read and thrown away after the last response of an HTTP/1 connection, so that the client gets to read it. */
export const LINGER_BYTES = 256 * 1024

/** TLVs of one received PROXY protocol header; beyond it the header is malformed. Its bytes are bounded by its length field. */
export const PROXY_TLVS = 256

/** Bytes that the http_inspector waits for the end of a request line; beyond it the connection closes. Envoy's number. */
export const REQUEST_LINE_BYTES = 64 * 1024

/** Longest UDP payload there is (RFC 768, RFC 9298 §5); a DATAGRAM capsule with a longer one ends its stream. */
export const UDP_PAYLOAD_BYTES = 65_527

/** Sessions of one UDP listening socket, beside max_connections of its cluster; a datagram that would open one more is dropped. */
export const UDP_SESSIONS = 16 * 1024

/** Datagrams and bytes that may wait in one UDP socket of this process; what comes on top is dropped. */
export const UDP_QUEUED_DATAGRAMS = 16 * 1024
export const UDP_QUEUED_BYTES = 1024 * 1024

/** Milliseconds a CONNECT-UDP tunnel still brings answers after its client ended the stream orderly. */
export const UDP_LINGER_MS = 10_000

/** Endpoints of a cluster that dials what is named (original-dst, dynamic-forward-proxy); beyond it unused ones go, then requests are refused. */
export const DEMANDED_ENDPOINTS = 16 * 1024

/** Addresses of one resolved name that are tried one after the other; the rest is not used. */
export const ADDRESSES_PER_NAME = 16

/** Bytes of an answer to a health check that are read; a longer one is judged by them, and its connection closed. */
export const HEALTH_ANSWER_BYTES = 1024 * 1024

/**
 * Milliseconds that a start waits for the first health checks of a cluster whose endpoints count as healthy until they fail;
 * beyond it the listeners open, and the checks go on. Where an endpoint counts as unhealthy until it passes, as in the Envoy
 * dialect, the timeouts of the checks are the bound.
 */
export const FIRST_HEALTH_ROUND_MS = 2000

/** Milliseconds that the peers of a WebSocket get to answer a Close frame of the proxy's; beyond it both connections close. */
export const MESSAGE_REFUSAL_MS = 5000

/** Connections that wait, unread, behind a listener's maxConnections; one more is closed. Unless tcp_backlog_size says another number. */
export const WAITING_CONNECTIONS = 1024
