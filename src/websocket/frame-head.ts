// The head of a WebSocket frame: two bytes, then up to eight of length and four of mask (RFC 6455 §5.2).

/** Longest head. */
export const FRAME_HEAD_BYTES = 14

/** Bytes of the head at `at`, or more than there are when too few are there to tell. */
export function frameHeadLength(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 2) return 2
  const second = bytes[at + 1] ?? 0
  const short = second & 0x7f
  return 2 + (short === 127 ? 8 : short === 126 ? 2 : 0) + (second >= 0x80 ? 4 : 0)
}

/**
 * Payload bytes that the whole head at `at` announces. The highest of the 64 bits must be 0: -1 when it is set. Beyond
 * 2^53 the number is not exact.
 */
export function framePayloadLength(bytes: Uint8Array, at: number): number {
  const short = (bytes[at + 1] ?? 0) & 0x7f
  if (short < 126) return short
  if (short === 126) return (bytes[at + 2] ?? 0) * 256 + (bytes[at + 3] ?? 0)
  const high = readUint32(bytes, at + 2)
  return high >= 0x80000000 ? -1 : high * 0x100000000 + readUint32(bytes, at + 6)
}

/** Whether the head at `at` says `length` in the fewest bytes, as it must (RFC 6455 §5.2). */
export function frameLengthIsMinimal(bytes: Uint8Array, at: number, length: number): boolean {
  const short = (bytes[at + 1] ?? 0) & 0x7f
  return short === 127 ? length > 0xffff : short !== 126 || length > 125
}

/** Where the mask of the whole head at `at` stands, when it has one. */
export function frameMaskAt(bytes: Uint8Array, at: number): number {
  const short = (bytes[at + 1] ?? 0) & 0x7f
  return at + 2 + (short === 127 ? 8 : short === 126 ? 2 : 0)
}

/** Big-endian, unsigned. */
export function readUint32(bytes: Uint8Array, at: number): number {
  const high = (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)
  return high * 65536 + (bytes[at + 2] ?? 0) * 256 + (bytes[at + 3] ?? 0)
}
