// What a request asks of the upstream pools, and what they answer with.

import type { CloseCause } from '../core/close-cause.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { HttpProtocol } from '../codec/http-stream.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

export interface StreamNeed {
  /** An upgrade (not a CONNECT): over HTTP/2 it needs extended CONNECT. */
  readonly upgrade: boolean
  readonly downstreamProtocol: HttpProtocol
  /** Server name for TLS when the cluster takes it from the request; '' otherwise. */
  readonly serverName: string
  readonly priority: 'default' | 'high'
}

/** Why no stream could be had. */
export interface UpstreamFailure {
  readonly code: ErrorCode
  /** For the reason header, the body and the log; no secrets. */
  readonly explanation: string
  /** `%UPSTREAM_TRANSPORT_FAILURE_REASON%`; '' when it does not apply. */
  readonly transportFailure: string
  readonly cause: CloseCause | undefined
  readonly endpoint: Endpoint | undefined
}

/** Gets exactly one of the two calls, perhaps before `acquire` returns. */
export interface StreamWaiter {
  /** The connection has room for one stream: call `connection.client.request` before returning. */
  onStreamReady(connection: UpstreamConnection): void
  onStreamFailed(failure: UpstreamFailure): void
}

/** A request that waits for a connection. */
export interface Ticket {
  /** The request is no longer wanted; no call follows. */
  cancel(): void
}
