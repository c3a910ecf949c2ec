// What is known about one exchange while it lives and after it ended: what command operators print, log filters test
// and header values are made of. The connection manager fills it in; nothing here is computed unless somebody reads it.

import type { CloseCause } from '../core/close-cause.ts'
import type { StreamId, ConnectionId } from '../core/ids.ts'
import type { HeaderList } from '../codec/header-list.ts'
import type { RequestHead, ResponseHead } from '../codec/http-stream.ts'
import type { Place } from '../config/model/place.ts'
import type { StreamInfo } from '../transport/byte-stream.ts'

/** WebSocket facts of one direction, from the frame observer. */
export interface WebSocketFacts {
  readonly messages: number
  readonly frames: number
  readonly pings: number
  readonly pongs: number
  /** Bytes of payload of all messages, as on the wire. */
  readonly payloadBytes: number
  /** Largest message in bytes of payload. */
  readonly largestMessage: number
  /** Undefined until a Close frame with a code passed. */
  readonly closeCode: number | undefined
  readonly closeReason: string
}

/** Monotonic milliseconds of the points that durations are measured between; undefined when not reached. */
export interface StreamTimes {
  /** Request head complete. */
  start: number
  requestEnd: number | undefined
  upstreamStart: number | undefined
  upstreamReady: number | undefined
  upstreamRequestEnd: number | undefined
  upstreamResponseStart: number | undefined
  upstreamResponseEnd: number | undefined
  downstreamResponseStart: number | undefined
  end: number | undefined
}

/** Values of `%ACCESS_LOG_TYPE%` that an HTTP connection manager, a TCP proxy or a UDP proxy emits. */
export type AccessLogType =
  | 'NotSet'
  | 'DownstreamStart'
  | 'DownstreamPeriodic'
  | 'DownstreamEnd'
  | 'DownstreamTunnelSuccessfullyEstablished'
  | 'UpstreamEnd'
  | 'TcpConnectionStart'
  | 'TcpUpstreamConnected'
  | 'TcpPeriodic'
  | 'TcpConnectionEnd'
  | 'UdpTunnelUpstreamConnected'
  | 'UdpPeriodic'
  | 'UdpSessionEnd'

/** Values of `%UPSTREAM_DETECTED_CLOSE_TYPE%`. */
export type CloseType = 'Normal' | 'LocalReset' | 'RemoteReset'

export interface StreamFacts {
  readonly streamId: StreamId
  readonly connectionId: ConnectionId
  /** Wall clock, ms since the epoch, of `times.start`. */
  readonly startWallMs: number
  readonly times: StreamTimes
  /** Time of reading, in the clock of `times`. */
  now: number
  logType: AccessLogType
  readonly downstream: StreamInfo
  /** Client address after X-Forwarded-For; the direct one when not used. */
  downstreamRemoteIp: string
  downstreamRemotePort: number
  readonly listenerName: string
  readonly filterChainName: string
  /** As received and as changed; undefined when no head could be parsed. */
  request: RequestHead | undefined
  /** Path and query as received; '' when there are none. */
  readonly requestTarget: string
  /** As sent to the client. */
  response: ResponseHead | undefined
  responseTrailers: HeaderList | undefined
  /** 0 until there is one. */
  responseCode: number
  /** Envoy's details, with blanks as `_`; '' until known. */
  responseCodeDetails: string
  /** Envoy's short flags in the order they were set. */
  readonly flags: string[]
  /** Body or tunnel bytes. */
  bytesReceived: number
  bytesSent: number
  routeName: string
  virtualHostName: string
  /** Place of the route in the configuration. */
  routePlace: Place | undefined
  clusterName: string
  upstream: StreamInfo | undefined
  upstreamHostName: string
  upstreamProtocol: string
  upstreamConnectionId: number
  upstreamTransportFailure: string
  downstreamTransportFailure: string
  /** Attempts so far; 0 = none. */
  attempts: number
  /** `text:port` of the endpoints tried, in order. */
  readonly attemptedHosts: string[]
  localReplyBody: string
  /** Why the exchange ended, once it has. */
  cause: CloseCause | undefined
  /** `websocket`, another upgrade type, `CONNECT`, or '' for an ordinary request. Set at the request. */
  upgradeType: string
  /** The tunnel was accepted. */
  tunnelled: boolean
  /** Bytes from the client and to the client; undefined on anything but an observed WebSocket. */
  webSocketReceived: WebSocketFacts | undefined
  webSocketSent: WebSocketFacts | undefined
  /** SNI that an inspector read where no TLS session ends here. */
  requestedServerName?: string
  /** Why the proxy itself closed the client's connection, in Envoy's words; absent when somebody else did. */
  localCloseReason?: string
  /** How each end of a TCP session went away. */
  downstreamCloseType?: CloseType
  upstreamCloseType?: CloseType
  /** The health-check filter recognised a probe; logs may leave it out. */
  healthCheck?: boolean
}
