// Who ended a connection or stream, and why. Nothing closes without one of these; the first one wins and is kept.

import type { ErrorCode } from './errors.ts'

/** Who made it end. `operator` is a person or a signal: drain, shutdown, an admin command. */
export type ClosedBy = 'client' | 'upstream' | 'proxy' | 'operator'

/** The layer in which the end was seen or made. */
export type CloseLayer =
  'tcp' | 'udp' | 'tls' | 'http1' | 'http2' | 'http3' | 'websocket' | 'tunnel' | 'http' | 'server'

export interface CloseCause {
  readonly by: ClosedBy
  readonly layer: CloseLayer
  readonly code: ErrorCode
  /** One human sentence or fragment without secrets; '' when the code says it all. */
  readonly detail: string
}

/** Makes a cause. */
export const closeCause = (by: ClosedBy, layer: CloseLayer, code: ErrorCode, detail = ''): CloseCause => ({
  by,
  layer,
  code,
  detail,
})

/** `by layer code: detail`, for one log line. */
export const describeCause = (cause: CloseCause): string =>
  `${cause.by} ${cause.layer} ${cause.code}${cause.detail === '' ? '' : `: ${cause.detail}`}`
