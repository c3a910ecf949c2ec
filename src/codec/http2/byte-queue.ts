// Bytes that must wait: payload for a window, or incoming data that nobody takes yet. Copies in, slices out.

const SMALLEST_CHUNK = 4 * 1024
const LARGEST_CHUNK = 64 * 1024

/** From here on a chunk is one of the large ones, which are kept for the next use. */
const SHARED_FROM = 16 * 1024
/** Free large chunks that are kept, 4 MiB; more are left to the collector. */
const FREE_CHUNKS = 64

const NOTHING = Buffer.alloc(0)

const free: Buffer[] = []

/** Takes back a chunk that {@link ByteQueue.drop} let go; nobody may look at its bytes any more. */
export function recycle(chunk: Buffer | undefined): void {
  if (chunk?.length === LARGEST_CHUNK && free.length < FREE_CHUNKS) free.push(chunk)
}

export class ByteQueue {
  /** Bytes in the queue. */
  bytes = 0
  #chunks: Buffer[] = []
  /** Where the first chunk's bytes start and where the last one's end. */
  #start = 0
  #end = 0

  /** Copies `buffer[start, end)` to the end of the queue. */
  push(buffer: Uint8Array, start: number, end: number): void {
    this.bytes += end - start
    let at = start
    const last = this.#chunks.at(-1)
    if (last !== undefined && this.#end < last.length) {
      const fits = Math.min(end - at, last.length - this.#end)
      last.set(buffer.subarray(at, at + fits), this.#end)
      this.#end += fits
      at += fits
    }
    while (at < end) at = this.#addChunk(buffer, at, end)
  }

  #addChunk(buffer: Uint8Array, at: number, end: number): number {
    // Chunks grow with the queue, so that a short wait costs little and a long one few buffers.
    const size = Math.max(SMALLEST_CHUNK, end - at, this.bytes)
    const chunk =
      size < SHARED_FROM ? Buffer.allocUnsafeSlow(size) : (free.pop() ?? Buffer.allocUnsafeSlow(LARGEST_CHUNK))
    const to = Math.min(end, at + chunk.length)
    chunk.set(buffer.subarray(at, to), 0)
    if (this.#chunks.length === 0) this.#start = 0
    this.#chunks.push(chunk)
    this.#end = to - at
    return to
  }

  /** The oldest bytes are `front[frontStart, frontEnd)`; they stay valid after {@link drop}. */
  get front(): Buffer {
    return this.#chunks[0] ?? NOTHING
  }

  get frontStart(): number {
    return this.#start
  }

  get frontEnd(): number {
    return this.#chunks.length === 1 ? this.#end : this.front.length
  }

  /**
   * Removes `count` bytes of the front slice. Answers the chunk when it is used up: whoever looks at its bytes no longer may
   * {@link recycle} it.
   */
  drop(count: number): Buffer | undefined {
    this.bytes -= count
    this.#start += count
    if (this.#start < this.frontEnd) return undefined
    const spent = this.#chunks.shift()
    this.#start = 0
    if (this.#chunks.length === 0) this.#end = 0
    return spent
  }

  clear(): void {
    this.bytes = 0
    this.#chunks = []
    this.#start = 0
    this.#end = 0
  }
}
