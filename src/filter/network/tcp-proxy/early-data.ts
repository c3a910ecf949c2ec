// What the client sent before the upstream stood: copies, bounded by max_early_data_bytes and one read more.

export class EarlyData {
  readonly limit: number
  readonly #pieces: Buffer[] = []
  #bytes = 0

  /** `limit` in bytes; 0 = nothing more after the first read. */
  constructor(limit: number) {
    this.limit = limit
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Keeps a copy; false = stop reading. */
  keep(buffer: Buffer, start: number, end: number): boolean {
    this.#pieces.push(Buffer.from(buffer.subarray(start, end)))
    this.#bytes += end - start
    return this.#bytes < this.limit
  }

  /** All of it, once. */
  take(): Buffer {
    const all = Buffer.concat(this.#pieces)
    this.#pieces.length = 0
    this.#bytes = 0
    return all
  }
}
