// Writes PROXY protocol headers (HAProxy's proxy-protocol.txt): what goes before the bytes of an upstream connection.

import { Buffer } from 'node:buffer'
import { isIP, isIPv4 } from 'node:net'
import { canonicalIpv6 } from '../../transport/address.ts'
import type { StreamAddress } from '../../transport/byte-stream.ts'
import type { ReceivedTlv } from '../../transport/connection-state.ts'
import { checksumOf } from './checksum.ts'
import * as wire from './header.ts'
import { writeIpv4, writeIpv6 } from './ip-bytes.ts'

/** The two ends that a header names: the client and the address it connected to. */
export interface NamedEnds {
  readonly source: StreamAddress
  readonly destination: StreamAddress
}

export interface WrittenHeader {
  readonly bytes: Buffer
  /** TLVs left out because the header's length would not fit its field. Envoy counts `v2_tlvs_exceed_max_length`. */
  readonly droppedTlvs: number
}

/**
 * A header of `version`. Without `ends` (nobody's connection, such as a health check), or with ends that are no IP
 * addresses, the receiver is told to keep the socket's own addresses: `UNKNOWN`, or the command LOCAL. Version 1 has no TLVs.
 */
export function writeProxyHeader(
  version: wire.ProxyVersion,
  ends: NamedEnds | undefined,
  tlvs: readonly ReceivedTlv[] = [],
): WrittenHeader {
  const named = ends !== undefined && isIP(ends.source.ip) !== 0 && isIP(ends.destination.ip) !== 0 ? ends : undefined
  if (version === 'v1') return { bytes: Buffer.from(line(named), 'latin1'), droppedTlvs: 0 }
  return named === undefined ? { bytes: localHeader(), droppedTlvs: 0 } : binaryHeader(named, tlvs)
}

/**
 * §2.1. Deviation: between an IPv4 and an IPv6 end Envoy writes the word of the source's family beside both addresses, which
 * receivers refuse; here, as HAProxy does, the IPv4 end takes its mapped form and the line says TCP6.
 */
function line(ends: NamedEnds | undefined): string {
  if (ends === undefined) return 'PROXY UNKNOWN\r\n'
  const { source, destination } = ends
  const four = bothIpv4(ends)
  const written = ({ ip }: StreamAddress): string =>
    four ? ip : isIPv4(ip) ? `::ffff:${ip}` : canonicalIpv6(zoneless(ip))
  const addresses = `${written(source)} ${written(destination)} ${source.port} ${destination.port}`
  return `PROXY ${four ? 'TCP4' : 'TCP6'} ${addresses}\r\n`
}

const zoneless = (ip: string): string => ip.split('%')[0] ?? ip

const bothIpv4 = ({ source, destination }: NamedEnds): boolean => isIPv4(source.ip) && isIPv4(destination.ip)

const VERSION_2_LOCAL = 0x20
const VERSION_2_PROXY = 0x21
const INET_STREAM = 0x11
const INET6_STREAM = 0x21
const MAX_LENGTH = 0xffff

function localHeader(): Buffer {
  const bytes = Buffer.alloc(wire.V2_FIXED_BYTES)
  wire.V2_SIGNATURE.copy(bytes)
  bytes[wire.V2_SIGNATURE.length] = VERSION_2_LOCAL
  return bytes
}

function binaryHeader(ends: NamedEnds, tlvs: readonly ReceivedTlv[]): WrittenHeader {
  const four = bothIpv4(ends)
  const addressBytes = four ? wire.INET_BYTES : wire.INET6_BYTES
  const { fitting, length } = fit(tlvs, MAX_LENGTH - addressBytes)
  const bytes = Buffer.alloc(wire.V2_FIXED_BYTES + addressBytes + length)
  wire.V2_SIGNATURE.copy(bytes)
  bytes[wire.V2_SIGNATURE.length] = VERSION_2_PROXY
  bytes[wire.V2_SIGNATURE.length + 1] = four ? INET_STREAM : INET6_STREAM
  bytes.writeUInt16BE(addressBytes + length, wire.V2_FIXED_BYTES - 2)
  writeAddresses(bytes, ends, four)
  writeTlvs(bytes, wire.V2_FIXED_BYTES + addressBytes, fitting)
  return { bytes, droppedTlvs: tlvs.length - fitting.length }
}

function writeAddresses(bytes: Buffer, { source, destination }: NamedEnds, four: boolean): void {
  const at = wire.V2_FIXED_BYTES
  const size = four ? 4 : 16
  const write = four ? writeIpv4 : writeIpv6
  write(bytes, at, source.ip)
  write(bytes, at + size, destination.ip)
  bytes.writeUInt16BE(source.port, at + 2 * size)
  bytes.writeUInt16BE(destination.port, at + 2 * size + 2)
}

/** The TLVs that fit into `room` bytes, the others left out one by one, as Envoy does. A second checksum is none. */
function fit(tlvs: readonly ReceivedTlv[], room: number): { readonly fitting: ReceivedTlv[]; readonly length: number } {
  const fitting: ReceivedTlv[] = []
  let length = 0
  for (const tlv of tlvs) {
    const isSecondChecksum = tlv.type === wire.TLV_CRC32C && fitting.some(({ type }) => type === wire.TLV_CRC32C)
    const bytes = wire.TLV_HEAD_BYTES + valueBytes(tlv)
    if (isSecondChecksum || length + bytes > room) continue
    fitting.push(tlv)
    length += bytes
  }
  return { fitting, length }
}

/** A checksum of another header, passed on or configured, asks for one of this header: its own value would be wrong. */
const valueBytes = ({ type, value }: ReceivedTlv): number => (type === wire.TLV_CRC32C ? 4 : value.length)

function writeTlvs(bytes: Buffer, start: number, tlvs: readonly ReceivedTlv[]): void {
  let at = start
  let checksumAt: number | undefined
  for (const tlv of tlvs) {
    bytes[at] = tlv.type
    const length = valueBytes(tlv)
    bytes.writeUInt16BE(length, at + 1)
    at += wire.TLV_HEAD_BYTES
    if (tlv.type === wire.TLV_CRC32C) checksumAt = at
    else bytes.set(tlv.value, at)
    at += length
  }
  if (checksumAt !== undefined) bytes.writeUInt32BE(checksumOf(bytes, checksumAt), checksumAt)
}
