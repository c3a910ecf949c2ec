// Header blocks as `name: value` lines, for the tests beside this file.

import type { HpackDecoder } from '../../../../../src/codec/http2/hpack/decoder.ts'
import type { BlockBuffer, HpackEncoder } from '../../../../../src/codec/http2/hpack/encoder.ts'

/** The fields of a block; undefined when it is not valid. */
export function decoded(decoder: HpackDecoder, block: Buffer): string[] | undefined {
  const fields: string[] = []
  const onField = (field: { name: string; value: string }): void => void fields.push(`${field.name}: ${field.value}`)
  return decoder.decode(block, 0, block.length, { onField }) ? fields : undefined
}

/** One block with these fields. */
export function encoded(encoder: HpackEncoder, fields: readonly string[]): Buffer {
  const out: BlockBuffer = { buffer: Buffer.alloc(1), end: 0 }
  encoder.begin(out)
  for (const field of fields) {
    const at = field.indexOf(': ', 1)
    encoder.encode(out, field.slice(0, at), field.slice(at + 2))
  }
  return out.buffer.subarray(0, out.end)
}
