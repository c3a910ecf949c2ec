// The CRC32c of a version 2 header (proxy-protocol.txt §2.2.3; polynomial of RFC 4960 appendix B): over the whole header
// with the checksum's own four bytes as zeros.

import type { Buffer } from 'node:buffer'
import type { ReceivedTlv } from '../../transport/connection-state.ts'
import { TLV_CRC32C } from './header.ts'

const BYTES = 4

/** What is wrong with the checksum of a header whose TLVs are views of it; undefined when it has none or it is right. */
export function checksumProblem(header: Buffer, tlvs: readonly ReceivedTlv[]): string | undefined {
  const checksums = tlvs.filter(({ type }) => type === TLV_CRC32C)
  const [checksum] = checksums
  if (checksum === undefined) return undefined
  if (checksums.length > 1) return 'there are two checksums'
  if (checksum.value.length !== BYTES) return 'the checksum is not four bytes long'
  const at = checksum.value.byteOffset - header.byteOffset
  return checksumOf(header, at) === checksum.value.readUInt32BE(0) ? undefined : 'the checksum is wrong'
}

/** The checksum of a header that has its checksum at `at`. */
export function checksumOf(header: Buffer, at: number): number {
  let crc = 0xffff_ffff
  for (let i = 0; i < header.length; i++) {
    const byte = i >= at && i < at + BYTES ? 0 : (header[i] ?? 0)
    crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8)
  }
  return (crc ^ 0xffff_ffff) >>> 0
}

/** Reflected polynomial 0x1EDC6F41. */
const POLYNOMIAL = 0x82f6_3b78

const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ POLYNOMIAL
  return value
})
