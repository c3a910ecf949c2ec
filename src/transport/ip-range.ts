// IP addresses as numbers, and whether they lie in the ranges of a configuration. IPv4-mapped IPv6 addresses (RFC 4291
// §2.5.5.2) are the IPv4 addresses they stand for.

import { isIP } from 'node:net'
import type { AddressRange } from '../config/model/address.ts'
import { ipv6Groups } from './address.ts'

/** 16 bits per group: two groups are IPv4, eight are IPv6. */
export type IpGroups = readonly number[]

export interface IpRange {
  readonly groups: IpGroups
  readonly prefixLength: number
}

/** The groups of `text`; undefined when it is no address, or one with a zone. */
export function ipGroups(text: string): IpGroups | undefined {
  const family = text.includes('%') ? 0 : isIP(text)
  if (family === 0) return undefined
  if (family === 4) return ipv4Groups(text)
  const groups = ipv6Groups(text)
  return inRange(groups, MAPPED) ? groups.slice(6) : groups
}

/** A range ready for comparing; undefined when its address is none. */
export function ipRange({ address, prefixLength }: AddressRange): IpRange | undefined {
  const groups = address.includes(':') ? ipv6Groups(address) : ipGroups(address)
  if (groups === undefined) return undefined
  const mapped = groups.length === 8 && prefixLength >= 96 && inRange(groups, MAPPED)
  return mapped ? { groups: groups.slice(6), prefixLength: prefixLength - 96 } : { groups, prefixLength }
}

/** Whether the address of a connection lies in a configured range. False for socket paths and internal listeners. */
export function inAddressRange(range: AddressRange, ip: string): boolean {
  // The zone of a link-local address says on which link it is, not in which range (RFC 4007 §11).
  const groups = ipGroups(ip.split('%')[0] ?? '')
  const known = parsed.get(range) ?? ipRange(range)
  if (groups === undefined || known === undefined) return false
  parsed.set(range, known)
  return inRange(groups, known)
}

/** Configured ranges are parsed once. */
const parsed = new WeakMap<AddressRange, IpRange>()

/** Whether an address of the same family begins with the range's prefix. */
export function inRange(ip: IpGroups, range: IpRange): boolean {
  if (ip.length !== range.groups.length) return false
  for (let i = 0, left = range.prefixLength; left > 0; i++, left -= 16) {
    const difference = (ip[i] ?? 0) ^ (range.groups[i] ?? 0)
    if (difference >>> Math.max(0, 16 - left) !== 0) return false
  }
  return true
}

const MAPPED: IpRange = { groups: [0, 0, 0, 0, 0, 0xffff, 0, 0], prefixLength: 96 }

function ipv4Groups(text: string): IpGroups {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number)
  return [a * 256 + b, c * 256 + d]
}
