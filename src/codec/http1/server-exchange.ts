// One request and its response on a server connection: the ServerStream that the connection manager holds. It writes the
// response; the request's bytes come from its connection (server.ts), which also decides what follows.

import { type CloseCause, closeCause } from '../../core/close-cause.ts'
import type { ByteStream, PauseReason } from '../../transport/byte-stream.ts'
import type { HeaderList } from '../header-list.ts'
import type {
  HttpProtocol,
  RequestHead,
  ResponseHead,
  ServerStream,
  ServerStreamSink,
  TunnelIntent,
} from '../http-stream.ts'
import { connectionHas } from '../upgrade-translation.ts'
import { BodyWriter } from './body-writer.ts'
import { writeResponseHead, writeTrailers } from './head-writer.ts'
import type { Http1ServerOptions } from './options.ts'
import { type OutgoingFraming, outgoingResponseFraming } from './outgoing-framing.ts'
import type { ReadGate } from './read-gate.ts'

/** The connection, as an exchange sees it. */
export interface ServerExchangeHost {
  readonly stream: ByteStream
  readonly gate: ReadGate
  readonly options: Http1ServerOptions
  /** The connection must not persist after this exchange. */
  closeAfterExchange(): void
  readonly closesAfterExchange: boolean
  /** The request has not arrived completely. */
  readonly requestIncomplete: boolean
  /** A write was answered with `writable`. */
  onWrite(writable: boolean): void
  /** The response is written. */
  onResponseEnd(exchange: ServerExchange): void
  /** The exchange failed on this side: the connection must go. */
  abort(exchange: ServerExchange, cause: CloseCause): void
  /** As {@link ServerStream.closeAfterSending}. */
  closeAfterSending(exchange: ServerExchange, cause: CloseCause): void
  becomeTunnel(exchange: ServerExchange): ByteStream
}

export class ServerExchange implements ServerStream {
  readonly protocol: HttpProtocol
  readonly tunnel: TunnelIntent | undefined
  closed: CloseCause | undefined
  /** Whether the final head was written, and whether it opened a tunnel. */
  responded = false
  accepted = false
  ended = false
  /** Each message ends by itself. */
  separate = false
  earlyBytes = 0
  readonly #host: ServerExchangeHost
  readonly #isHead: boolean
  readonly #isHttp10: boolean
  readonly #body: BodyWriter
  #sink: ServerStreamSink | undefined

  constructor(host: ServerExchangeHost, head: RequestHead) {
    this.#host = host
    this.protocol = head.protocol
    this.tunnel = head.tunnel
    this.#isHead = head.method === 'HEAD'
    this.#isHttp10 = head.protocol === 'HTTP/1.0'
    this.#body = new BodyWriter(host.stream)
  }

  get connection(): ByteStream {
    return this.#host.stream
  }

  get queuedBytes(): number {
    return this.#host.stream.queuedBytes
  }

  get sink(): ServerStreamSink | undefined {
    return this.#sink
  }

  setSink(sink: ServerStreamSink): void {
    this.#sink = sink
  }

  respondInformational(head: ResponseHead): void {
    // RFC 9110 §15.2: never to HTTP/1.0, never after the final response; 101 is final here.
    if (this.responded || this.closed !== undefined || this.#isHttp10) return
    if (head.status < 100 || head.status > 199 || head.status === 101) return
    this.#writeHead(head, { kind: 'none', contentLength: -1 }, '', '')
    this.#host.stream.flush()
  }

  respond(head: ResponseHead, endStream: boolean): void {
    if (this.responded || this.closed !== undefined) return
    const { status, headers } = head
    this.accepted = this.#accepts(status)
    if (status < 200 && !this.accepted) return this.#fail('a response with an informational status is not final')
    this.responded = true
    const answered = { isHead: this.#isHead, isHttp10: this.#isHttp10, opensTunnel: this.accepted }
    const framing = outgoingResponseFraming(status, headers, endStream, answered)
    if (!this.accepted) this.#decidePersistence(headers, framing)
    this.#body.begin(framing)
    this.#writeHead(head, framing, this.#upgradeOf(status, headers), this.#persistence())
    if (endStream && !this.accepted) this.#end('')
  }

  /** 101 for an upgrade, any 2xx for CONNECT (RFC 9110 §9.3.6). */
  #accepts(status: number): boolean {
    if (this.tunnel === undefined) return false
    return this.tunnel.kind === 'upgrade' ? status === 101 : status >= 200 && status < 300
  }

  #decidePersistence(headers: HeaderList, framing: OutgoingFraming): void {
    const host = this.#host
    // What follows a refused upgrade or CONNECT may be its payload: it is never parsed as a request. And the rest of a
    // request that was answered early is not waited for (RFC 9112 §9.3 allows either).
    if (this.tunnel !== undefined || host.requestIncomplete) host.closeAfterExchange()
    if (framing.kind === 'until-close' || connectionHas(headers, 'close')) host.closeAfterExchange()
  }

  #persistence(): string {
    if (this.accepted) return ''
    if (this.#host.closesAfterExchange) return 'close'
    return this.#isHttp10 ? 'keep-alive' : ''
  }

  /** A 101 always names its protocol; another answer may advertise one, and a 426 must (RFC 9110 §7.8, §15.5.22). */
  #upgradeOf(status: number, headers: HeaderList): string {
    if (status === 426) return headers.getAll('upgrade') ?? ''
    if (this.tunnel?.kind !== 'upgrade') return ''
    return headers.getAll('upgrade') ?? (this.accepted ? this.tunnel.type : '')
  }

  #writeHead(head: ResponseHead, framing: OutgoingFraming, upgrade: string, persistence: string): void {
    const { headerKeyFormat } = this.#host.options
    const text = writeResponseHead(head, framing, { headerKeyFormat, isHttp10: this.#isHttp10, persistence, upgrade })
    this.#host.onWrite(this.#host.stream.writeLatin1(text))
  }

  sendData(buffer: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    if (this.ended || this.closed !== undefined) return true
    if (!this.responded || this.accepted || !this.#body.fits(end - start)) {
      this.#fail('the response body is longer than its Content-Length or has no place')
      return true
    }
    const writable = this.#body.write(buffer, start, end)
    this.#host.onWrite(writable)
    if (endStream) this.#end('')
    return writable
  }

  sendTrailers(trailers: HeaderList): void {
    if (!this.responded || this.ended || this.closed !== undefined) return
    const { enableTrailers, headerKeyFormat } = this.#host.options
    this.#end(enableTrailers ? writeTrailers(trailers, headerKeyFormat) : '')
  }

  endMessage(): void {
    if (this.responded && !this.accepted && !this.ended && this.closed === undefined) this.#end('')
  }

  #end(trailers: string): void {
    if (!this.#body.finish(trailers)) return this.#fail('the response body is shorter than its Content-Length')
    this.ended = true
    this.#host.onResponseEnd(this)
  }

  #fail(detail: string): void {
    this.reset(closeCause('proxy', 'http1', 'internal', detail))
  }

  reset(cause: CloseCause): void {
    if (this.closed === undefined) this.#host.abort(this, cause)
  }

  separateDirections(): void {
    this.separate = true
    // envoy.md §2.8: a connection that carried a tunnel carries nothing else.
    this.#host.closeAfterExchange()
  }

  closeAfterSending(cause: CloseCause): void {
    if (this.closed === undefined) this.#host.closeAfterSending(this, cause)
  }

  /** Payload arrived and is kept. */
  bytesHeld(bytes: number): void {
    if (this.responded) return
    const first = this.earlyBytes === 0
    this.earlyBytes += bytes
    if (first) this.#sink?.onEarlyData?.()
  }

  /** Whether the response's body lasts until the connection ends (HTTP/1.0). */
  get lastsUntilClose(): boolean {
    return this.#body.kind === 'until-close'
  }

  /** Whether the client can tell a response that was cut off from a whole one only by a reset of the connection. */
  get endsByClose(): boolean {
    return this.responded && !this.ended && this.lastsUntilClose
  }

  pauseReading(reason: PauseReason): void {
    if (this.closed === undefined) this.#host.gate.pauseForExchange(reason)
  }

  resumeReading(reason: PauseReason): void {
    if (this.closed === undefined) this.#host.gate.resumeForExchange(reason)
  }

  setHighWater(bytes: number): void {
    this.#host.stream.setHighWater(bytes)
  }

  closeAfterResponse(): void {
    if (this.closed === undefined && !this.accepted) this.#host.closeAfterExchange()
  }

  intoByteStream(): ByteStream {
    return this.#host.becomeTunnel(this)
  }
}
