// The error codes of RFC 9113 §7, and what a code that the peer sent means to this side.

import type { ErrorCode } from '../../core/errors.ts'

export const H2_ERROR = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  connectError: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const

const NAMES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
]

/** The RFC's name of a code; `0x…` when it has none. */
export const h2ErrorName = (code: number): string => NAMES[code] ?? `0x${code.toString(16)}`

/** Which side of the proxy a connection is on; decides whom a cause names and which codes it gets. */
export type Http2Role = 'server' | 'client'

/** What a reset by the peer means, once the final response head was (`late`) or was not yet there. */
export function resetErrorCode(role: Http2Role, code: number, late: boolean): ErrorCode {
  if (role === 'server') return 'client_reset'
  if (late) return 'upstream_reset'
  if (code === H2_ERROR.refusedStream) return 'upstream_refused_stream'
  return code === H2_ERROR.connectError ? 'upstream_connect_error' : 'upstream_reset_before_response'
}

/** What a breach of the protocol by the peer means for a stream. */
export function protocolErrorCode(role: Http2Role, late: boolean): ErrorCode {
  if (role === 'server') return 'http2_protocol_violation'
  return late ? 'upstream_protocol_error_late' : 'upstream_protocol_error'
}

/** What the loss of the connection means for a stream. */
export function lostErrorCode(role: Http2Role, late: boolean): ErrorCode {
  if (role === 'server') return 'client_disconnect'
  return late ? 'upstream_closed' : 'upstream_closed_before_response'
}
