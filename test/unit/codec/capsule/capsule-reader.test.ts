// The capsule reader: bytes in, payloads or a fault out, however the bytes are split.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CapsuleReader } from '../../../../src/codec/capsule/capsule-reader.ts'
import { writeDatagram } from '../../../../src/codec/capsule/datagram-writer.ts'
import { capsule, datagram, varint } from '../../../support/capsules.ts'

interface Reading {
  readonly payloads: readonly string[]
  readonly fault: string | undefined
  readonly atBoundary: boolean
  readonly skipped: number
}

/** Reads `bytes` in pieces of at most `size`, each with foreign bytes around it. */
function reading(bytes: Buffer, size = bytes.length): Reading {
  const payloads: string[] = []
  const reader = new CapsuleReader({
    onDatagram: (buffer, start, end) => void payloads.push(buffer.toString('hex', start, end)),
  })
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size)
    const padded = Buffer.concat([Buffer.alloc(3, 0xaa), piece, Buffer.alloc(3, 0xbb)])
    if (!reader.read(padded, 3, 3 + piece.length)) break
  }
  return { payloads, fault: reader.fault, atBoundary: reader.atBoundary, skipped: reader.skipped }
}

test('payloads of context 0 come out, other contexts and other types do not', () => {
  const bytes = Buffer.concat([
    datagram(Buffer.from('one')),
    capsule(0x2575, Buffer.from('unknown')),
    capsule(0, Buffer.concat([varint(2), Buffer.from('other context')])),
    capsule(0x1d, Buffer.alloc(0)),
    datagram(Buffer.alloc(0)),
    datagram(Buffer.alloc(40_000, 7)),
  ])
  const hex = [Buffer.from('one').toString('hex'), '', Buffer.alloc(40_000, 7).toString('hex')]
  for (const size of [1, 2, 3, 7, 1000, bytes.length]) {
    assert.deepEqual(reading(bytes, size), { payloads: hex, fault: undefined, atBoundary: true, skipped: 3 })
  }
})

test('the longest UDP payload passes and one byte more ends the stream (RFC 9298 §5)', () => {
  assert.equal(reading(datagram(Buffer.alloc(65_527))).payloads.length, 1)
  assert.match(reading(datagram(Buffer.alloc(65_528))).fault ?? '', /longer than 65527/)
})

test('the claim of a long datagram is refused before its bytes come', () => {
  const claim = Buffer.concat([varint(0), varint(2 ** 40), varint(0)])
  assert.match(reading(claim).fault ?? '', /longer than 65527/)
})

test('a capsule of an unknown type may be of any length and is skipped as it comes', () => {
  const reader = new CapsuleReader({ onDatagram: () => assert.fail('it has no payload') })
  const head = Buffer.concat([varint(0x1234), varint(2 ** 40)])
  assert.ok(reader.read(head, 0, head.length))
  const chunk = Buffer.alloc(65_536)
  for (let i = 0; i < 100; i++) assert.ok(reader.read(chunk, 0, chunk.length))
  assert.equal(reader.atBoundary, false)
})

test('a DATAGRAM capsule without a whole context id is malformed', () => {
  assert.match(reading(capsule(0, Buffer.alloc(0))).fault ?? '', /no context id/)
  assert.match(
    reading(Buffer.concat([varint(0), varint(1), Buffer.from([0x40, 0x00])])).fault ?? '',
    /within its context id/,
  )
})

test('a length that can never be sent is malformed', () => {
  assert.match(reading(Buffer.concat([varint(5), Buffer.alloc(8, 0xff)])).fault ?? '', /can ever be sent/)
})

test('context id 0 in a longer form is context 0 (RFC 9000 §16)', () => {
  const bytes = capsule(0, Buffer.concat([Buffer.from([0x40, 0x00]), Buffer.from('x')]))
  assert.deepEqual(reading(bytes).payloads, ['78'])
})

test('an incomplete capsule is not a boundary', () => {
  const bytes = datagram(Buffer.from('abc'))
  for (let length = 1; length < bytes.length; length++) {
    assert.equal(reading(bytes.subarray(0, length)).atBoundary, false, `after ${length} bytes`)
  }
})

test('what the writer writes is what the RFC draws', () => {
  const written: Buffer[] = []
  const write = (buffer: Buffer, start: number, end: number): boolean => {
    written.push(Buffer.from(buffer.subarray(start, end)))
    return true
  }
  for (const length of [0, 1, 62, 63, 100, 16_382, 16_383, 65_527]) {
    const payload = Buffer.alloc(length, length % 251)
    assert.ok(writeDatagram(write, payload, 0, length))
    assert.deepEqual(written.pop(), datagram(payload))
  }
  assert.equal(writeDatagram(write, Buffer.alloc(65_528), 0, 65_528), false)
  assert.equal(written.length, 0)
})
