// Whether an address lies in a CIDR range of the configuration.

import { BlockList, isIP } from 'node:net'
import type { AddressRange } from '../config/model/address.ts'

const lists = new WeakMap<AddressRange, BlockList>()

/** False for anything but an IP address: socket paths and internal listeners lie in no range. */
export function inAddressRange(range: AddressRange, ip: string): boolean {
  const family = isIP(ip)
  if (family === 0) return false
  let list = lists.get(range)
  if (list === undefined) {
    list = new BlockList()
    list.addSubnet(range.address, range.prefixLength, familyName(isIP(range.address)))
    lists.set(range, list)
  }
  return list.check(ip, familyName(family))
}

const familyName = (family: number): 'ipv4' | 'ipv6' => (family === 6 ? 'ipv6' : 'ipv4')
