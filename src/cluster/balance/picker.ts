// The contract of load balancing: a picker is a snapshot of the endpoints that may be chosen now. When the cluster changes
// it gets another picker; nothing is locked or awaited to choose.

import type { Random } from '../../core/random.ts'
import type { StreamAddress } from '../../transport/byte-stream.ts'
import type { Endpoint } from '../endpoint.ts'

/** Which endpoint a request would have, as far as balancing leaves a choice. */
export interface PickWishes {
  /** 64 bits; undefined = none of the hash policies gave one, so chance decides. */
  readonly hash?: bigint | undefined
  /** Text of the address of the endpoint that an affinity asks for. Wins over the balancing while it is usable. */
  readonly preferred?: string | undefined
  /** No endpoint but the preferred one will do. */
  readonly strict?: boolean | undefined
  /** Endpoints that a retry's predicates turn down, and how often another is picked in search of one they do not. */
  readonly rejects?: ((endpoint: Endpoint) => boolean) | undefined
  readonly repicks?: number | undefined
  /** Priorities that a retry leaves while another one has endpoints. Envoy: previous_priorities. */
  readonly triedPriorities?: readonly number[] | undefined
}

export interface PickContext extends PickWishes {
  /** Endpoints that were tried for this request and failed; they are avoided while there are others. */
  readonly tried: readonly Endpoint[]
  /** For clusters that dial what is named: see `targetFrom` and `targetOfConnection`. */
  readonly target?: string | undefined
  /** Where the client's connection was on its way to before the system redirected it, for original-dst clusters. */
  readonly original?: StreamAddress | undefined
}

/** Nothing was tried yet. */
export const FIRST_TRY: PickContext = { tried: [] }

export interface Picker {
  /**
   * Never empty-handed: a picker is made of at least one endpoint. `hash`: see `PickContext`. `attempt`: how many picks for
   * this request were thrown away; those that go by the hash look elsewhere then.
   */
  pick(hash?: bigint, attempt?: number): Endpoint
}

/** An endpoint and its part of the whole: those of a picker sum up to 1. */
export interface Share {
  readonly endpoint: Endpoint
  readonly part: number
}

/** What pickers work with. */
export interface PickerTools {
  readonly random: Random
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** Endpoints of a picker. */
export type Candidates = readonly [Endpoint, ...Endpoint[]]

/** Whether all weights are one another's equal, which most clusters' are. */
export const evenWeights = (endpoints: Candidates): boolean =>
  endpoints.every((endpoint) => endpoint.config.weight === endpoints[0].config.weight)

/** 64 random bits, for a request without a hash. */
export const randomHash = (random: Random): bigint =>
  (BigInt(Math.floor(random() * 0x100000000)) << 32n) | BigInt(Math.floor(random() * 0x100000000))
