// Whether an answer, or the lack of one, is a reason to try again. Envoy: the retry_on words of the router filter and its
// RetryState, which this follows case by case.

import { errorEntry, type ErrorCode } from '../../../core/errors.ts'
import { HeaderList } from '../../../codec/header-list.ts'
import type { ResponseHead } from '../../../codec/http-stream.ts'
import type { RetryCondition } from '../../../config/model/retry.ts'
import type { RetryPlan } from './retry-plan.ts'

/** What is known of a try that brought no answer. */
export interface Loss {
  readonly code: ErrorCode
  /** The request's head had gone out. */
  readonly sent: boolean
}

/** Whether a final answer (never an accepted tunnel) is to be thrown away for another try. */
export function retriesAnswer(plan: RetryPlan, head: ResponseHead, headerPrefix: string): boolean {
  const { on } = plan
  const { status, headers } = head
  // Told to slow down by a rate limiter: only who says that this, too, is retried does.
  if (headers.has(`${headerPrefix}-ratelimited`)) return on.has('envoy-ratelimited')
  if (on.has('5xx') && status >= 500 && status <= 599) return true
  if (on.has('gateway-error') && status >= 502 && status <= 504) return true
  if (on.has('retriable-4xx') && status === 409) return true
  if (on.has('retriable-status-codes') && plan.statuses.has(status)) return true
  if (on.has('retriable-headers') && headersMatch(plan, head)) return true
  const grpc = GRPC_CONDITIONS.get(headers.get('grpc-status') ?? '')
  return grpc !== undefined && on.has(grpc)
}

/** The statuses of gRPC that can be retried, as a trailers-only answer has them in its head. */
const GRPC_CONDITIONS: ReadonlyMap<string, RetryCondition> = new Map([
  ['1', 'cancelled'],
  ['4', 'deadline-exceeded'],
  ['8', 'resource-exhausted'],
  ['13', 'internal'],
  ['14', 'unavailable'],
])

function headersMatch({ headers: tests }: RetryPlan, { status, headers }: ResponseHead): boolean {
  if (tests.length === 0) return false
  const fields = new HeaderList([':status', String(status), ...headers.fields])
  const head = { method: '', scheme: '', authority: '', path: '', headers: fields }
  return tests.some((test) => test(head))
}

/** Whether a try that failed is followed by another one. */
export function retriesLoss({ on }: RetryPlan, { code, sent }: Loss): boolean {
  if (!errorEntry(code).retriable && !ENDED_HERE.has(code)) return false
  if (on.has('reset') || on.has('5xx') || on.has('gateway-error')) return true
  if (on.has('reset-before-request') && !sent) return true
  if (on.has('refused-stream') && code === 'upstream_refused_stream') return true
  return on.has('connect-failure') && !sent && CONNECT_FAILURES.has(code)
}

/** Given up by a limit of this try, not of the request. */
const ENDED_HERE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['upstream_max_stream_duration'])

const CONNECT_FAILURES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'upstream_connection_failure',
  'upstream_connection_timeout',
  'upstream_tls_failure',
])
