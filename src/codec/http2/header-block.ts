// Puts a header block together from HEADERS and CONTINUATION (RFC 9113 §4.3), within bounds: a block that never ends is the
// CONTINUATION flood.

import type { Http2Options } from './options.ts'

const NOTHING = Buffer.alloc(0)

export class HeaderBlock {
  /** The stream whose block is incomplete; 0 when there is none. */
  streamId = 0
  endStream = false
  bytes: Buffer = NOTHING
  length = 0
  readonly #maxBytes: number
  readonly #maxFrames: number
  #frames = 0

  constructor(options: Http2Options) {
    // Twice the list limit leaves room to answer a somewhat too large head with 431 instead of ending the connection.
    this.#maxBytes = Math.max(2 * options.maxHeaderListBytes, 32 * 1024)
    this.#maxFrames = 8 + Math.ceil(this.#maxBytes / options.maxFrameSize)
  }

  /** A HEADERS frame without END_HEADERS came. */
  begin(streamId: number, endStream: boolean): void {
    this.streamId = streamId
    this.endStream = endStream
    this.length = 0
    this.#frames = 0
  }

  /** Adds a fragment; false when the block is too large or in too many pieces. */
  add(payload: Buffer, start: number, end: number): boolean {
    const length = this.length + end - start
    if (length > this.#maxBytes || ++this.#frames > this.#maxFrames) return false
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(length, 2 * this.bytes.length)))
      this.bytes.copy(larger, 0, 0, this.length)
      this.bytes = larger
    }
    payload.copy(this.bytes, this.length, start, end)
    this.length = length
    return true
  }

  /** The block was used, or never will be. */
  clear(): void {
    this.streamId = 0
    this.bytes = NOTHING
    this.length = 0
  }
}
