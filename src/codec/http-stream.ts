// The upper contract: one HTTP exchange on one connection, whatever its version. Server codecs hand out ServerStreams,
// client codecs ClientStreams; connection, filters and upstream pools know only these. No promise, no event object.

import type { CloseCause } from '../core/close-cause.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { ByteStream, PauseReason } from '../transport/byte-stream.ts'
import type { HeaderList } from './header-list.ts'

/** As `%PROTOCOL%` prints it. */
export type HttpProtocol = 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2' | 'HTTP/3'

/**
 * What a request asks to become.
 * `upgrade`: the peer keeps HTTP until the answer, then bytes of `type` flow (RFC 9110 §7.8, RFC 8441, RFC 9220).
 * `connect`: a tunnel to the authority (RFC 9110 §9.3.6), with or without `:protocol: bytestream`.
 */
export type TunnelIntent = { readonly kind: 'upgrade'; readonly type: string } | { readonly kind: 'connect' }

/**
 * A request head in the one form all versions are normalised to, which is HTTP/1.1's, as in Envoy: an extended CONNECT
 * (RFC 8441 §5) arrives as its real method (GET unless the hop told another, see upgrade-translation.ts) with `upgrade`
 * and `connection: upgrade` fields, so matchers, filters and logs see one thing. Mutable: filters edit it.
 */
export interface RequestHead {
  /** Case-sensitive token. `CONNECT` only when `tunnel.kind` is `connect`. */
  method: string
  /** `http` | `https`; from :scheme, an absolute-form target, or the transport. */
  scheme: string
  /** Host with optional port, as sent; '' when the client sent none. For CONNECT the request target. */
  authority: string
  /** Path with query, starting with `/` or being `*`; '' when there is none (CONNECT). */
  path: string
  readonly protocol: HttpProtocol
  /** Without pseudo-headers and without `host`. */
  readonly headers: HeaderList
  /**
   * Absent for an ordinary request. A POST that its route takes for a CONNECT gets the intent when it is routed; to its
   * codec it stays an ordinary request.
   */
  tunnel: TunnelIntent | undefined
}

export interface ResponseHead {
  status: number
  /** HTTP/1 reason phrase; '' for the standard one. */
  reason: string
  readonly headers: HeaderList
}

/** What both kinds of stream can do. `Outgoing` is what this side sends, incoming what the peer sends. */
interface HttpStream {
  readonly protocol: HttpProtocol
  /** The byte stream of the whole connection, for addresses and TLS facts. Never write to it. */
  readonly connection: ByteStream
  /** Bytes of this stream that wait to be sent (H2: for window or socket). */
  readonly queuedBytes: number
  readonly closed: CloseCause | undefined

  /**
   * Sends body bytes; they are copied or sent before it returns. False = wait for `onDrain`. `end` ends the message.
   * H1: framed by Content-Length or chunks as the head decided. H2: DATA within both windows, the rest queued.
   */
  sendData(buffer: Uint8Array, start: number, end: number, endStream: boolean): boolean
  /** Ends the message with a trailer section. H1: only when chunked (else dropped). */
  sendTrailers(trailers: HeaderList): void
  /** Ends the message when nothing follows. No-op when it ended. */
  endMessage(): void
  /** Ends the exchange at once. H1: closes the connection. H2: RST_STREAM with the code of `cause`. */
  reset(cause: CloseCause): void
  /**
   * The two messages carry the directions of one byte stream: from now on the end of one leaves the other alone, however
   * early it comes, and the sink hears `onFinished`. H1: the connection is not used again, and `reset` cuts it off.
   * Called by body-stream.ts, after the response head was sent or within `onResponse`.
   */
  separateDirections(): void
  /**
   * After `separateDirections`: ends this side's message, sends what is queued and lets go of the other message. `onReset`
   * or `onFinished` follows, perhaps before it returns.
   */
  closeAfterSending(cause: CloseCause): void
  /** Back-pressure on incoming data. H1: pauses the connection. H2: withholds this stream's WINDOW_UPDATE. */
  pauseReading(reason: PauseReason): void
  resumeReading(reason: PauseReason): void
  /** Bytes that may wait unsent before `sendData` answers false. */
  setHighWater(bytes: number): void
  /**
   * Turns the rest of the exchange into bytes both ways, after acceptance. Incoming data that was held is delivered to
   * the first sink. H1: the connection itself. H2: DATA frames; END_STREAM is the half-close, RST_STREAM the reset. Trailers
   * end the peer's direction too; `onTrailers` hears them before the sink hears the end, and H1 tunnels have none. On a
   * ClientStream it is called within `onResponse`.
   */
  intoByteStream(onTrailers?: (trailers: HeaderList) => void): ByteStream
}

/** A request received. */
export interface ServerStream extends HttpStream {
  /**
   * Bytes of a tunnel request that came before its final response head. They are kept, within a bound, for the first sink
   * of `intoByteStream()`; a refusal drops them. Always 0 for a request that asks for no tunnel.
   */
  readonly earlyBytes: number
  /** Sends 1xx (not 101). H1/1.0 peers never see one. */
  respondInformational(head: ResponseHead): void
  /**
   * Sends the final head. `endStream`: no body follows. Framing is the codec's: it adds Content-Length 0 / chunked / none
   * (RFC 9112 §6), never for a tunnel. Status 101 (H1 form) accepts an upgrade: H2 sends 200 and drops upgrade fields.
   */
  respond(head: ResponseHead, endStream: boolean): void
  setSink(sink: ServerStreamSink): void
  /** H1: answer `connection: close` and close after this exchange. H2: graceful GOAWAY after this response. */
  closeAfterResponse(): void
}

/** Receives the request's body and end. Methods are called on the sink, never detached. */
export interface ServerStreamSink {
  /** Body bytes, valid only during the call. `endStream` may come with the last ones (`start === end` possible). */
  onData(buffer: Buffer, start: number, end: number, endStream: boolean): void
  onTrailers(trailers: HeaderList): void
  onDrain(): void
  /** The client or its connection is gone, or `reset` was called. Last call. Not called after an orderly end of both messages. */
  onReset(cause: CloseCause): void
  /** The first of the stream's `earlyBytes` arrived; perhaps right after `onRequest` returned. Said once. */
  onEarlyData?(): void
  /** Both messages ended in order. Last call; only after `separateDirections`. */
  onFinished?(): void
}

/** Receives what a server connection brings: one per downstream connection. */
export interface ServerConnectionSink {
  /**
   * A request head that passed the codec. `endStream`: no body. The callee sets the stream's sink before it returns.
   */
  onRequest(stream: ServerStream, head: RequestHead, endStream: boolean): void
  /**
   * The peer broke the protocol before a request existed. The codec already answers (H1: status and close; H2: GOAWAY);
   * this is for logs and counters. `head` is what could be parsed.
   */
  onCodecError(code: ErrorCode, detail: string, head: Partial<RequestHead>): void
  /** Answers 100-continue policy: true = the codec sends `100 Continue` itself and drops `expect`. */
  readonly answersContinue: boolean
  /** The connection is gone and every stream has been told. */
  onConnectionClose(cause: CloseCause): void
}

/** A server codec on one downstream connection. */
export interface ServerConnection {
  readonly protocol: HttpProtocol
  /** Streams that are not finished. */
  readonly activeStreams: number
  /** Graceful end: H1 closes after the current exchange (at once when idle), H2 sends GOAWAY twice (RFC 9113 §6.8). */
  drain(cause: CloseCause): void
  /** Ends now; open streams are reset with `cause`. */
  close(cause: CloseCause): void
}

/** A request sent. */
export interface ClientStream extends HttpStream {
  setSink(sink: ClientStreamSink): void
}

export interface ClientStreamSink {
  /** 1xx except 101. */
  onInformational(head: ResponseHead): void
  /**
   * The final head. For an accepted upgrade `status` is 101 on every version (H2's 2xx is mapped, RFC 8441 §5.1) and
   * bytes follow through `intoByteStream()`. For an accepted CONNECT it is the 2xx; with `endStream` (H2) it opens nothing,
   * since the far side has ended already, unless the stream is taken all the same. `endStream`: no body.
   */
  onResponse(head: ResponseHead, endStream: boolean): void
  onData(buffer: Buffer, start: number, end: number, endStream: boolean): void
  onTrailers(trailers: HeaderList): void
  onDrain(): void
  /** Failed, by either side; last call. Not called after an orderly end of both messages. */
  onReset(cause: CloseCause): void
  /** Both messages ended in order. Last call; only after `separateDirections`. */
  onFinished?(): void
}

/** A client codec on one upstream connection. */
export interface ClientConnection {
  readonly protocol: HttpProtocol
  readonly activeStreams: number
  /** Streams that may still be opened now (H1: 0 or 1; H2: the peer's SETTINGS_MAX_CONCURRENT_STREAMS and GOAWAY). */
  readonly availableStreams: number
  /**
   * Whether an upgrade can be sent: H1 true. H2: the peer's first SETTINGS had ENABLE_CONNECT_PROTOCOL = 1 (RFC 8441 §3);
   * undefined while those SETTINGS have not arrived.
   */
  readonly extendedConnect: boolean | undefined
  /** Opens a stream and sends the head. The head is not changed and not kept. */
  request(head: RequestHead, endStream: boolean, sink: ClientStreamSink): ClientStream
  drain(cause: CloseCause): void
  close(cause: CloseCause): void
}

/** Receives what a client connection as a whole does: one per upstream connection, usually its pool. */
export interface ClientConnectionSink {
  /** `availableStreams` or `extendedConnect` changed. */
  onAvailability(): void
  /** No stream can be opened any more: GOAWAY, drain, or closed. */
  onConnectionClose(cause: CloseCause): void
}
