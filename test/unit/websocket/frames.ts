// Writes WebSocket frames (RFC 6455 §5.2) for tests: valid and not.

/** One frame; `mask` 0 = unmasked. */
export function frame(
  opcode: number,
  payload: string | Buffer,
  how: { readonly fin?: boolean; readonly mask?: number } = {},
): Buffer {
  const { fin = true, mask = 0 } = how
  const body = Buffer.from(payload)
  const masked = mask === 0 ? 0 : 0x80
  const first = (fin ? 0x80 : 0) | opcode
  const head = [first]
  if (body.length < 126) head.push(masked | body.length)
  else if (body.length < 65_536) head.push(masked | 126, body.length >> 8, body.length & 255)
  else
    head.push(
      masked | 127,
      0,
      0,
      0,
      0,
      (body.length >>> 24) & 255,
      (body.length >>> 16) & 255,
      (body.length >>> 8) & 255,
      body.length & 255,
    )
  if (masked === 0) return Buffer.concat([Buffer.from(head), body])
  const key = Buffer.alloc(4)
  key.writeUInt32BE(mask >>> 0)
  for (let i = 0; i < body.length; i++) body[i] = (body[i] ?? 0) ^ (key[i & 3] ?? 0)
  return Buffer.concat([Buffer.from(head), key, body])
}
