// Request body that arrived before the upstream stream was there. Small: the client is paused with the first byte.

import type { HeaderList } from '../../../codec/header-list.ts'
import type { ClientStream } from '../../../codec/http-stream.ts'

export class UpstreamBody {
  readonly #pieces: Buffer[] = []
  #trailers: HeaderList | undefined
  #endStream = false

  /** Nothing waits to be sent. */
  get empty(): boolean {
    return this.#pieces.length === 0 && this.#trailers === undefined && !this.#endStream
  }

  /** Keeps a copy of one read. */
  keep(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (end > start) this.#pieces.push(Buffer.from(buffer.subarray(start, end)))
    this.#endStream ||= endStream
  }

  keepTrailers(trailers: HeaderList): void {
    this.#trailers = trailers
  }

  /** The bytes, for a tunnel that takes them over; undefined when there are none. */
  take(): Buffer | undefined {
    if (this.#pieces.length === 0) return undefined
    return Buffer.concat(this.#pieces.splice(0))
  }

  /** Sends all of it. */
  sendTo(stream: ClientStream): void {
    for (let i = 0; i < this.#pieces.length; i++) {
      const piece = this.#pieces[i]
      const last = i === this.#pieces.length - 1 && this.#endStream
      if (piece !== undefined) stream.sendData(piece, 0, piece.length, last)
    }
    if (this.#trailers !== undefined) stream.sendTrailers(this.#trailers)
    else if (this.#endStream && this.#pieces.length === 0) stream.endMessage()
    this.#pieces.length = 0
    this.#trailers = undefined
    this.#endStream = false
  }
}
