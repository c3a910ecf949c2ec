// Varints against the examples of RFC 9000 §A.1 and against BigInt arithmetic.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VarintReader, varintLength, writeVarint } from '../../../../src/codec/capsule/varint.ts'

/** RFC 9000 §A.1: the bytes, and what they stand for. */
const EXAMPLES: readonly (readonly [string, bigint])[] = [
  ['c2197c5eff14e88c', 151_288_809_941_952_652n],
  ['9d7f3e7d', 494_878_333n],
  ['7bbd', 15_293n],
  ['25', 37n],
  ['4025', 37n],
]

function read(bytes: Buffer): { readonly value: number; readonly used: number } {
  const reader = new VarintReader()
  for (const [index, byte] of bytes.entries()) if (reader.take(byte)) return { value: reader.value, used: index + 1 }
  return { value: reader.value, used: -1 }
}

test("the RFC's examples are read", () => {
  for (const [hex, value] of EXAMPLES) {
    assert.deepEqual(read(Buffer.from(hex, 'hex')), { value: Number(value), used: hex.length / 2 })
  }
})

test('the shortest form is written and read back at every boundary', () => {
  const values = [
    0,
    1,
    63,
    64,
    16_383,
    16_384,
    2 ** 30 - 1,
    2 ** 30,
    2 ** 32,
    2 ** 40 + 12_345,
    Number.MAX_SAFE_INTEGER,
  ]
  for (const value of values) {
    const out = Buffer.alloc(12, 0xee)
    const end = writeVarint(out, 2, value)
    assert.equal(end - 2, varintLength(value))
    assert.deepEqual(read(out.subarray(2)), { value, used: end - 2 })
    assert.equal(out[end], 0xee, 'nothing behind it is touched')
  }
})

test('a varint that is not complete yet has no value', () => {
  assert.equal(read(Buffer.from('c2197c5eff14e8', 'hex')).used, -1)
})
