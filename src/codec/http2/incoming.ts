// The half of a stream that receives: hands DATA to the sink, holds it while reading is paused, and gives window back for
// what the sink took. What is held never exceeds the window, because nothing is given back for it.

import type { HeaderList } from '../header-list.ts'
import { ByteQueue, recycle } from './byte-queue.ts'
import { ReceiveWindow } from './flow-control.ts'
import type { Http2Stream } from './stream.ts'
import type { StreamHost } from './stream-host.ts'

const NOTHING = Buffer.alloc(0)

export class Incoming {
  readonly window: ReceiveWindow
  /** The peer sent END_STREAM. */
  ended = false
  /** The sink was told the end, or nothing is told to it any more. */
  delivered = false
  /** Reasons of {@link PAUSE}, as bits. */
  pauses = 0
  /** Bytes the content-length promises; -1 when there is no promise. */
  expected = -1
  readonly #stream: Http2Stream
  readonly #host: StreamHost
  #received = 0
  #held: ByteQueue | undefined
  #trailers: HeaderList | undefined
  #discarding = false

  constructor(stream: Http2Stream, host: StreamHost) {
    this.#stream = stream
    this.#host = host
    // Until our SETTINGS are known to the peer it may use the initial window of RFC 9113 §6.9.2, should that be larger.
    const size = host.options.initialStreamWindowSize
    this.window = new ReceiveWindow(size, Math.max(size, 65_535))
  }

  get heldBytes(): number {
    return this.#held?.bytes ?? 0
  }

  /** RFC 9113 §8.1.1: whether the bytes so far, and at the end all of them, agree with the content-length. */
  countsAgree(bytes: number, endStream: boolean): boolean {
    this.#received += bytes
    if (this.expected < 0) return true
    return endStream ? this.#received === this.expected : this.#received <= this.expected
  }

  /** DATA bytes without padding. */
  receive(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (this.#discarding) {
      this.#use(end - start)
    } else if (this.pauses !== 0 || this.heldBytes > 0) {
      this.#held ??= new ByteQueue()
      this.#held.push(buffer, start, end)
      this.#stream.bytesHeld(end - start)
    } else if (start < end || endStream) {
      this.#deliver(buffer, start, end, endStream)
    }
  }

  /** A trailer section, which is the end of the message too. */
  receiveTrailers(trailers: HeaderList): void {
    if (this.#discarding) return
    this.#trailers = trailers
    if (this.pauses === 0 && this.heldBytes === 0) this.#deliverEnd()
  }

  /** Padding, or the bytes of a stream that nobody wants: used up when they arrive. */
  useUnseen(bytes: number): void {
    this.#use(bytes)
  }

  pause(reason: number): void {
    this.pauses |= reason
  }

  /** Held data is delivered after the present call stack, as a socket would. */
  resume(reason: number): void {
    if (this.pauses === 0) return
    this.pauses &= ~reason
    if (this.pauses !== 0) return
    if (this.heldBytes > 0 || (this.ended && !this.delivered)) this.#host.wakeLater(this.#stream)
    this.#topUp()
  }

  /** Delivers what was held, until the sink pauses again. */
  deliverHeld(): void {
    const held = this.#held
    // oxlint-disable-next-line no-unmodified-loop-condition -- the sink may discard or replace what is held
    while (held !== undefined && this.#held === held && held.bytes > 0 && this.pauses === 0) {
      const { front, frontStart, frontEnd } = held
      const spent = held.drop(frontEnd - frontStart)
      const last = held.bytes === 0 && this.ended && this.#trailers === undefined
      this.#deliver(front, frontStart, frontEnd, last)
      recycle(spent)
    }
    if (this.heldBytes > 0 || this.pauses !== 0) return
    this.#held = undefined
    if (this.ended && !this.delivered) this.#deliverEnd()
  }

  /** Nothing is delivered any more; what is held goes back to the windows, and so does what still comes. */
  discard(): void {
    if (this.#discarding) return
    this.#discarding = true
    this.delivered = true
    const held = this.heldBytes
    this.#held = undefined
    this.#trailers = undefined
    if (held > 0) this.#use(held)
  }

  #deliver(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (endStream) this.delivered = true
    this.#stream.sink?.onData(buffer, start, end, endStream)
    this.#use(end - start)
  }

  #deliverEnd(): void {
    this.delivered = true
    const trailers = this.#trailers
    this.#trailers = undefined
    if (trailers === undefined) this.#stream.sink?.onData(NOTHING, 0, 0, true)
    else this.#stream.sink?.onTrailers(trailers)
  }

  #use(bytes: number): void {
    if (bytes === 0) return
    this.window.use(bytes)
    this.#host.giveBack(bytes)
    this.#topUp()
  }

  /** Back-pressure is the update that is withheld: none while paused, none when no more can come. */
  #topUp(): void {
    if (this.pauses !== 0 || this.ended || this.#stream.state === 'closed' || this.#host.over) return
    const increment = this.window.increment()
    if (increment > 0) this.#host.writer.windowUpdate(this.#stream.id, increment)
  }
}
