// A stream that became a tunnel, as a byte stream: DATA is the bytes, END_STREAM the half-close, RST_STREAM the reset
// (RFC 9113 §8.5, RFC 8441 §5.3).

import type { CloseCause } from '../../core/close-cause.ts'
import type {
  ByteStream,
  ByteStreamSink,
  PauseReason,
  ReadStatus,
  StreamInfo,
  WriteStatus,
} from '../../transport/byte-stream.ts'
import type { HeaderList } from '../header-list.ts'
import type { Http2Stream, StreamSink } from './stream.ts'

/** A pause of our own, beside {@link PAUSE}: nobody has set a sink yet. */
const NO_SINK = 1 << 30

export class TunnelBytes implements ByteStream, StreamSink {
  bytesRead = 0
  bytesWritten = 0
  readonly #stream: Http2Stream
  readonly #onTrailers: ((trailers: HeaderList) => void) | undefined
  #sink: ByteStreamSink | undefined
  #readEnded = false
  #close: CloseCause | undefined
  #toldClose = false
  /** `close` was called: what is queued still goes out. */
  #closing = false

  /** Takes the stream over from its present sink. */
  constructor(stream: Http2Stream, onTrailers?: (trailers: HeaderList) => void) {
    this.#stream = stream
    this.#onTrailers = onTrailers
    stream.sink = this
    stream.incoming.pause(NO_SINK)
    if (stream.state === 'closed') this.#close = stream.closed
  }

  get info(): StreamInfo {
    return this.#stream.connection.info
  }

  get queuedBytes(): number {
    return this.#stream.queuedBytes
  }

  get writeStatus(): WriteStatus {
    return this.#stream.writeStatus
  }

  get readStatus(): ReadStatus {
    if (this.#readEnded || this.#close !== undefined) return 'ended'
    return this.#stream.incoming.pauses === 0 ? 'open' : 'paused'
  }

  get closed(): CloseCause | undefined {
    // The stream may be closed for the protocol while held bytes still wait for the sink.
    return this.#close ?? (this.#readEnded || this.#closing ? this.#stream.closed : undefined)
  }

  setSink(sink: ByteStreamSink): void {
    this.#sink = sink
    // A sink set after the end is told of it too.
    this.#toldClose = false
    this.#stream.incoming.resume(NO_SINK)
    this.#stream.host.wakeLater(this.#stream)
  }

  write(buffer: Uint8Array, start: number, end: number): boolean {
    if (this.#stream.writeStatus !== 'open') return true
    this.bytesWritten += end - start
    return this.#stream.sendData(buffer, start, end, false)
  }

  writeLatin1(text: string): boolean {
    const bytes = Buffer.from(text, 'latin1')
    return this.write(bytes, 0, bytes.length)
  }

  flush(): void {
    this.#stream.connection.flush()
  }

  endWriting(): void {
    this.#stream.endMessage()
  }

  close(cause: CloseCause): void {
    if (this.#close !== undefined || this.#closing) return
    this.#closing = true
    this.#stream.closeAfterSending(cause)
  }

  reset(cause: CloseCause): void {
    this.#stream.reset(cause)
  }

  pauseReading(reason: PauseReason): void {
    this.#stream.pauseReading(reason)
  }

  resumeReading(reason: PauseReason): void {
    this.#stream.resumeReading(reason)
  }

  setHighWater(bytes: number): void {
    this.#stream.setHighWater(bytes)
  }

  onData(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (start < end) {
      this.bytesRead += end - start
      this.#sink?.onData(buffer, start, end)
    }
    if (endStream) this.#end()
  }

  /** They end the peer's direction like any END_STREAM. */
  onTrailers(trailers: HeaderList): void {
    if (!this.#readEnded && this.#close === undefined) this.#onTrailers?.(trailers)
    this.#end()
  }

  onDrain(): void {
    this.#sink?.onDrain()
  }

  onReset(cause: CloseCause): void {
    this.#close ??= cause
    // Never inside the call that caused it, as with a socket.
    this.#stream.host.wakeLater(this.#stream)
  }

  onFinished(): void {
    const { closed } = this.#stream
    if (closed !== undefined) this.onReset(closed)
  }

  /** Tells the sink of the end if there is one to tell; true when the stream is over. */
  onWake(): boolean {
    const cause = this.#close
    if (cause === undefined) return false
    if (this.#toldClose || this.#sink === undefined) return true
    this.#toldClose = true
    this.#sink.onClose(cause)
    return true
  }

  #end(): void {
    if (this.#readEnded || this.#close !== undefined) return
    this.#readEnded = true
    this.#sink?.onEnd()
  }
}
