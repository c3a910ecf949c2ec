// Writes UDP payloads as DATAGRAM capsules with context id 0 (RFC 9297 §3.5, RFC 9298 §5).

import { UDP_PAYLOAD_BYTES } from '../../core/limits.ts'
import { DATAGRAM_CAPSULE, UDP_CONTEXT } from './capsule-reader.ts'
import { writeVarint } from './varint.ts'

/** Bytes in front of the longest payload: type, length in four bytes, context id. */
const HEADER_BYTES = 6

// One for the process: a capsule is copied or sent before the writer gives the buffer to the next one.
const capsule = Buffer.allocUnsafeSlow(HEADER_BYTES + UDP_PAYLOAD_BYTES)

/** What a capsule is written to: a byte stream, or the body of a message. */
export type CapsuleTarget = (buffer: Buffer, start: number, end: number) => boolean

/**
 * Writes `buffer[start, end)`, at most 65527 bytes, as one capsule in one write; answers what the target answered, which has
 * to copy or send the bytes before it returns. A longer payload is not written: false.
 */
export function writeDatagram(target: CapsuleTarget, buffer: Uint8Array, start: number, end: number): boolean {
  const bytes = end - start
  if (bytes > UDP_PAYLOAD_BYTES) return false
  let at = writeVarint(capsule, 0, DATAGRAM_CAPSULE)
  at = writeVarint(capsule, at, bytes + 1)
  at = writeVarint(capsule, at, UDP_CONTEXT)
  Buffer.prototype.copy.call(buffer, capsule, at, start, end)
  return target(capsule, 0, at + bytes)
}
