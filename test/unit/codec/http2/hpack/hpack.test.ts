// HPACK beyond the RFC's examples: bounds, eviction, size updates, and what must not be indexed.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { HpackDecoder } from '../../../../../src/codec/http2/hpack/decoder.ts'
import { DynamicTable } from '../../../../../src/codec/http2/hpack/dynamic-table.ts'
import { HpackEncoder } from '../../../../../src/codec/http2/hpack/encoder.ts'
import { HpackField } from '../../../../../src/codec/http2/hpack/field.ts'
import {
  huffmanDecode,
  huffmanDecodedBound,
  huffmanEncode,
  huffmanLength,
} from '../../../../../src/codec/http2/hpack/huffman.ts'
import { BAD_INTEGER, IntegerReader, writeInteger } from '../../../../../src/codec/http2/hpack/integer.ts'
import { decoded, encoded } from './blocks.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

describe('integers (RFC 7541 §5.1, C.1)', () => {
  const reader = new IntegerReader()
  for (const [value, prefix, bytes] of [
    [10, 5, '0a'],
    [1337, 5, '1f9a0a'],
    [42, 8, '2a'],
    [0, 5, '00'],
    [31, 5, '1f00'],
    [127, 7, '7f00'],
  ] as const) {
    test(`${value} with a prefix of ${prefix} bits`, () => {
      const buffer = Buffer.alloc(8)
      assert.equal(buffer.subarray(0, writeInteger(buffer, 0, 0, prefix, value)).toString('hex'), bytes)
      assert.equal(reader.read(hex(bytes), 0, bytes.length / 2, prefix), value)
      assert.equal(reader.next, bytes.length / 2)
    })
  }

  test('any integer up to 2^28 comes back, whatever flags stand before it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 28 }), fc.integer({ min: 4, max: 7 }), (value, prefix) => {
        const buffer = Buffer.alloc(8)
        const end = writeInteger(buffer, 1, 0xff & ~((1 << prefix) - 1), prefix, value)
        assert.equal(reader.read(buffer, 1, end, prefix), value)
        assert.equal(reader.next, end)
      }),
    )
  })

  test('cut, oversized and endlessly padded integers are refused', () => {
    for (const bad of ['1f', '1f80', '1fffffffffff', '1fffffffff7f01', '1f8080808000']) {
      const bytes = hex(bad)
      assert.equal(reader.read(bytes, 0, bytes.length, 5), BAD_INTEGER, bad)
    }
  })
})

describe('Huffman (RFC 7541 §5.2)', () => {
  const decode = (bytes: Uint8Array): string | undefined => {
    const out = Buffer.alloc(huffmanDecodedBound(bytes.length))
    const length = huffmanDecode(bytes, 0, bytes.length, out)
    return length < 0 ? undefined : out.toString('latin1', 0, length)
  }

  test('any string comes back, in the announced length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = Buffer.from(bytes).toString('latin1')
        const out = Buffer.alloc(4 * text.length + 4)
        const end = huffmanEncode(text, out, 0)
        assert.equal(end, huffmanLength(text))
        assert.equal(decode(out.subarray(0, end)), text)
      }),
    )
  })

  test('every byte alone', () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = String.fromCharCode(byte)
      const out = Buffer.alloc(4)
      assert.equal(decode(out.subarray(0, huffmanEncode(text, out, 0))), text)
    }
  })

  test('padding with anything but the beginning of EOS, or of 8 bits, is refused', () => {
    assert.equal(decode(hex('1f')), 'a')
    for (const bad of ['18', '1e', '1fff', 'ff', 'ffff', 'ffffffff', '1ffffffffc', 'fffffffc'])
      assert.equal(decode(hex(bad)), undefined, bad)
  })

  test('any bytes decode within the bound, or not at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = decode(bytes)
        if (text === undefined) return
        const out = Buffer.alloc(4 * text.length + 4)
        assert.deepEqual(
          Buffer.from(out.subarray(0, huffmanEncode(text, out, 0))),
          Buffer.from(bytes),
          'the code is unique',
        )
      }),
    )
  })
})

describe('the decoding table (RFC 7541 §4)', () => {
  test('holds what a plain list would hold', () => {
    const operation = fc.oneof(
      fc.record({ value: fc.string({ maxLength: 60 }) }),
      fc.record({ resize: fc.integer({ min: 0, max: 2000 }) }),
    )
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
        const table = new DynamicTable(1000)
        let list: HpackField[] = []
        let max = 1000
        const trim = (): void => {
          while (list.reduce((sum, field) => sum + field.tableSize, 0) > max) list.pop()
        }
        for (const step of operations) {
          if ('resize' in step) {
            max = step.resize
            table.resize(max)
          } else {
            const field = new HpackField('n', step.value)
            table.add(field)
            list = field.tableSize > max ? [] : [field, ...list]
          }
          trim()
          assert.equal(table.count, list.length)
          for (let i = 0; i <= list.length + 1; i++) assert.equal(table.at(i), list[i - 1])
        }
      }),
    )
  })

  test('an entry larger than the table empties it', () => {
    const table = new DynamicTable(64)
    table.add(new HpackField('a', 'b'))
    assert.equal(table.count, 1)
    table.add(new HpackField('a', 'v'.repeat(40)))
    assert.deepEqual([table.count, table.size], [0, 0])
  })
})

describe('the decoder', () => {
  test('refuses what is not valid', () => {
    const bad = {
      'index 0': '80',
      'an index beyond the tables': 'be',
      'a name beyond the tables': '7e0161',
      'a cut index': 'ff',
      'a cut string': '000561',
      'a cut name': '40',
      'a missing value': '000161',
      'a size update behind a field': '8220',
      'a size update over the limit': '3fe21f',
    }
    for (const [what, block] of Object.entries(bad))
      assert.equal(decoded(new HpackDecoder(), hex(block)), undefined, what)
  })

  test('an empty block and a block of size updates have no fields', () => {
    assert.deepEqual(decoded(new HpackDecoder(), hex('')), [])
    assert.deepEqual(decoded(new HpackDecoder(), hex('203fe11f')), [])
  })

  test('a lowered limit must be announced before the next field, and only then', () => {
    const decoder = new HpackDecoder()
    decoder.setLimit(100)
    assert.equal(decoded(decoder, hex('82')), undefined)
    const patient = new HpackDecoder()
    patient.setLimit(100)
    assert.equal(decoded(patient, hex('3f4682')), undefined, 'over the new limit')
    const obeyed = new HpackDecoder()
    obeyed.setLimit(100)
    assert.deepEqual(decoded(obeyed, hex('3f4582')), [':method: GET'])
    assert.deepEqual(decoded(obeyed, hex('82')), [':method: GET'])
  })

  test('a limit that leaves the table in its bounds needs no announcement', () => {
    const decoder = new HpackDecoder()
    decoder.setLimit(8192)
    assert.deepEqual(decoded(decoder, hex('82')), [':method: GET'])
    decoder.setLimit(4096)
    assert.deepEqual(decoded(decoder, hex('82')), [':method: GET'])
  })
})

describe('the encoder', () => {
  const again = (encoder: HpackEncoder, ...fields: readonly string[]): string =>
    encoded(encoder, fields).toString('hex')

  test('secrets are never indexed, and say so to every later hop', () => {
    for (const name of ['authorization', 'proxy-authorization', 'set-cookie']) {
      const encoder = new HpackEncoder()
      const first = encoded(encoder, [`${name}: secret`])
      assert.equal((first[0] ?? 0) & 0xf0, 0x10, name)
      assert.deepEqual(encoded(encoder, [`${name}: secret`]), first, 'the second time too')
    }
  })

  test('a short cookie is a secret, a long one is worth a place', () => {
    const encoder = new HpackEncoder()
    const short = encoded(encoder, ['cookie: a=1'])
    assert.equal((short[0] ?? 0) & 0xf0, 0x10)
    again(encoder, 'cookie: session=0123456789abcdef')
    assert.equal(again(encoder, 'cookie: session=0123456789abcdef'), 'be')
  })

  test('a repeated field costs one byte', () => {
    const encoder = new HpackEncoder()
    again(encoder, 'x-a: 1', 'x-b: 2')
    assert.equal(again(encoder, 'x-b: 2', 'x-a: 1', ':method: GET', 'accept: '), 'bebf8293')
  })

  test('a value that is new each time enters the table once, for its name', () => {
    const encoder = new HpackEncoder()
    const decoder = new HpackDecoder()
    for (let i = 0; i < 500; i++) {
      assert.deepEqual(decoded(decoder, encoded(encoder, [`x-request-id: ${i}`])), [`x-request-id: ${i}`])
    }
    assert.equal(decoder.tableSize, 32 + 'x-request-id'.length + 1)
  })

  test('a name whose values never repeat is given up', () => {
    const encoder = new HpackEncoder()
    const decoder = new HpackDecoder()
    for (let i = 0; i < 40; i++) decoded(decoder, encoded(encoder, [`x-new: ${String(i).padStart(4, '0')}`]))
    assert.ok(decoder.tableSize <= 10 * (32 + 5 + 4), String(decoder.tableSize))
  })

  test('a table turned off is announced and not used', () => {
    const encoder = new HpackEncoder(0)
    assert.equal(again(encoder, ':method: GET').slice(0, 4), '2082')
    assert.equal(again(encoder, 'x: y'), again(encoder, 'x: y'))
  })

  test('a table that shrank and grew between two blocks is announced twice', () => {
    const encoder = new HpackEncoder()
    again(encoder, 'x: y')
    encoder.setPeerLimit(0)
    encoder.setPeerLimit(4096)
    const block = encoded(encoder, ['x: y'])
    assert.equal(block.subarray(0, 4).toString('hex'), '203fe11f')
    assert.deepEqual(decoded(new HpackDecoder(), block), ['x: y'], 'nothing of before is referred to')
  })

  test('a peer with less room is obeyed, one with more is not', () => {
    const encoder = new HpackEncoder(4096)
    encoder.setPeerLimit(100)
    assert.equal(again(encoder, ':method: GET'), '3f4582')
    encoder.setPeerLimit(65_536)
    assert.equal(again(encoder, ':method: GET'), '3fe11f82')
  })

  test('more names than are remembered', () => {
    const encoder = new HpackEncoder()
    const decoder = new HpackDecoder()
    for (let i = 0; i < 1000; i++) {
      const fields = [`x-${i}: ${i}`, `x-${i % 7}: same`, `${'long'.repeat(30)}${i}: v`]
      assert.deepEqual(decoded(decoder, encoded(encoder, fields)), fields)
    }
  })

  test('strings of every length, plain and coded, come back', () => {
    const encoder = new HpackEncoder()
    const decoder = new HpackDecoder()
    for (const char of ['a', '\xff', '~']) {
      for (const name of ['x-plain', ':path', 'authorization']) {
        for (const length of [0, 1, 99, 100, 101, 126, 127, 128, 129, 500, 20_000]) {
          const field = `${name}: ${char.repeat(length)}`
          assert.deepEqual(decoded(decoder, encoded(encoder, [field])), [field])
        }
      }
    }
  })
})
