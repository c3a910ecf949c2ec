// Close frames that the proxy itself puts on the wire (RFC 6455 §5.5.1).

import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'

/** Bytes of a reason: a control frame has 125, and the code takes two. */
const REASON_BYTES = 123

/** `code` must be one that may be sent. `masked`: towards a server, with a mask nobody can foretell (RFC 6455 §5.3). */
export function closeFrame(code: number, reason: string, masked: boolean): Buffer {
  const text = cut(reason)
  const payload = Buffer.alloc(2 + text.length)
  payload.writeUInt16BE(code)
  text.copy(payload, 2)
  if (!masked) return Buffer.concat([Buffer.from([0x88, payload.length]), payload])
  const mask = randomBytes(4)
  for (let i = 0; i < payload.length; i++) payload[i] = (payload[i] ?? 0) ^ (mask[i & 3] ?? 0)
  return Buffer.concat([Buffer.from([0x88, 0x80 | payload.length]), mask, payload])
}

/** As much of `reason` as fits, and no half character. */
function cut(reason: string): Buffer {
  const bytes = Buffer.from(reason)
  if (bytes.length <= REASON_BYTES) return bytes
  let end = REASON_BYTES
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}
