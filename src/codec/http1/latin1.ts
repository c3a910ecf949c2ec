// Text of bytes, one character for each (RFC 9112 §2.2 has heads parsed as octets, not as Unicode).

/** The method is Node's own under `toString`, without its checks; it is part of Buffer but not of its type. */
interface Latin1Buffer {
  latin1Slice(start: number, end: number): string
}

/** `buffer[start, end)` as latin1 text. */
export const latin1 = (buffer: Buffer, start: number, end: number): string =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a real method that @types/node leaves out
  (buffer as Buffer & Latin1Buffer).latin1Slice(start, end)
