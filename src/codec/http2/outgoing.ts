// The half of a stream that sends: DATA within the stream's window, what must wait, and the end of the message.

import { WRITE_HIGH_WATER_BYTES } from '../../core/limits.ts'
import type { HeaderList } from '../header-list.ts'
import { ByteQueue, recycle } from './byte-queue.ts'
import type { Http2Stream } from './stream.ts'
import type { StreamHost } from './stream-host.ts'

const NOTHING = Buffer.alloc(0)

export class Outgoing {
  /** The window the peer gives this stream; may be negative (RFC 9113 §6.9.2). */
  window: number
  /** The message is complete, perhaps still queued. */
  ending = false
  /** END_STREAM was sent. */
  ended = false
  highWater = WRITE_HIGH_WATER_BYTES
  readonly #stream: Http2Stream
  readonly #host: StreamHost
  #queue: ByteQueue | undefined
  #trailers: HeaderList | undefined
  #wantsDrain = false

  constructor(stream: Http2Stream, host: StreamHost, window: number) {
    this.#stream = stream
    this.#host = host
    this.window = window
  }

  get queuedBytes(): number {
    return this.#queue?.bytes ?? 0
  }

  /** Whether a turn would send something: bytes within the window, or the bare end. */
  get ready(): boolean {
    return this.queuedBytes > 0 ? this.window > 0 : this.ending && !this.ended
  }

  /** Sends or queues bytes; false when more than `highWater` wait. Ignored after the end. */
  send(buffer: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    if (this.ending) return true
    this.ending = endStream
    let at = start
    if (this.queuedBytes === 0) {
      at = this.#sendNow(buffer, start, end)
      if (at === end) {
        if (endStream && !this.ended) this.#finish()
        return true
      }
    }
    if (at < end) this.#enqueue(buffer, at, end)
    if (endStream) this.#stream.endWaits()
    if (this.queuedBytes <= this.highWater) return true
    this.#wantsDrain = true
    return false
  }

  /** Ends the message, with trailers when there are any. */
  end(trailers: HeaderList | undefined): void {
    if (this.ending) return
    this.ending = true
    if (trailers !== undefined && trailers.size > 0) this.#trailers = trailers
    if (this.queuedBytes === 0) this.#finish()
    else this.#stream.endWaits()
  }

  /** The head carried END_STREAM. */
  endWithHead(): void {
    this.ending = true
    this.#markEnded()
  }

  /** One frame, when it is this stream's turn. */
  takeTurn(): void {
    const queue = this.#queue
    if (queue === undefined || queue.bytes === 0) {
      if (this.ending && !this.ended) this.#finish()
      return
    }
    const from = queue.frontStart
    const length = Math.min(this.#host.turnAllowance(queue.frontEnd - from), this.window)
    if (length <= 0) return
    const { front } = queue
    const spent = queue.drop(length)
    this.#host.options.stats.pending_send_bytes -= length
    this.#write(front, from, from + length, queue.bytes === 0)
    recycle(spent)
    if (queue.bytes === 0) {
      this.#queue = undefined
      if (this.ending && !this.ended) this.#finish()
    }
    if (this.#wantsDrain && queue.bytes <= this.highWater / 2) {
      this.#wantsDrain = false
      this.#stream.drained()
    }
  }

  /** Nothing more is sent: the stream is gone. */
  discard(): void {
    this.ending = true
    this.ended = true
    this.#wantsDrain = false
    this.#host.options.stats.pending_send_bytes -= this.queuedBytes
    this.#queue = undefined
    this.#trailers = undefined
  }

  /** The peer wants nothing more, which is no failure: a waiting sender may go on and is not heard. */
  release(): void {
    const waits = this.#wantsDrain
    this.discard()
    if (waits) this.#stream.drained()
  }

  /** Straight from the caller's buffer, as much as the windows and the transport take. */
  #sendNow(buffer: Uint8Array, start: number, end: number): number {
    let at = start
    while (at < end) {
      const length = Math.min(this.#host.dataAllowance(end - at), this.window)
      if (length <= 0) break
      this.#write(buffer, at, at + length, at + length === end)
      at += length
    }
    return at
  }

  #write(buffer: Uint8Array, start: number, end: number, last: boolean): void {
    const endStream = last && this.ending && this.#trailers === undefined
    this.window -= end - start
    this.#host.writeData(this.#stream.id, buffer, start, end, endStream)
    if (endStream) this.#markEnded()
  }

  #enqueue(buffer: Uint8Array, start: number, end: number): void {
    this.#queue ??= new ByteQueue()
    this.#queue.push(buffer, start, end)
    this.#host.options.stats.pending_send_bytes += end - start
    if (this.window > 0) this.#host.enlist(this.#stream)
  }

  /** Everything before it was sent: END_STREAM on trailers or on an empty DATA frame, which no window holds back. */
  #finish(): void {
    const trailers = this.#trailers
    if (trailers !== undefined) this.#host.writeTrailers(this.#stream.id, trailers)
    else this.#host.writeData(this.#stream.id, NOTHING, 0, 0, true)
    this.#markEnded()
  }

  #markEnded(): void {
    this.ended = true
    this.#stream.localEnded()
  }
}
