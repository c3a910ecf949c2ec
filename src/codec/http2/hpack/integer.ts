// Prefixed integers of RFC 7541 §5.1.

/** The result of {@link readInteger} that stands for a broken or oversized integer. */
export const BAD_INTEGER = -1

// §5.1 lets an implementation bound integers. Nothing in a header block is larger than 2^28 here, and four
// continuation bytes hold just that, which also bounds zero-padded encodings.
const MAX_CONTINUATION_BYTES = 4

/** Reads integers; after a call `next` is the position behind the integer. One per decoder, so nothing is allocated. */
export class IntegerReader {
  next = 0

  /** Reads the integer at `at`, whose first byte keeps it in the low `prefixBits`; `BAD_INTEGER` when cut or too large. */
  read(buffer: Uint8Array, at: number, end: number, prefixBits: number): number {
    const mask = (1 << prefixBits) - 1
    const first = (buffer[at] ?? 0) & mask
    this.next = at + 1
    return first < mask ? first : this.#readRest(buffer, at + 1, end, mask)
  }

  #readRest(buffer: Uint8Array, at: number, end: number, start: number): number {
    let value = start
    for (let i = 0; i < MAX_CONTINUATION_BYTES; i++) {
      if (at + i >= end) return BAD_INTEGER
      const byte = buffer[at + i] ?? 0
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) {
        this.next = at + i + 1
        return value
      }
    }
    return BAD_INTEGER
  }
}

/** Writes `value` with `prefixBits` and the flag bits `flags` in the first byte; answers the position behind it. */
export function writeInteger(buffer: Uint8Array, at: number, flags: number, prefixBits: number, value: number): number {
  const mask = (1 << prefixBits) - 1
  if (value < mask) {
    buffer[at] = flags | value
    return at + 1
  }
  buffer[at] = flags | mask
  let rest = value - mask
  let to = at + 1
  while (rest >= 0x80) {
    buffer[to++] = 0x80 | (rest & 0x7f)
    rest = Math.floor(rest / 128)
  }
  buffer[to] = rest
  return to + 1
}
