// Bytes copied aside because they cannot be handled yet: the first part of a head, a pipelined request, tunnel payload
// before acceptance. Whoever holds them sets the bound.

const NOTHING = Buffer.alloc(0)
const FIRST_BYTES = 1024

export class HeldBytes {
  /** The bytes, from 0 to `size`. */
  bytes: Buffer = NOTHING
  size = 0

  /** Copies `buffer[start, end)` behind what is held. */
  append(buffer: Uint8Array, start: number, end: number): void {
    const needed = this.size + end - start
    if (needed > this.bytes.length) this.#grow(needed)
    this.bytes.set(buffer.subarray(start, end), this.size)
    this.size = needed
  }

  /** Gives the bytes away; nothing is held afterwards. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.size)
    this.clear()
    return taken
  }

  /** Drops the bytes and their memory. */
  clear(): void {
    this.bytes = NOTHING
    this.size = 0
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2, FIRST_BYTES))
    larger.set(this.bytes.subarray(0, this.size))
    this.bytes = larger
  }
}
