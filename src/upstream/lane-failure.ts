// What the requests that wait in a lane are told when there is no connection for them.

import { closeCause, type CloseCause } from '../core/close-cause.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { UpstreamFailure } from './stream-need.ts'

/** A circuit breaker let no more of them wait. */
export function overflow(refusal: string, endpoint: Endpoint): UpstreamFailure {
  return { code: 'upstream_overflow', explanation: refusal, transportFailure: '', cause: undefined, endpoint }
}

/** The connection ended before it carried a stream. */
export function lostUnused(cause: CloseCause, endpoint: Endpoint): UpstreamFailure {
  const code = cause.code === 'upstream_protocol_error' ? cause.code : 'upstream_closed_before_response'
  return { code, explanation: cause.detail, transportFailure: '', cause, endpoint }
}

/** The lane was closed. */
export function failedBy(cause: CloseCause, endpoint: Endpoint): UpstreamFailure {
  const known = closeCause(cause.by, cause.layer, cause.code, cause.detail)
  return {
    code: 'upstream_connection_failure',
    explanation: cause.detail,
    transportFailure: '',
    cause: known,
    endpoint,
  }
}
