// Capsules written the long way (BigInt), apart from the project's own encoder, and read the same way.

/** A varint in its shortest form (RFC 9000 §16). */
export function varint(value: number): Buffer {
  const big = BigInt(value)
  const form = big < 64n ? 0 : big < 16_384n ? 1 : big < 1n << 30n ? 2 : 3
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(big | (BigInt(form) << BigInt(8 * 2 ** form - 2)))
  return bytes.subarray(8 - 2 ** form)
}

/** A capsule of any type (RFC 9297 §3.2). */
export const capsule = (type: number, value: Buffer): Buffer =>
  Buffer.concat([varint(type), varint(value.length), value])

/** A UDP payload as a DATAGRAM capsule with context 0 (RFC 9298 §5). */
export const datagram = (payload: Buffer): Buffer => capsule(0, Buffer.concat([varint(0), payload]))

/** The payloads of whole DATAGRAM capsules at the start of `bytes`, and what is left over. */
export function takeDatagrams(bytes: Buffer): { readonly payloads: Buffer[]; readonly rest: Buffer } {
  const payloads: Buffer[] = []
  let at = 0
  for (;;) {
    const type = takeVarint(bytes, at)
    const length = type === undefined ? undefined : takeVarint(bytes, type.end)
    if (type === undefined || length === undefined || bytes.length < length.end + length.value) break
    const value = bytes.subarray(length.end, length.end + length.value)
    const context = takeVarint(value, 0)
    if (type.value === 0 && context?.value === 0) payloads.push(Buffer.from(value.subarray(context.end)))
    at = length.end + length.value
  }
  return { payloads, rest: bytes.subarray(at) }
}

function takeVarint(bytes: Buffer, at: number): { readonly value: number; readonly end: number } | undefined {
  const first = bytes[at]
  if (first === undefined) return undefined
  const size = 1 << (first >> 6)
  if (bytes.length < at + size) return undefined
  let value = BigInt(first & 0x3f)
  for (let i = 1; i < size; i++) value = (value << 8n) | BigInt(bytes[at + i] ?? 0)
  return { value: Number(value), end: at + size }
}
