// One request and its response on a client connection: the ClientStream that the upstream side holds. It writes the
// request; the response's bytes come from its connection (client.ts).

import { type CloseCause, closeCause } from '../../core/close-cause.ts'
import type { ByteStream, PauseReason } from '../../transport/byte-stream.ts'
import type { HeaderList } from '../header-list.ts'
import type { ClientStream, ClientStreamSink, HttpProtocol, RequestHead, TunnelIntent } from '../http-stream.ts'
import { BodyWriter } from './body-writer.ts'
import { writeRequestHead, writeTrailers } from './head-writer.ts'
import type { Http1ClientOptions } from './options.ts'
import { outgoingRequestFraming } from './outgoing-framing.ts'
import type { ReadGate } from './read-gate.ts'
import type { Asked } from './response-head.ts'

/** The connection, as an exchange sees it. */
export interface ClientExchangeHost {
  readonly stream: ByteStream
  readonly gate: ReadGate
  readonly options: Http1ClientOptions
  /** The request is written. */
  onRequestEnd(exchange: ClientExchange): void
  /** The exchange failed on this side: the connection must go. */
  abort(exchange: ClientExchange, cause: CloseCause): void
  /** The two messages end by themselves from now on. */
  separate(exchange: ClientExchange): void
  /** As {@link ClientStream.closeAfterSending}. */
  closeAfterSending(exchange: ClientExchange, cause: CloseCause): void
  becomeTunnel(exchange: ClientExchange): ByteStream
}

export class ClientExchange implements ClientStream, Asked {
  readonly protocol: HttpProtocol = 'HTTP/1.1'
  readonly tunnel: TunnelIntent | undefined
  readonly isHead: boolean
  readonly isConnect: boolean
  closed: CloseCause | undefined
  sink: ClientStreamSink
  /** The request is written; the final response head arrived; it opened a tunnel; the response is complete. */
  requestEnded = false
  responded = false
  accepted = false
  responseEnded = false
  /** Each message ends by itself. */
  separate = false
  readonly #host: ClientExchangeHost
  readonly #body: BodyWriter

  constructor(host: ClientExchangeHost, head: RequestHead, sink: ClientStreamSink) {
    this.#host = host
    this.#body = new BodyWriter(host.stream)
    this.sink = sink
    this.tunnel = head.tunnel
    this.isHead = head.method === 'HEAD'
    this.isConnect = head.tunnel?.kind === 'connect'
  }

  /** Writes the head. False when it has something that no request line or field can carry; nothing was written then. */
  start(head: RequestHead, endStream: boolean): boolean {
    const framing = outgoingRequestFraming(head, endStream)
    const text = writeRequestHead(head, framing, this.#host.options)
    if (text === undefined) return false
    this.#body.begin(framing)
    this.#host.stream.writeLatin1(text)
    if (framing.kind === 'none') this.#end('')
    return true
  }

  get connection(): ByteStream {
    return this.#host.stream
  }

  get queuedBytes(): number {
    return this.#host.stream.queuedBytes
  }

  setSink(sink: ClientStreamSink): void {
    this.sink = sink
  }

  sendData(buffer: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    if (this.requestEnded || this.closed !== undefined) return true
    // Nothing passes before the agreement: payload that an origin did not agree to is its next request.
    if (this.tunnel !== undefined) {
      if (end > start) this.#fail('tunnel bytes were sent before the tunnel was accepted')
      return true
    }
    if (!this.#body.fits(end - start)) {
      this.#fail('the request body is longer than its Content-Length')
      return true
    }
    const writable = this.#body.write(buffer, start, end)
    if (endStream) this.#end('')
    return writable
  }

  sendTrailers(trailers: HeaderList): void {
    if (this.requestEnded || this.closed !== undefined || this.tunnel !== undefined) return
    const { enableTrailers, headerKeyFormat } = this.#host.options
    this.#end(enableTrailers ? writeTrailers(trailers, headerKeyFormat) : '')
  }

  endMessage(): void {
    if (!this.requestEnded && this.closed === undefined && this.tunnel === undefined) this.#end('')
  }

  #end(trailers: string): void {
    if (!this.#body.finish(trailers)) return this.#fail('the request body is shorter than its Content-Length')
    this.requestEnded = true
    this.#host.onRequestEnd(this)
  }

  #fail(detail: string): void {
    this.reset(closeCause('proxy', 'http1', 'internal', detail))
  }

  reset(cause: CloseCause): void {
    if (this.closed === undefined) this.#host.abort(this, cause)
  }

  separateDirections(): void {
    this.separate = true
    this.#host.separate(this)
  }

  closeAfterSending(cause: CloseCause): void {
    if (this.closed === undefined) this.#host.closeAfterSending(this, cause)
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

  intoByteStream(): ByteStream {
    return this.#host.becomeTunnel(this)
  }
}
