// The network that an address belongs to, as CIDR text, for `%…_ADDRESS_WITHOUT_PORT(24)%`.

import { isIPv4, isIPv6, SocketAddress } from 'node:net'

/** `10.1.2.3`, 16 → `10.1.0.0/16`; undefined when `ip` is no address or the length does not fit it. */
export function maskAddress(ip: string, prefixLength: number): string | undefined {
  const family = isIPv4(ip) ? 4 : isIPv6(ip) ? 6 : undefined
  if (family === undefined || prefixLength > (family === 4 ? 32 : 128)) return undefined
  const groups = family === 4 ? ip.split('.').map(Number) : groupsOf(ip)
  const width = family === 4 ? 8 : 16
  const masked = groups.map((group, index) => maskGroup(group, prefixLength - index * width, width))
  const text = family === 4 ? masked.join('.') : canonical(masked)
  return `${text}/${prefixLength}`
}

/** Keeps the first `bits` of a group. */
function maskGroup(group: number, bits: number, width: number): number {
  if (bits >= width) return group
  return bits <= 0 ? 0 : group & (((1 << bits) - 1) << (width - bits))
}

/** The eight groups of an IPv6 address (RFC 4291 §2.2), `::` and a dotted tail expanded; a zone is dropped. */
function groupsOf(ip: string): number[] {
  const [address = ''] = ip.split('%')
  const [head = '', tail] = address.split('::')
  const left = parts(head)
  if (tail === undefined) return left
  const right = parts(tail)
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
}

function parts(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [parseInt(part, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

const canonical = (groups: readonly number[]): string =>
  new SocketAddress({ family: 'ipv6', address: groups.map((group) => group.toString(16)).join(':') }).address
