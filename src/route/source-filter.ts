// Which clients a route takes, by address. Easegress: ipFilter.

import { BlockList, isIP } from 'node:net'
import type { AddressRange } from '../config/model/address.ts'
import type { RouteMatch, SourceFilter } from '../config/model/route.ts'

/** Tells whether a client's address is let in; '' or anything else that is no IP address has the filter's default. */
export type SourceTest = (clientIp: string) => boolean

/** The filters of a match, those asked before the path apart; undefined where there are none. */
export interface SourceTests {
  readonly beforePath: SourceTest | undefined
  readonly afterPath: SourceTest | undefined
}

/** Compiles `sources`: every filter must let the client in. */
export function compileSources(sources: RouteMatch['sources']): SourceTests {
  const filters = sources === undefined ? [] : isList(sources) ? sources : [sources]
  return {
    beforePath: all(filters.filter((filter) => filter.beforePath === true)),
    afterPath: all(filters.filter((filter) => filter.beforePath !== true)),
  }
}

const isList = (sources: NonNullable<RouteMatch['sources']>): sources is readonly SourceFilter[] =>
  Array.isArray(sources)

function all(filters: readonly SourceFilter[]): SourceTest | undefined {
  const tests = filters.map(compileSourceFilter)
  return tests.length === 0 ? undefined : (clientIp) => tests.every((test) => test(clientIp))
}

/** An allow list keeps everybody else out; who is on both lists, or on neither, gets the default. */
export function compileSourceFilter({ allow, block, blockByDefault }: SourceFilter): SourceTest {
  const allowed = addressSet(allow)
  const blocked = addressSet(block)
  return (clientIp) => {
    const family = FAMILIES.get(isIP(clientIp))
    // Easegress lets an address that it cannot read pass an allow list; here nobody unknown passes one.
    if (family === undefined) return allow.length === 0 && !blockByDefault
    const onAllowed = allowed.check(clientIp, family)
    if (allow.length > 0 && !onAllowed) return false
    const onBlocked = blocked.check(clientIp, family)
    return onAllowed === onBlocked ? !blockByDefault : onAllowed
  }
}

const FAMILIES: ReadonlyMap<number, 'ipv4' | 'ipv6'> = new Map([
  [4, 'ipv4'],
  [6, 'ipv6'],
])

function addressSet(ranges: readonly AddressRange[]): BlockList {
  const set = new BlockList()
  for (const { address, prefixLength } of ranges)
    set.addSubnet(address, prefixLength, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return set
}
