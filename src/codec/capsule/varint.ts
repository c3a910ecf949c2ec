// Variable-length integers of QUIC (RFC 9000 §16): the two high bits of the first byte say how many bytes there are. Values
// are JavaScript numbers; beyond 2^53 they lose their last bits, which matters to nobody here: such a length never ends.

/** Bytes that `value` takes in its shortest form. */
export function varintLength(value: number): 1 | 2 | 4 | 8 {
  if (value < 0x40) return 1
  if (value < 0x4000) return 2
  return value < 0x4000_0000 ? 4 : 8
}

/** Writes the shortest form of `value` (a whole number, 0 to 2^53 - 1) at `at`; answers the position behind it. */
export function writeVarint(out: Uint8Array, at: number, value: number): number {
  const length = varintLength(value)
  let rest = value
  for (let i = length - 1; i >= 0; i--) {
    out[at + i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  out[at] = (out[at] ?? 0) | PREFIX[length]
  return at + length
}

const PREFIX = { 1: 0, 2: 0x40, 4: 0x80, 8: 0xc0 } as const

/** Reads one varint that may come in pieces. Longer forms than needed are valid (RFC 9000 §16). */
export class VarintReader {
  value = 0
  /** Bytes of the varint that have come; 0 = none, so it is at a boundary. */
  taken = 0
  #length = 0

  /** Takes one byte; true when `value` is complete. Call `restart` before the next one. */
  take(byte: number): boolean {
    if (this.taken === 0) {
      this.#length = 1 << (byte >> 6)
      this.value = byte & 0x3f
    } else {
      this.value = this.value * 256 + byte
    }
    this.taken++
    return this.taken === this.#length
  }

  restart(): void {
    this.value = 0
    this.taken = 0
  }
}
