// In which order the addresses of one endpoint are dialled (RFC 8305 §4): the families in turns, so that one that does not
// work here costs one head start only. Envoy: happy_eyeballs_config.

import { isIPv6 } from 'node:net'
import type { Address } from '../../config/model/address.ts'
import type { AddressOrder } from '../../config/model/cluster.ts'

const FIRST_OF_EACH: AddressOrder = { first: undefined, count: 1 }

/** Sorts `addresses`, whose order within a family stays. */
export function inDialOrder(
  [best, ...others]: readonly [Address, ...Address[]],
  { first, count }: AddressOrder = FIRST_OF_EACH,
): readonly [Address, ...Address[]] {
  const family = first ?? familyOf(best)
  const all = [best, ...others]
  const preferred = all.filter((address) => familyOf(address) === family)
  const other = all.filter((address) => familyOf(address) !== family)
  const sorted = [...preferred.splice(0, count)]
  while (preferred.length > 0 || other.length > 0) sorted.push(...other.splice(0, 1), ...preferred.splice(0, 1))
  const [head = best, ...tail] = sorted
  return [head, ...tail]
}

const familyOf = (address: Address): 4 | 6 => (address.kind === 'socket' && isIPv6(address.host) ? 6 : 4)
