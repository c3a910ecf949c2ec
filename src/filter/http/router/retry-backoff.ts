// How long to wait before another try. Envoy: retry_back_off, rate_limited_retry_back_off; Easegress: RetryPolicy.

import type { HeaderList } from '../../../codec/header-list.ts'
import type { RetryPolicy } from '../../../config/model/retry.ts'

/** Milliseconds before retry number `retry` (the first is 0). `random` is in [0, 1). */
export function backoffMs(
  { baseMs, maxMs, kind, randomization }: RetryPolicy['backoff'],
  retry: number,
  random: number,
): number {
  switch (kind) {
    case 'jittered':
      return Math.min(maxMs, baseMs * 2 ** retry) * random
    case 'fixed':
      return baseMs * spread(randomization, random)
    case 'exponential':
      return Math.min(maxMs, baseMs * 1.5 ** retry) * spread(randomization, random)
  }
}

/** A factor in 1 ± randomization. */
const spread = (randomization: number, random: number): number => 1 + randomization * (2 * random - 1)

/**
 * Milliseconds that the answer itself asks to wait, and up to half as much again, so that clients do not come back at once
 * together; undefined when it does not ask, or for longer than is taken.
 */
export function askedPauseMs(
  policy: RetryPolicy,
  headers: HeaderList,
  wallMs: number,
  random: number,
): number | undefined {
  if (policy.rateLimited === undefined) return undefined
  for (const { name, format } of policy.rateLimited.headers) {
    const text = headers.get(name)
    if (text === undefined || !/^\d{1,15}$/.test(text)) continue
    const ms = format === 'seconds' ? Number(text) * 1000 : Number(text) * 1000 - wallMs
    if (ms > 0 && ms <= policy.rateLimited.maxMs) return ms + (ms / 2) * random
  }
  return undefined
}
