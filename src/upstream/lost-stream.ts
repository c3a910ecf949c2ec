// What the loss of an upstream's stream is called: one name before its response began, another one after.

import type { CloseCause } from '../core/close-cause.ts'
import { errorEntry, type ErrorCode } from '../core/errors.ts'

/** What the loss is called before its response began. */
export function earlyCode(cause: CloseCause): ErrorCode {
  switch (cause.code) {
    case 'upstream_closed':
      return 'upstream_closed_before_response'
    case 'upstream_reset':
      return 'upstream_reset_before_response'
    default:
      return errorEntry(cause.code).status === 0 ? 'upstream_closed_before_response' : cause.code
  }
}

/** What the loss is called after its response began. */
export function lateCause(cause: CloseCause): CloseCause {
  switch (cause.code) {
    case 'upstream_protocol_error':
      return { ...cause, code: 'upstream_protocol_error_late' }
    case 'upstream_closed_before_response':
    case 'upstream_connection_failure':
      return { ...cause, code: 'upstream_closed' }
    case 'upstream_reset_before_response':
    case 'upstream_refused_stream':
      return { ...cause, code: 'upstream_reset' }
    default:
      return cause
  }
}
