// The network that an address belongs to, as CIDR text, for `%…_ADDRESS_WITHOUT_PORT(24)%`.

import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { ipv6Groups } from '../transport/address.ts'

/** `10.1.2.3`, 16 → `10.1.0.0/16`; undefined when `ip` is no address or the length does not fit it. */
export function maskAddress(ip: string, prefixLength: number): string | undefined {
  const family = isIPv4(ip) ? 4 : isIPv6(ip) ? 6 : undefined
  if (family === undefined || prefixLength > (family === 4 ? 32 : 128)) return undefined
  const groups = family === 4 ? ip.split('.').map(Number) : ipv6Groups(ip)
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

const canonical = (groups: readonly number[]): string =>
  new SocketAddress({ family: 'ipv6', address: groups.map((group) => group.toString(16)).join(':') }).address
