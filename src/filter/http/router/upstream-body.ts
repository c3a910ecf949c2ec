// The request body between the client and its attempts: what arrived before an upstream stream was there, and, where the
// request may be sent again or is mirrored, all that was sent so far, up to a limit. The client is paused while nothing
// takes its bytes.

import type { HeaderList } from '../../../codec/header-list.ts'
import type { ClientStream } from '../../../codec/http-stream.ts'

/** A body that ended, in pieces that do not change any more. */
export interface WholeBody {
  readonly pieces: readonly Buffer[]
  readonly trailers: HeaderList | undefined
}

export class UpstreamBody {
  readonly #limit: number
  #pieces: Buffer[] = []
  #bytes = 0
  #trailers: HeaderList | undefined
  #endStream = false
  #retained: boolean

  /** `retainBytes`: what was sent is kept up to so many bytes; undefined = nothing is. */
  constructor(retainBytes: number | undefined) {
    this.#limit = retainBytes ?? 0
    this.#retained = retainBytes !== undefined
  }

  /** Nothing is here, sent or not. */
  get empty(): boolean {
    return this.#pieces.length === 0 && this.#trailers === undefined && !this.#endStream
  }

  /** What was sent is still here. */
  get retained(): boolean {
    return this.#retained
  }

  /** The body is complete, and all of it is here. */
  get complete(): boolean {
    return this.#endStream
  }

  /** Keeps a copy of one read that waits to be sent. */
  keep(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (end > start) this.#pieces.push(Buffer.from(buffer.subarray(start, end)))
    this.#bytes += end - start
    this.#endStream ||= endStream
  }

  keepTrailers(trailers: HeaderList): void {
    this.#trailers = trailers
    this.#endStream = true
  }

  /** Keeps a copy of one read that is being sent; false when there is no room for it, and nothing is retained any more. */
  retain(buffer: Buffer, start: number, end: number, endStream: boolean): boolean {
    if (this.#bytes + end - start > this.#limit) {
      this.forget()
      return false
    }
    this.keep(buffer, start, end, endStream)
    return true
  }

  /** It will not be sent again. */
  forget(): void {
    this.#retained = false
    this.#pieces = []
    this.#bytes = 0
    this.#trailers = undefined
    this.#endStream = false
  }

  /** The bytes, for a tunnel that takes them over; undefined when there are none. */
  take(): Buffer | undefined {
    const pieces = this.#pieces
    this.forget()
    return pieces.length === 0 ? undefined : Buffer.concat(pieces)
  }

  /** All of it, for mirrors. */
  whole(): WholeBody {
    return { pieces: [...this.#pieces], trailers: this.#trailers }
  }

  /** Sends all of it; false when it was retained and is too large to be. */
  sendTo(stream: ClientStream): boolean {
    sendBody({ pieces: this.#pieces, trailers: this.#trailers }, this.#endStream, stream)
    if (this.#retained && this.#bytes <= this.#limit) return true
    const wasRetained = this.#retained
    this.forget()
    return !wasRetained
  }
}

/** Sends a body, or the part of it that is there. */
export function sendBody({ pieces, trailers }: WholeBody, endStream: boolean, stream: ClientStream): void {
  for (const [i, piece] of pieces.entries()) {
    const last = i === pieces.length - 1 && endStream && trailers === undefined
    stream.sendData(piece, 0, piece.length, last)
  }
  if (trailers !== undefined) stream.sendTrailers(trailers)
  else if (endStream && pieces.length === 0) stream.endMessage()
}
