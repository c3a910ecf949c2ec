// Which hosts a proxy that dials what its clients name may dial. Sluice's own: Envoy has no such check.

import type { AddressRange } from './address.ts'
import type { Place } from './place.ts'

/** A host and port that may be dialled although the policy would refuse it, or the only ones when `onlyAllowed`. */
export interface TargetRule {
  /** Lower-case name, `*.suffix`, or `*`; undefined when `range` decides. */
  readonly host: string | undefined
  readonly range: AddressRange | undefined
  /** Ports, inclusive; undefined = all. */
  readonly ports: readonly { readonly from: number; readonly to: number }[] | undefined
}

/**
 * Without a matching `allow` rule these are refused: loopback, link-local, private, unique-local, shared, multicast,
 * unspecified and reserved ranges, and the proxy's own listeners. Judged on the address that is dialled, after DNS.
 */
export interface TargetPolicy {
  readonly allow: readonly TargetRule[]
  /** Refuse everything that no rule allows. */
  readonly onlyAllowed: boolean
  readonly place: Place
}
