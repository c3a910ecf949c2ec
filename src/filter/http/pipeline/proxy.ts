// The steps that forward (Easegress: Proxy, WebSocketProxy): which action, behind which breaker, and what result an answer or
// a failure has.

import type { Clock } from '../../../core/clock.ts'
import { type ErrorCode, errorEntry } from '../../../core/errors.ts'
import { SlidingBreaker } from '../../../cluster/sliding-breaker.ts'
import type { PipelineFilter } from '../../../config/model/pipeline.ts'
import { CallGate } from './call-gate.ts'
import type { Forwarding, StepFilter } from './step.ts'

type Proxy = Extract<PipelineFilter, { kind: 'proxy' }>
type WebSocketProxy = Extract<PipelineFilter, { kind: 'websocket-proxy' }>

export function proxy({ action, breaker, failureStatuses }: Proxy, clock: Clock): StepFilter {
  const gate = breaker === undefined ? undefined : new CallGate(new SlidingBreaker(breaker, clock), clock)
  return forwarding({ action, gate, resultOf: (status) => (failureStatuses.has(status) ? 'failureCode' : '') })
}

/** A server that refuses the upgrade with a fault of its own is a failure of the server. */
export function webSocketProxy({ action }: WebSocketProxy): StepFilter {
  return forwarding({ action, gate: undefined, resultOf: (status) => (status >= 500 ? 'serverError' : '') })
}

function forwarding(forward: Forwarding): StepFilter {
  const outcome = { kind: 'forward', forward } as const
  return { side: 'request', onTunnel: false, run: () => outcome }
}

const NOBODY: ReadonlySet<ErrorCode> = new Set([
  'no_healthy_upstream',
  'dns_resolution_failed',
  'cluster_not_found',
  'upstream_overflow',
])

const TIMEOUTS: ReadonlySet<ErrorCode> = new Set([
  'response_timeout',
  'per_try_timeout',
  'stream_idle_timeout',
  'max_stream_duration',
  'upstream_max_stream_duration',
])

/** The result of a request that the proxy answered itself, because nothing came back. */
export function failureResult(code: ErrorCode): 'clientError' | 'internalError' | 'serverError' | 'timeout' {
  if (TIMEOUTS.has(code)) return 'timeout'
  if (NOBODY.has(code)) return 'internalError'
  const { fault } = errorEntry(code)
  if (fault === 'client') return 'clientError'
  return fault === 'upstream' ? 'serverError' : 'internalError'
}
