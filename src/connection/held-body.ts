// Request body bytes that a filter keeps waiting, bounded by the smallest limit of the filters that asked.

export class HeldBody {
  #pieces: Buffer[] = []
  #bytes = 0
  endStream = false

  get bytes(): number {
    return this.#bytes
  }

  /** Keeps a copy: the read buffer is reused. */
  add(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (end > start) this.#pieces.push(Buffer.from(buffer.subarray(start, end)))
    this.#bytes += end - start
    this.endStream ||= endStream
  }

  /** All of it as one piece, and nothing left. */
  take(): Buffer {
    const [only] = this.#pieces
    const whole = this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#bytes = 0
    return whole
  }
}
