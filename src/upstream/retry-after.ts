// When a client may come back that got no endpoint: the Retry-After (RFC 9110 §10.2.3) of such a 503, for requests and upgrades
// alike. A reached circuit breaker has none: nobody knows when a slot is free again, since tunnels hold theirs for as long as
// they live.

import type { ErrorCode } from '../core/errors.ts'

/** Seconds when nothing tells when things may be better. */
const UNKNOWN_S = 10
/** Longest answer, seconds: what is told is only when somebody looks again. */
const LONGEST_S = 300

/** What is used of a cluster. */
interface Recovering {
  readonly runtime: { readonly recoveryInMs: number | undefined }
}

/** Header fields of a local reply with `code`; none unless it says that there is no endpoint. */
export function retryAfter(code: ErrorCode, upstream: Recovering | undefined): readonly (readonly [string, string])[] {
  if (code !== 'no_healthy_upstream' && code !== 'dns_resolution_failed') return NONE
  const ms = upstream?.runtime.recoveryInMs
  const seconds = ms === undefined ? UNKNOWN_S : Math.min(LONGEST_S, Math.max(1, Math.ceil(ms / 1000)))
  return [['retry-after', String(seconds)]]
}

const NONE: readonly (readonly [string, string])[] = []
