import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { checksumOf } from '../../../../src/codec/proxy-protocol/checksum.ts'
import { readProxyHeader } from '../../../../src/codec/proxy-protocol/read.ts'
import { chooseTlvs } from '../../../../src/codec/proxy-protocol/tlvs.ts'
import { writeProxyHeader } from '../../../../src/codec/proxy-protocol/write.ts'
import { tcpAddress, pipeAddress } from '../../../../src/transport/address.ts'
import type { ReceivedTlv } from '../../../../src/transport/connection-state.ts'
import { proxyHeaderOutcome } from '../../../support/proxy-header-outcome.ts'

const four = { source: tcpAddress('192.0.2.1', 56324), destination: tcpAddress('198.51.100.7', 443) }
const six = { source: tcpAddress('2001:db8::1', 1), destination: tcpAddress('::1', 65535) }
const mixed = { source: four.source, destination: six.destination }
const tlv = (type: number, value: string): ReceivedTlv => ({ type, value: Buffer.from(value, 'latin1') })

describe('version 1', () => {
  const line = (ends: typeof four | undefined): string => writeProxyHeader('v1', ends).bytes.toString('latin1')

  test('names both ends in the family they share', () => {
    assert.equal(line(four), 'PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n')
    assert.equal(line(six), 'PROXY TCP6 2001:db8::1 ::1 1 65535\r\n')
  })

  test('maps IPv4 where the other end is IPv6', () => {
    assert.equal(line(mixed), 'PROXY TCP6 ::ffff:192.0.2.1 ::1 56324 65535\r\n')
  })

  test('says UNKNOWN where there is no address', () => {
    assert.equal(line(undefined), 'PROXY UNKNOWN\r\n')
    assert.equal(line({ source: pipeAddress(''), destination: pipeAddress('/run/x') }), 'PROXY UNKNOWN\r\n')
  })
})

describe('version 2', () => {
  const hex = (ends: typeof four | undefined, tlvs: readonly ReceivedTlv[] = []): string =>
    writeProxyHeader('v2', ends, tlvs).bytes.toString('hex')
  const signature = '0d0a0d0a000d0a515549540a'

  test('names both ends', () => {
    assert.equal(hex(four), `${signature}2111000cc0000201c6336407dc0401bb`)
    assert.equal(hex(six), `${signature}2121002420010db8${'0'.repeat(22)}01${'0'.repeat(30)}010001ffff`)
    assert.equal(hex(mixed), `${signature}21210024${'0'.repeat(20)}ffffc0000201${'0'.repeat(31)}1dc04ffff`)
  })

  test('is LOCAL where there is no address', () => {
    assert.equal(hex(undefined, [tlv(2, 'a')]), `${signature}20000000`)
  })

  test('carries TLVs', () => {
    assert.equal(
      hex(four, [tlv(0xe0, 'ab'), tlv(2, '')]),
      `${signature}21110014c0000201c6336407dc0401bbe000026162020000`,
    )
  })

  test('computes a checksum where one is asked for, whatever value it has', () => {
    const { bytes } = writeProxyHeader('v2', four, [tlv(3, 'of another header'), tlv(0xe0, 'x'), tlv(3, 'abcd')])
    assert.deepEqual(
      proxyHeaderOutcome(readProxyHeader(bytes)).map((line) => line.replace(/^tlv 3 .*/, 'checksum')),
      ['header v2 stream 192.0.2.1:56324 198.51.100.7:443', 'checksum', 'tlv 224 78', 'length 39'],
    )
  })

  test('leaves out what does not fit and says how many', () => {
    const large = tlv(0xe0, 'x'.repeat(65_535 - 12 - 3))
    assert.equal(writeProxyHeader('v2', four, [large]).droppedTlvs, 0)
    assert.equal(writeProxyHeader('v2', four, [large]).bytes.length, 16 + 65_535)
    const { bytes, droppedTlvs } = writeProxyHeader('v2', four, [tlv(1, ''), large, tlv(2, 'b')])
    assert.equal(droppedTlvs, 1)
    assert.equal(bytes.length, 16 + 12 + 3 + 4)
  })
})

test('the checksum is CRC32c (RFC 3720 appendix B.4)', () => {
  const vector = (bytes: Buffer): number => checksumOf(Buffer.concat([bytes]), bytes.length)
  assert.equal(vector(Buffer.alloc(32)), 0x8a9136aa)
  assert.equal(vector(Buffer.alloc(32, 0xff)), 0x62a8ab43)
  assert.equal(vector(Buffer.from(Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e)
})

describe('which TLVs are sent', () => {
  const sources = {
    endpoint: [tlv(0xe0, 'endpoint')],
    added: [tlv(0xe0, 'added'), tlv(0xe1, 'added')],
    received: [tlv(0xe0, 'received'), tlv(0xe1, 'received'), tlv(0xe2, 'one'), tlv(0xe2, 'two')],
  }
  const chosen = (passThrough: 'none' | 'all' | readonly number[], more: Partial<typeof sources> = {}): string[] =>
    chooseTlvs({ ...sources, ...more, passThrough }).map(
      ({ type, value }) => `${type.toString(16)} ${value.toString()}`,
    )

  test("the endpoint's before the cluster's before received ones, by type", () => {
    assert.deepEqual(chosen('all'), ['e0 endpoint', 'e1 added', 'e2 one', 'e2 two'])
    assert.deepEqual(chosen('none'), ['e0 endpoint', 'e1 added'])
    assert.deepEqual(chosen([0xe0, 0xe1]), ['e0 endpoint', 'e1 added'])
    assert.deepEqual(chosen([0xe0, 0xe2], { endpoint: [] }), ['e0 added', 'e1 added', 'e2 one', 'e2 two'])
    assert.deepEqual(chosen([0xe0], { endpoint: [], added: [] }), ['e0 received'])
    assert.deepEqual(chosen('all', { endpoint: [], added: [] }).length, 4)
  })
})

test('what is written is read back', () => {
  const port = fc.integer({ min: 0, max: 65_535 })
  const end = fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), port).map(([ip, number]) => tcpAddress(ip, number))
  const type = fc.integer({ min: 0, max: 255 }).filter((number) => number !== 4)
  const value = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
  const tlvs = fc.array(fc.record({ type, value }), { maxLength: 8 })
  fc.assert(
    fc.property(end, end, tlvs, fc.constantFrom('v1', 'v2'), (source, destination, sent, version) => {
      const { bytes } = writeProxyHeader(version, { source, destination }, sent)
      const result = readProxyHeader(Buffer.concat([bytes, Buffer.from('payload')]))
      assert.equal(result.kind, 'header')
      if (result.kind !== 'header' || result.header.endpoints.kind !== 'ip') return assert.fail()
      assert.equal(result.length, bytes.length)
      const { endpoints } = result.header
      // The reader spells addresses in one way only.
      assert.equal(endpoints.source.port, source.port)
      const again = writeProxyHeader(version, endpoints, result.header.tlvs)
      assert.deepEqual(again.bytes.subarray(0, 16), bytes.subarray(0, 16))
      const ordinary = (list: readonly ReceivedTlv[]): string[] =>
        list.filter((each) => each.type !== 3).map((each) => `${each.type} ${each.value.toString('hex')}`)
      assert.deepEqual(ordinary(result.header.tlvs), version === 'v1' ? [] : ordinary(sent))
    }),
    { numRuns: 300 },
  )
})
