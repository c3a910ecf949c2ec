// Retries of a rule. Connection errors are retried whenever there is a retry stanza; a try that takes longer than
// backendRequest counts as one. Gateway API: HTTPRouteRetry.

import { DEFAULT_RETRY, type RetryCondition, type RetryPolicy } from '../../model/retry.ts'
import type { Spot } from '../../source/tree.ts'
import type { HttpRetry } from '../kinds/http-route.ts'

const CONNECTION_ERRORS: readonly RetryCondition[] = ['connect-failure', 'refused-stream', 'reset']

/** Without `attempts` there is one more try. */
const DEFAULT_ATTEMPTS = 1
const MAX_BACKOFF_MS = 10_000

export function lowerRetry(retry: HttpRetry, perTryTimeoutMs: number | undefined, spot: Spot): RetryPolicy {
  const conditions: readonly RetryCondition[] =
    retry.codes.length === 0 ? CONNECTION_ERRORS : [...CONNECTION_ERRORS, 'retriable-status-codes']
  const { backoff } = retry
  return {
    ...DEFAULT_RETRY,
    on: new Set(conditions),
    retries: retry.attempts ?? DEFAULT_ATTEMPTS,
    perTryTimeoutMs,
    // The API's backoff is the least time between tries.
    backoff:
      backoff === undefined
        ? DEFAULT_RETRY.backoff
        : { baseMs: backoff, maxMs: Math.max(backoff, MAX_BACKOFF_MS), kind: 'fixed', randomization: 0 },
    statuses: new Set(retry.codes),
    place: spot.place,
  }
}
