// Who may connect. Envoy: extensions.filters.network.rbac.v3 with config.rbac.v3 rules.

import type { AddressRange } from './address.ts'
import type { Place } from './place.ts'
import type { StringMatch } from './string-match.ts'

export interface NetworkRbac {
  readonly kind: 'rbac'
  readonly statPrefix: string
  readonly rules: RbacRules | undefined
  /** Counted and logged, not enforced. */
  readonly shadowRules: RbacRules | undefined
  readonly shadowStatPrefix: string
  /** `every-read` checks again as bytes arrive. */
  readonly enforcement: 'once' | 'every-read'
  /** How long a refused connection is held; undefined = closed at once. */
  readonly delayDenyMs: number | undefined
  readonly place: Place
}

export interface RbacRules {
  readonly action: 'allow' | 'deny' | 'log'
  readonly policies: readonly RbacPolicy[]
}

/** Matches when one permission and one principal match. */
export interface RbacPolicy {
  readonly name: string
  readonly permissions: readonly RbacCondition[]
  readonly principals: readonly RbacCondition[]
}

/** Permissions and principals in one form; those of HTTP only are refused in a network filter. */
export type RbacCondition =
  | { readonly kind: 'any' }
  | { readonly kind: 'all-of' | 'any-of'; readonly conditions: readonly RbacCondition[] }
  | { readonly kind: 'not'; readonly condition: RbacCondition }
  | { readonly kind: 'destination-ip' | 'direct-remote-ip' | 'remote-ip'; readonly range: AddressRange }
  | { readonly kind: 'destination-port'; readonly from: number; /** Exclusive. */ readonly to: number }
  | { readonly kind: 'server-name'; readonly match: StringMatch }
  /** A name of the client certificate; undefined = any validated certificate. */
  | { readonly kind: 'authenticated'; readonly match: StringMatch | undefined }
