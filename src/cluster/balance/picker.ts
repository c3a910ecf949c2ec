// The contract of load balancing: a picker is a snapshot of the endpoints that may be chosen now. When the cluster changes
// it gets another picker; nothing is locked, awaited or allocated to choose.

import type { StreamAddress } from '../../transport/byte-stream.ts'
import type { Endpoint } from '../endpoint.ts'

export interface PickContext {
  /** Endpoints that were tried for this request and failed; they are avoided while there are others. */
  readonly tried: readonly Endpoint[]
  /** For clusters that dial what is named: see `targetFrom` and `targetOfConnection`. */
  readonly target?: string | undefined
  /** Where the client's connection was on its way to before the system redirected it, for original-dst clusters. */
  readonly original?: StreamAddress | undefined
  /** 64 bits; undefined = none of the hash policies gave one, so chance decides. */
  readonly hash?: bigint | undefined
  /** Key of the endpoint that an affinity asks for; see `EndpointAffinity`. Wins over the balancing when it is usable. */
  readonly preferred?: string | undefined
  /** No endpoint but the preferred one will do. */
  readonly strict?: boolean | undefined
  /** Endpoints that a retry's predicates turn down, and how often another is picked in search of one they do not. */
  readonly rejects?: ((endpoint: Endpoint) => boolean) | undefined
  readonly repicks?: number | undefined
}

/** Nothing was tried yet. */
export const FIRST_TRY: PickContext = { tried: [] }

export interface Picker {
  /** Never empty-handed: a picker is made of at least one endpoint. */
  pick(context?: PickContext): Endpoint
}

/** Endpoints of a picker. */
export type Candidates = readonly [Endpoint, ...Endpoint[]]

/** Whether all weights are one another's equal, which most clusters' are. */
export const evenWeights = (endpoints: Candidates): boolean =>
  endpoints.every((endpoint) => endpoint.config.weight === endpoints[0].config.weight)
