// What attempts tell the outlier detection of their endpoint. A gRPC answer that consists of trailers counts as the HTTP
// status that its own one stands for (Envoy: Grpc::Utility::grpcToHttpStatus).

import type { ErrorCode } from '../core/errors.ts'
import type { ResponseHead } from '../codec/http-stream.ts'
import type { Endpoint } from '../cluster/endpoint.ts'

/** A final answer came, whatever becomes of it. */
export function reportAnswer({ outlier }: Endpoint, { status, headers }: ResponseHead): void {
  if (outlier === undefined) return
  const grpc = headers.get('grpc-status')
  outlier.httpStatus(grpc === undefined ? status : (GRPC_TO_HTTP[Number(grpc)] ?? 500))
}

// By number, 0 to 16.
const GRPC_TO_HTTP = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401]

/** An attempt was lost after its connection stood, and before it was answered. */
export function reportLoss({ outlier }: Endpoint, code: ErrorCode): void {
  if (outlier === undefined) return
  if (TIMEOUTS.has(code)) outlier.localOrigin('timeout')
  else if (BAD_ANSWERS.has(code)) outlier.httpStatus(502)
  else if (!OUR_FAULT.has(code)) outlier.localOrigin('reset')
}

const BAD_ANSWERS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'upstream_protocol_error',
  'websocket_invalid_accept',
  'websocket_invalid_selection',
])

const TIMEOUTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'response_timeout',
  'per_try_timeout',
  'per_try_idle_timeout',
])

const OUR_FAULT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'request_with_body_upgrade',
  'early_connect_data',
  'upstream_max_stream_duration',
])

/** No connection to it could be had. */
export function reportConnectFailure({ outlier }: Endpoint, code: ErrorCode): void {
  if (CONNECT_FAILURES.has(code)) outlier?.localOrigin('connect-failure')
}

const CONNECT_FAILURES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'upstream_connection_failure',
  'upstream_connection_timeout',
  'upstream_tls_failure',
])
