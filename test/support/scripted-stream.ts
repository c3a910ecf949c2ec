// A byte stream without a peer: the test is the peer, feeds bytes by hand, synchronously, and reads what was written. It
// poisons delivered bytes after each call, so that a sink that keeps them without a copy is found out.

import { type CloseCause, closeCause } from '../../src/core/close-cause.ts'
import type {
  ByteStream,
  ByteStreamSink,
  PauseReason,
  ReadStatus,
  StreamInfo,
  WriteStatus,
} from '../../src/transport/byte-stream.ts'

const address = { ip: '127.0.0.1', port: 1, text: '127.0.0.1:1' }

export class ScriptedStream implements ByteStream {
  readonly info: StreamInfo = { local: address, remote: address }
  queuedBytes = 0
  writeStatus: WriteStatus = 'open'
  closed: CloseCause | undefined
  bytesRead = 0
  bytesWritten = 0
  /** Everything written, as latin1. */
  written = ''
  /** `close` or `reset` was called by the codec. */
  end: 'close' | 'reset' | undefined
  /** What `write` answers. */
  writable = true
  #sink: ByteStreamSink | undefined
  #pauses = 0
  #pending: Buffer[] = []
  #peerEnded = false

  get readStatus(): ReadStatus {
    return this.#pauses === 0 ? 'open' : 'paused'
  }

  setSink(sink: ByteStreamSink): void {
    this.#sink = sink
  }

  /** The peer sends `bytes`, delivered now unless reading is paused. */
  feed(bytes: Uint8Array | string): void {
    this.#pending.push(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes))
    this.pump()
  }

  /** The peer ends its direction. */
  feedEnd(): void {
    this.#peerEnded = true
    this.pump()
  }

  /** The connection dies under the codec. */
  die(cause = closeCause('client', 'tcp', 'client_disconnect')): void {
    this.closed ??= cause
    this.#sink?.onClose(this.closed)
    this.#sink = undefined
  }

  /** Everything queued has left. */
  drain(): void {
    this.writable = true
    this.#sink?.onDrain()
  }

  pump(): void {
    while (this.#pauses === 0 && this.closed === undefined) {
      const chunk = this.#pending.shift()
      if (chunk === undefined) break
      // In the middle of a larger buffer, as a shared read buffer would have it.
      const shared = Buffer.alloc(chunk.length + 8, 0xdd)
      shared.set(chunk, 4)
      this.bytesRead += chunk.length
      this.#sink?.onData(shared, 4, 4 + chunk.length)
      shared.fill(0xdd)
    }
    if (this.#pauses !== 0 || !this.#peerEnded || this.#pending.length > 0 || this.closed !== undefined) return
    this.#peerEnded = false
    this.#sink?.onEnd()
  }

  write(buffer: Uint8Array, start: number, end: number): boolean {
    return this.writeLatin1(Buffer.from(buffer.subarray(start, end)).toString('latin1'))
  }

  writeLatin1(text: string): boolean {
    if (this.writeStatus !== 'open' || this.closed !== undefined) return true
    this.written += text
    this.bytesWritten += text.length
    return this.writable
  }

  flush(): void {}

  endWriting(): void {
    if (this.writeStatus === 'open') this.writeStatus = 'ended'
  }

  close(cause: CloseCause): void {
    this.#finish('close', cause)
  }

  reset(cause: CloseCause): void {
    this.#finish('reset', cause)
  }

  #finish(end: 'close' | 'reset', cause: CloseCause): void {
    if (this.closed !== undefined) return
    this.end = end
    this.closed = cause
    this.writeStatus = 'ended'
    queueMicrotask(() => this.#sink?.onClose(cause))
  }

  pauseReading(reason: PauseReason): void {
    this.#pauses |= reason
  }

  resumeReading(reason: PauseReason): void {
    this.#pauses &= ~reason
  }

  setHighWater(): void {}
}
