// Who may send DATA next: the connection's window (RFC 9113 §5.2) and the streams that wait, one frame each in turn.

import { DEFAULT_WINDOW } from './frame.ts'
import type { FrameWriter } from './frame-writer.ts'
import type { Http2Stream } from './stream.ts'

/** Largest DATA frame sent, whatever the peer takes: others want their turn. */
const LARGEST_DATA_FRAME = 64 * 1024

export class SendTurns {
  /** Bytes the peer takes now on all streams together. */
  window = DEFAULT_WINDOW
  readonly #writer: FrameWriter
  // A list through the streams themselves: a set that fills and empties all the time leaves garbage behind.
  #first: Http2Stream | undefined
  #last: Http2Stream | undefined
  #taking = false

  constructor(writer: FrameWriter) {
    this.#writer = writer
  }

  /** Streams wait, so nobody sends ahead of them. */
  get waiting(): boolean {
    return this.#first !== undefined
  }

  /** How much of `wanted` bytes fits into one frame now. */
  allowance(wanted: number): number {
    return this.#writer.blocked ? 0 : Math.min(wanted, this.window, this.#writer.maxFrameSize, LARGEST_DATA_FRAME)
  }

  /** Puts the stream last, unless it waits already. */
  add(stream: Http2Stream): void {
    if (stream.enlisted) return
    stream.enlisted = true
    stream.turnBefore = this.#last
    if (this.#last === undefined) this.#first = stream
    else this.#last.turnAfter = stream
    this.#last = stream
  }

  delete(stream: Http2Stream): void {
    if (!stream.enlisted) return
    stream.enlisted = false
    const { turnBefore, turnAfter } = stream
    if (turnBefore === undefined) this.#first = turnAfter
    else turnBefore.turnAfter = turnAfter
    if (turnAfter === undefined) this.#last = turnBefore
    else turnAfter.turnBefore = turnBefore
    stream.turnBefore = undefined
    stream.turnAfter = undefined
  }

  /** One frame for each stream that waits, again and again, while windows and socket last. */
  take(): void {
    if (this.#taking) return
    this.#taking = true
    while (this.#first !== undefined && !this.#writer.blocked && this.window > 0) {
      const stream = this.#first
      this.delete(stream)
      stream.outgoing.takeTurn()
      if (stream.outgoing.ready && stream.state !== 'closed') this.add(stream)
    }
    this.#taking = false
  }
}
