// The contract between a session that wants bytes carried to an upstream (tcp_proxy, udp_proxy) and its attempts to get
// there, which are of two kinds: a TCP connection of its own, and a tunnel through an HTTP proxy.

import type { CloseCause } from '../core/close-cause.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { ConnectionId } from '../core/ids.ts'
import type { ByteStream, StreamInfo } from '../transport/byte-stream.ts'
import type { ResponseHead } from '../codec/http-stream.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

/** An upstream that is ready for the client's bytes. */
export interface UpstreamSide {
  readonly stream: ByteStream
  readonly endpoint: Endpoint
  readonly connectionId: ConnectionId
  /** Of the connection that carries `stream`. */
  readonly info: StreamInfo
  /** `%UPSTREAM_PROTOCOL%`; '' for a TCP connection. */
  readonly protocol: string
  readonly hopNote: string
  /**
   * For a TCP connection: calls `close` if its endpoint fails its health checks and the cluster's connections are to end
   * then, until the returned function is called.
   */
  endWithHealth?(close: (cause: CloseCause) => void): () => void
  /** Called once when `stream` is gone, or given up. */
  release(cause: CloseCause): void
}

/** Why an attempt led nowhere. */
export interface AttemptFailure {
  readonly code: ErrorCode
  /** For the log; no secrets. */
  readonly explanation: string
  readonly transportFailure: string
  readonly endpoint: Endpoint | undefined
  /** What an HTTP proxy answered; 0 when it did not come to that. */
  readonly status: number
}

/** Gets exactly one of `onUpstream` and `onAttemptFailed`, perhaps before `start` returns, unless the attempt is cancelled. */
export interface AttemptOwner {
  /** The HTTP proxy was reached and is asked for a tunnel. */
  onAsked?(connection: UpstreamConnection): void
  /** The HTTP proxy's final answer, whatever it means. */
  onAnswer?(head: ResponseHead): void
  onUpstream(side: UpstreamSide): void
  onAttemptFailed(failure: AttemptFailure): void
}

export interface Attempt {
  start(): void
  /** No call follows. */
  cancel(cause: CloseCause): void
}
