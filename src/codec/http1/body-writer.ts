// Writes one message's body in the framing its head announced (RFC 9112 §6, §7.1), and never a byte more than that: a
// surplus would be read as the next message.

import type { ByteStream } from '../../transport/byte-stream.ts'
import type { OutgoingFraming } from './outgoing-framing.ts'

export class BodyWriter {
  readonly #stream: ByteStream
  #kind: OutgoingFraming['kind'] = 'none'
  #remaining = 0

  constructor(stream: ByteStream) {
    this.#stream = stream
  }

  /** Starts a body. */
  begin(framing: OutgoingFraming): void {
    this.#kind = framing.kind
    this.#remaining = framing.kind === 'length' ? framing.contentLength : 0
  }

  get kind(): OutgoingFraming['kind'] {
    return this.#kind
  }

  /** Whether `size` more bytes are within the announced length. */
  fits(size: number): boolean {
    return this.#kind !== 'length' || size <= this.#remaining
  }

  /** Writes `buffer[start, end)`; false = wait. A body that must not be (HEAD, 204, 304) is swallowed. */
  write(buffer: Uint8Array, start: number, end: number): boolean {
    if (start === end) return true
    switch (this.#kind) {
      case 'chunked':
        this.#stream.writeLatin1(`${(end - start).toString(16)}\r\n`)
        this.#stream.write(buffer, start, end)
        return this.#stream.writeLatin1('\r\n')
      case 'length':
        this.#remaining -= end - start
        return this.#stream.write(buffer, start, end)
      case 'until-close':
        return this.#stream.write(buffer, start, end)
      default:
        return true
    }
  }

  /** Ends the body; `trailers` are lines closed by CRLF, or ''. Answers whether all that was announced was written. */
  finish(trailers: string): boolean {
    if (this.#kind === 'chunked') this.#stream.writeLatin1(`0\r\n${trailers}\r\n`)
    return this.#remaining === 0
  }
}
