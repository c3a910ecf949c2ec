// A byte stream made of the two bodies of an ordinary exchange: a tunnel that was asked for by POST (Envoy: use_post,
// allow_post), one direction in the request's body and the other in the response's. HTTP/1 frames both as chunks, HTTP/2
// as DATA; the end of a message is the half-close, and trailers are one too.

import { type CloseCause, closeCause, type CloseLayer } from '../core/close-cause.ts'
import {
  type ByteStream,
  type ByteStreamSink,
  PAUSE,
  type PauseReason,
  type ReadStatus,
  type StreamInfo,
  type WriteStatus,
} from '../transport/byte-stream.ts'
import type { HeaderList } from './header-list.ts'
import { HeldBytes } from './held-bytes.ts'
import type { ClientStream, ClientStreamSink, HttpProtocol, ServerStream, ServerStreamSink } from './http-stream.ts'

export interface BodyStreamOptions {
  /** Bytes of the incoming body that were received before; the first sink gets them first. Copied. */
  readonly received?: Buffer
  /** The incoming message has ended before: it has no body, or `received` is all of it. False unless set. */
  readonly readEnded?: boolean
  /** Hears the trailers of the incoming message, just before the sink hears its end. */
  readonly onTrailers?: (trailers: HeaderList) => void
}

/**
 * Makes the byte stream. Server: call it once the response head was sent, `respond(head, false)` without a
 * Content-Length; the request may have ended (`readEnded`). Client: within `onResponse`, of a request that was opened with
 * `endStream` false and without a Content-Length; when that call said `endStream`, give `readEnded`.
 *
 * It becomes the exchange's sink and lifts all pauses that were set on it: whoever was its sink hears nothing more, not
 * the end either. Reading is paused until the first `setSink` of the byte stream, which may come in any later turn; the
 * bytes are delivered after that call, never within it. Write nothing to the exchange itself any more.
 */
export function bodyByteStream(exchange: ServerStream | ClientStream, options: BodyStreamOptions = {}): ByteStream {
  const stream = new BodyStream(exchange, options)
  stream.takeOver(options)
  return stream
}

class BodyStream implements ByteStream, ServerStreamSink, ClientStreamSink {
  closed: CloseCause | undefined
  bytesRead = 0
  bytesWritten = 0
  readonly #exchange: ServerStream | ClientStream
  readonly #onTrailers: ((trailers: HeaderList) => void) | undefined
  readonly #held = new HeldBytes()
  #sink: ByteStreamSink | undefined
  #pauses = 0
  /** Bytes may be held, so reading below is paused for PAUSE.notReady. */
  #holding = true
  #trailers: HeaderList | undefined
  /** The incoming message has ended; and the sink was told. */
  #ended = false
  #toldEnd = false
  #writeEnded = false
  #selfEndedFirst = false
  /** The exchange is over; and the sink was told. */
  #gone = false
  #toldClose = false

  constructor(exchange: ServerStream | ClientStream, options: BodyStreamOptions) {
    this.#exchange = exchange
    this.#onTrailers = options.onTrailers
  }

  takeOver({ received, readEnded = false }: BodyStreamOptions): void {
    const exchange = this.#exchange
    exchange.separateDirections()
    exchange.pauseReading(PAUSE.notReady)
    exchange.setSink(this)
    for (const reason of Object.values(PAUSE)) if (reason !== PAUSE.notReady) exchange.resumeReading(reason)
    if (received !== undefined) {
      this.#held.append(received, 0, received.length)
      this.bytesRead = received.length
    }
    this.#ended = readEnded
    if (exchange.closed !== undefined) this.onReset(exchange.closed)
  }

  // ── the byte stream ───────────────────────────────────────────────────────────────────────────────────────────────

  get info(): StreamInfo {
    return this.#exchange.connection.info
  }

  get queuedBytes(): number {
    return this.#gone ? 0 : this.#exchange.queuedBytes
  }

  get writeStatus(): WriteStatus {
    if (this.#gone) return 'ended'
    if (!this.#writeEnded) return 'open'
    return this.#exchange.queuedBytes === 0 ? 'ended' : 'ending'
  }

  get readStatus(): ReadStatus {
    if (this.#toldEnd || this.closed !== undefined) return 'ended'
    return this.#pauses === 0 ? 'open' : 'paused'
  }

  setSink(sink: ByteStreamSink): void {
    this.#sink = sink
    this.#toldClose = false
    if (this.#hasNews()) this.#tellSoon()
  }

  write(buffer: Uint8Array, start: number, end: number): boolean {
    if (this.#writeEnded || this.closed !== undefined || start >= end) return true
    this.bytesWritten += end - start
    return this.#exchange.sendData(buffer, start, end, false)
  }

  writeLatin1(text: string): boolean {
    const bytes = Buffer.from(text, 'latin1')
    return this.write(bytes, 0, bytes.length)
  }

  flush(): void {
    this.#exchange.connection.flush()
  }

  endWriting(): void {
    if (this.#writeEnded || this.closed !== undefined) return
    this.#writeEnded = true
    if (!this.#ended) this.#selfEndedFirst = true
    this.#exchange.endMessage()
  }

  close(cause: CloseCause): void {
    if (this.closed !== undefined) return
    this.closed = cause
    this.#writeEnded = true
    this.#held.clear()
    if (this.#gone) this.#tellSoon()
    else this.#exchange.closeAfterSending(cause)
  }

  reset(cause: CloseCause): void {
    if (this.#toldClose) return
    this.closed ??= cause
    this.#writeEnded = true
    this.#held.clear()
    if (this.#gone) this.#tellSoon()
    else this.#exchange.reset(this.closed)
  }

  pauseReading(reason: PauseReason): void {
    this.#pauses |= reason
    this.#exchange.pauseReading(reason)
  }

  resumeReading(reason: PauseReason): void {
    this.#pauses &= ~reason
    if (!this.#holding || reason !== PAUSE.notReady) this.#exchange.resumeReading(reason)
    if (this.#hasNews()) this.#tellSoon()
  }

  setHighWater(bytes: number): void {
    this.#exchange.setHighWater(bytes)
  }

  // ── the exchange ──────────────────────────────────────────────────────────────────────────────────────────────────

  onData(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (this.closed !== undefined) return
    if (start < end) {
      this.bytesRead += end - start
      // HTTP/1 goes on to the end of what the connection has read, though paused: that much is held at most.
      if (this.#waits()) this.#hold(buffer, start, end)
      else this.#sink?.onData(buffer, start, end)
    }
    if (endStream) this.#incomingEnded()
  }

  onTrailers(trailers: HeaderList): void {
    if (this.closed !== undefined) return
    this.#trailers = trailers
    this.#incomingEnded()
  }

  onDrain(): void {
    if (this.closed === undefined && !this.#writeEnded) this.#sink?.onDrain()
  }

  onReset(cause: CloseCause): void {
    this.closed ??= cause
    this.#held.clear()
    this.onFinished()
  }

  onFinished(): void {
    this.#gone = true
    // Never inside the call that caused it, as with a socket.
    this.#tellSoon()
  }

  onInformational(): void {
    // The final response was there before.
  }

  onResponse(): void {
    // As above.
  }

  // ── what must wait ────────────────────────────────────────────────────────────────────────────────────────────────

  #waits(): boolean {
    return this.#sink === undefined || this.#holding || this.#pauses !== 0
  }

  #hold(buffer: Buffer, start: number, end: number): void {
    this.#held.append(buffer, start, end)
    if (this.#holding) return
    this.#holding = true
    this.#exchange.pauseReading(PAUSE.notReady)
  }

  #incomingEnded(): void {
    this.#ended = true
    if (!this.#waits()) this.#tellEnd()
  }

  #hasNews(): boolean {
    return this.#gone || (this.#pauses === 0 && (this.#holding || (this.#ended && !this.#toldEnd)))
  }

  #tellSoon(): void {
    if (this.#sink !== undefined) queueMicrotask(() => this.#tell())
  }

  /** Held bytes, then the end, then that the stream is gone: as far as the sink and its pauses let. */
  #tell(): void {
    if (this.#holding && this.#pauses === 0 && this.closed === undefined) this.#deliverHeld()
    if (this.#ended && !this.#waits()) this.#tellEnd()
    // An orderly end waits behind the bytes that came before it.
    if (this.#gone && this.#toldEnd) this.closed ??= this.#orderlyEnd()
    if (!this.#gone || this.closed === undefined || this.#toldClose || this.#sink === undefined) return
    this.#toldClose = true
    this.#sink.onClose(this.closed)
  }

  #deliverHeld(): void {
    this.#holding = false
    const bytes = this.#held.take()
    if (bytes.length > 0) this.#sink?.onData(bytes, 0, bytes.length)
    if ((this.#pauses & PAUSE.notReady) === 0) this.#exchange.resumeReading(PAUSE.notReady)
  }

  #tellEnd(): void {
    if (this.#toldEnd || this.closed !== undefined) return
    this.#toldEnd = true
    if (this.#trailers !== undefined) this.#onTrailers?.(this.#trailers)
    this.#sink?.onEnd()
  }

  #orderlyEnd(): CloseCause {
    const peer = 'respond' in this.#exchange ? 'client' : 'upstream'
    return closeCause(this.#selfEndedFirst ? 'proxy' : peer, layerOf(this.#exchange.protocol), 'finished')
  }
}

function layerOf(protocol: HttpProtocol): CloseLayer {
  switch (protocol) {
    case 'HTTP/1.0':
    case 'HTTP/1.1':
      return 'http1'
    case 'HTTP/2':
      return 'http2'
    case 'HTTP/3':
      return 'http3'
  }
}
