// A request on a server's connection: the stream plus the response heads (RFC 9113 §8.1, §8.3.2).

import { type CloseCause, closeCause } from '../../core/close-cause.ts'
import { errorEntry } from '../../core/errors.ts'
import { PAUSE } from '../../transport/byte-stream.ts'
import type { ResponseHead, ServerStream, ServerStreamSink, TunnelIntent } from '../http-stream.ts'
import { H2_ERROR } from './error-code.ts'
import { encodeResponse } from './head-encoding.ts'
import type { HpackEncoder } from './hpack/encoder.ts'
import { Http2Stream } from './stream.ts'
import type { StreamHost } from './stream-host.ts'

/** What a server stream needs beyond any stream's needs. */
export interface ServerHost extends StreamHost {
  readonly encoder: HpackEncoder
  drainAfterResponse(): void
  /** A complete response waits for the client. */
  flushWaits(stream: Http2Stream): void
}

export class Http2ServerStream extends Http2Stream implements ServerStream {
  readonly mayReceiveData = true
  /** Monotonic milliseconds, for the rapid-reset rule. */
  readonly openedMs: number
  /** A final response head was sent. */
  late = false
  earlyBytes = 0
  readonly #server: ServerHost
  readonly #tunnel: TunnelIntent | undefined

  constructor(id: number, host: ServerHost, sendWindow: number, tunnel: TunnelIntent | undefined) {
    super(id, host, sendWindow)
    this.#server = host
    this.#tunnel = tunnel
    this.openedMs = host.options.clock.now()
    // What follows a tunnel request is payload: it waits until the tunnel is agreed.
    if (tunnel !== undefined) this.incoming.pause(PAUSE.notReady)
  }

  setSink(sink: ServerStreamSink): void {
    this.sink = sink
  }

  respondInformational(head: ResponseHead): void {
    // RFC 9113 §8.6: there is no 101.
    if (this.late || this.outgoing.ending || this.#server.over || head.status === 101) return
    this.#sendHead(head.status, head, false)
  }

  respond(head: ResponseHead, endStream: boolean): void {
    if (this.late || this.outgoing.ending || this.#server.over) return
    this.late = true
    const tunnel = this.#tunnel !== undefined && (head.status === 101 || (head.status >= 200 && head.status < 300))
    // RFC 8441 §5.1: a 2xx opens the tunnel here, and 101 does not exist (RFC 9113 §8.6).
    this.#sendHead(head.status === 101 ? 200 : head.status, head, endStream, tunnel)
    if (endStream) this.outgoing.endWithHead()
    // A refused tunnel has no use for what its client sent ahead.
    if (this.#tunnel !== undefined && !tunnel) this.incoming.discard()
  }

  closeAfterResponse(): void {
    this.#server.drainAfterResponse()
  }

  /** RFC 9113 §8.1: the answer is complete before the request is; the rest of it is not wanted. */
  protected override afterLocalEnd(): void {
    if (this.accepted) return
    this.resetWith(
      H2_ERROR.noError,
      closeCause('proxy', 'http2', 'finished', 'answered before the request ended'),
      false,
    )
  }

  override bytesHeld(bytes: number): void {
    if (this.#tunnel === undefined || this.late || bytes === 0) return
    const first = this.earlyBytes === 0
    this.earlyBytes += bytes
    if (first) this.sink?.onEarlyData?.()
  }

  /** RFC 9113 §8.5: CONNECT_ERROR tells of the far side of a tunnel, and an ordinary request has none. */
  protected override resetCode(cause: CloseCause): number {
    const { http2 } = errorEntry(cause.code)
    return this.#tunnel === undefined && http2 === H2_ERROR.connectError ? H2_ERROR.internalError : http2
  }

  /**
   * RFC 9113 §8.1: what the upstream had to say is complete, and an error behind it would destroy what the client has not
   * read yet.
   */
  protected override codeAfterEnd(cause: CloseCause): number {
    return cause.by === 'upstream' ? H2_ERROR.noError : this.resetCode(cause)
  }

  /** A tunnel's end is timed by whoever joined it. */
  override endWaits(): void {
    if (!this.accepted) this.#server.flushWaits(this)
  }

  #sendHead(status: number, head: ResponseHead, endStream: boolean, tunnel = false): void {
    const { encoder, writer } = this.#server
    encodeResponse(encoder, writer.startBlock(), status, head, tunnel)
    writer.headers(this.id, endStream)
  }
}
