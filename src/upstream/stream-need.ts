// What a request asks of the upstream pools, and what they answer with.

import type { CloseCause } from '../core/close-cause.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { ConnectionId } from '../core/ids.ts'
import type { ProxyProtocolSend } from '../config/model/proxy-protocol.ts'
import type { StreamInfo } from '../transport/byte-stream.ts'
import type { ReplayableStream } from '../transport/replay.ts'
import type { PickWishes } from '../cluster/balance/picker.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { HttpProtocol } from '../codec/http-stream.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

/** What a connection must be dialled for. Two requests share connections only when their keys are equal. */
export interface DialNeed extends PickWishes {
  /** Server name for TLS when the cluster takes it from the request; '' otherwise. */
  readonly serverName: string
  readonly priority: 'default' | 'high'
  /**
   * The client's connection: for PROXY headers, passed metadata, the original destination. Undefined when the cluster
   * has no use for it.
   */
  readonly downstream?: DownstreamOrigin | undefined
  /**
   * `host:port` that the request names, for original-dst and dynamic-forward-proxy clusters; undefined = the
   * connection's original destination.
   */
  readonly target?: string | undefined
  /** Endpoints that failed before; another one is preferred. */
  readonly tried?: readonly Endpoint[] | undefined
}

/** The client's connection, as far as an upstream connection may depend on it. */
export interface DownstreamOrigin {
  readonly connectionId: ConnectionId
  readonly info: StreamInfo
  /** Overrides the cluster's PROXY header: `proxy_protocol_config` of a terminated CONNECT. */
  readonly proxyProtocol?: ProxyProtocolSend | undefined
  /** In place of the received ones (`info.state.tlvs`): those of a tcp_proxy, already merged with them and evaluated. */
  readonly tlvs?: readonly { readonly type: number; readonly value: Buffer }[]
}

export interface StreamNeed extends DialNeed {
  /** An upgrade (not a CONNECT): over HTTP/2 it needs extended CONNECT. */
  readonly upgrade: boolean
  readonly downstreamProtocol: HttpProtocol
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

/** A TCP (or TLS) connection that belongs to whoever asked for it. */
export interface RawConnection {
  readonly id: ConnectionId
  readonly endpoint: Endpoint
  /** Without a sink; not read yet. */
  readonly stream: ReplayableStream
  /** Called once when the stream is gone: gives the slots back and counts the end. */
  release(cause: CloseCause): void
}

/** Gets exactly one of the two calls, perhaps before `connect` returns. */
export interface ConnectWaiter {
  onConnected(connection: RawConnection): void
  onConnectFailed(failure: UpstreamFailure): void
}

/** A request that waits for a connection. */
export interface Ticket {
  /** The request is no longer wanted; no call follows. */
  cancel(): void
}
