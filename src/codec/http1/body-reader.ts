// Reads one message's body as its framing says (RFC 9112 §6), a run of data at a time and without calling anyone, so
// that the connection decides after each run whether to go on.

import type { BodyFraming } from './body-framing.ts'
import { CHUNK, ChunkedDecoder } from './chunked-decoder.ts'
import type { HeadFault } from './head-fault.ts'

export class BodyReader {
  /** The run of data that `advance` stopped behind; empty when there is none. */
  dataStart = 0
  dataEnd = 0
  /** The body is complete. */
  ended = true
  /** The body is malformed. */
  fault: HeadFault | undefined
  #kind: BodyFraming['kind'] = 'none'
  #remaining = 0
  #decoder: ChunkedDecoder | undefined
  readonly #maxTrailers: number

  /** `maxTrailers`: lines of a trailer section. */
  constructor(maxTrailers: number) {
    this.#maxTrailers = maxTrailers
  }

  /** Starts a body. */
  begin(framing: BodyFraming): void {
    this.#kind = framing.kind
    this.#remaining = framing.kind === 'length' ? framing.length : 0
    this.#decoder = framing.kind === 'chunked' ? new ChunkedDecoder(this.#maxTrailers) : undefined
    this.ended = framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0)
    this.fault = undefined
  }

  /** Trailer lines, once ended; undefined when there are none. Valid as long as the bytes they came in. */
  get trailers(): Buffer | undefined {
    const trailers = this.#decoder?.trailers
    return trailers === undefined || trailers.length === 0 ? undefined : trailers
  }

  /** Reads on in `buffer[start, end)` to the end of the next run of data or of the body. Answers where it stopped. */
  advance(buffer: Buffer, start: number, end: number): number {
    if (this.#decoder !== undefined) return this.#advanceChunked(this.#decoder, buffer, start, end)
    this.dataStart = start
    this.dataEnd = end
    if (this.#kind === 'until-close') return end
    const taken = Math.min(this.#remaining, end - start)
    this.#remaining -= taken
    this.dataEnd = start + taken
    this.ended = this.#remaining === 0
    return this.dataEnd
  }

  /** The peer ended the connection: whether that ends the body in order (RFC 9112 §8). */
  endsAtClose(): boolean {
    return this.#kind === 'until-close'
  }

  #advanceChunked(decoder: ChunkedDecoder, buffer: Buffer, start: number, end: number): number {
    const stopped = decoder.advance(buffer, start, end)
    this.dataStart = this.dataEnd = stopped
    if (decoder.stop === CHUNK.data) {
      this.dataStart = decoder.dataStart
      this.dataEnd = decoder.dataEnd
    } else if (decoder.stop === CHUNK.end) this.ended = true
    else if (decoder.stop === CHUNK.fault) this.fault = decoder.fault
    return stopped
  }
}
