// Stream addresses in the one spelling that logs, matchers and headers use.

import type { Buffer } from 'node:buffer'
import { SocketAddress } from 'node:net'
import type { StreamAddress } from './byte-stream.ts'

/** The address of an end that has no name: an unbound pipe, or a socket that was gone before it was asked. */
export const NO_ADDRESS: StreamAddress = { ip: '', port: 0, text: '' }

/** `1.2.3.4:80`, `[::1]:80`. An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) is written as the IPv4 address it stands for. */
export function tcpAddress(ip: string, port: number): StreamAddress {
  const plain = ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice(7) : ip
  return { ip: plain, port, text: plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}` }
}

/** A Unix socket: its path, or `@name` for an abstract one. */
export function pipeAddress(path: string): StreamAddress {
  return { ip: path, port: 0, text: path }
}

/** The eight groups of an IPv6 address (RFC 4291 §2.2), `::` and a dotted tail expanded; a zone is dropped. */
export function ipv6Groups(ip: string): number[] {
  const [address = ''] = ip.split('%')
  const [head = '', tail] = address.split('::')
  const left = ipv6Parts(head)
  if (tail === undefined) return left
  const right = ipv6Parts(tail)
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
}

function ipv6Parts(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [parseInt(part, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

/** The one spelling of an IPv6 address (RFC 5952), so that addresses can be compared as text. */
export const canonicalIpv6 = (ip: string): string => new SocketAddress({ family: 'ipv6', address: ip }).address

/** The canonical text of the 16 bytes at `at`; an IPv4-mapped address as `::ffff:1.2.3.4`. */
export function ipv6Text(bytes: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(at + 2 * index).toString(16))
  return canonicalIpv6(groups.join(':'))
}
