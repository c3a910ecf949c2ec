// Writes IP addresses into a binary header.

import type { Buffer } from 'node:buffer'
import { isIPv4 } from 'node:net'
import { ipv6Groups } from '../../transport/address.ts'

/** Writes four bytes. */
export function writeIpv4(bytes: Buffer, at: number, ip: string): void {
  for (const [index, part] of ip.split('.').entries()) bytes[at + index] = Number(part)
}

/** Writes 16 bytes; an IPv4 address becomes its mapped form (RFC 4291 §2.5.5.2). */
export function writeIpv6(bytes: Buffer, at: number, ip: string): void {
  if (isIPv4(ip)) {
    bytes.fill(0, at, at + 10).fill(0xff, at + 10, at + 12)
    writeIpv4(bytes, at + 12, ip)
    return
  }
  for (const [index, group] of ipv6Groups(ip).entries()) bytes.writeUInt16BE(group, at + 2 * index)
}
