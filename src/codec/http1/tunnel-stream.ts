// An HTTP/1 connection after its upgrade or CONNECT was accepted: the byte stream below, with what arrived behind the
// head replayed to the first sink. It stays in between so that the codec's owner learns when the connection ends.

import type { CloseCause } from '../../core/close-cause.ts'
import {
  type ByteStream,
  type ByteStreamSink,
  PAUSE,
  type PauseReason,
  type ReadStatus,
  type StreamInfo,
  type WriteStatus,
} from '../../transport/byte-stream.ts'
import { HeldBytes } from '../held-bytes.ts'

/** Told after the tunnel's sink that the connection is gone. */
export interface TunnelOwner {
  onTunnelClose(cause: CloseCause): void
}

export class TunnelStream implements ByteStream, ByteStreamSink {
  bytesRead = 0
  readonly #stream: ByteStream
  readonly #writtenBefore: number
  readonly #owner: TunnelOwner
  readonly #held = new HeldBytes()
  #sink: ByteStreamSink | undefined
  /** Bytes are held, so reading below is paused for PAUSE.notReady. */
  #holding = false
  #pauses = 0
  #ended = false
  #gone: CloseCause | undefined
  /** The sink was set after the end and must still hear of it. */
  #owesClose = false

  /** Takes `stream` over. `early` is what arrived behind the head, maybe nothing. */
  constructor(stream: ByteStream, owner: TunnelOwner, early: Buffer) {
    this.#stream = stream
    this.#owner = owner
    this.#writtenBefore = stream.bytesWritten
    stream.setSink(this)
    this.bytesRead = early.length
    if (early.length > 0) this.#hold(early, 0, early.length)
  }

  get info(): StreamInfo {
    return this.#stream.info
  }
  get queuedBytes(): number {
    return this.#stream.queuedBytes
  }
  get writeStatus(): WriteStatus {
    return this.#stream.writeStatus
  }
  get readStatus(): ReadStatus {
    return this.#holding ? (this.#pauses === 0 ? 'open' : 'paused') : this.#stream.readStatus
  }
  get closed(): CloseCause | undefined {
    return this.#stream.closed
  }
  get bytesWritten(): number {
    return this.#stream.bytesWritten - this.#writtenBefore
  }

  setSink(sink: ByteStreamSink): void {
    this.#sink = sink
    this.#owesClose = this.#gone !== undefined
    if (this.#holding || this.#ended || this.#gone !== undefined) this.#replaySoon()
  }

  write(buffer: Uint8Array, start: number, end: number): boolean {
    return this.#stream.write(buffer, start, end)
  }

  writeLatin1(text: string): boolean {
    return this.#stream.writeLatin1(text)
  }

  flush(): void {
    this.#stream.flush()
  }

  endWriting(): void {
    this.#stream.endWriting()
  }

  close(cause: CloseCause): void {
    this.#stream.close(cause)
  }

  reset(cause: CloseCause): void {
    this.#stream.reset(cause)
  }

  pauseReading(reason: PauseReason): void {
    this.#pauses |= reason
    this.#stream.pauseReading(reason)
  }

  resumeReading(reason: PauseReason): void {
    this.#pauses &= ~reason
    if (!this.#holding || reason !== PAUSE.notReady) this.#stream.resumeReading(reason)
    if (this.#holding && this.#pauses === 0) this.#replaySoon()
  }

  setHighWater(bytes: number): void {
    this.#stream.setHighWater(bytes)
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.bytesRead += end - start
    if (this.#holding || this.#sink === undefined) this.#hold(buffer, start, end)
    else this.#sink.onData(buffer, start, end)
  }

  onEnd(): void {
    if (this.#holding || this.#sink === undefined) this.#ended = true
    else this.#sink.onEnd()
  }

  onDrain(): void {
    this.#sink?.onDrain()
  }

  onClose(cause: CloseCause): void {
    this.#gone = cause
    this.#held.clear()
    this.#holding = false
    this.#sink?.onClose(cause)
    this.#owner.onTunnelClose(cause)
  }

  #hold(buffer: Buffer, start: number, end: number): void {
    this.#held.append(buffer, start, end)
    this.#holding = true
    this.#stream.pauseReading(PAUSE.notReady)
    if (this.#sink !== undefined) this.#replaySoon()
  }

  /** Never inside a call of the sink's owner, who may not be ready for data before its own call returns. */
  #replaySoon(): void {
    queueMicrotask(() => this.#replay())
  }

  #replay(): void {
    const sink = this.#sink
    if (sink === undefined) return
    if (this.#gone !== undefined) {
      if (this.#owesClose) sink.onClose(this.#gone)
      this.#owesClose = false
      return
    }
    if (this.#holding) {
      if (this.#pauses !== 0) return
      this.#holding = false
      const bytes = this.#held.take()
      sink.onData(bytes, 0, bytes.length)
      if ((this.#pauses & PAUSE.notReady) === 0) this.#stream.resumeReading(PAUSE.notReady)
    }
    if (!this.#ended || this.#gone !== undefined) return
    this.#ended = false
    sink.onEnd()
  }
}
