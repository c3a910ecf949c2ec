// The blank record of an exchange or a TCP session, filled in while it lives.

import type { Clock } from '../core/clock.ts'
import { nextStreamId, type ConnectionId } from '../core/ids.ts'
import type { RequestHead } from '../codec/http-stream.ts'
import type { StreamFacts } from './stream-facts.ts'
import type { StreamInfo } from '../transport/byte-stream.ts'

/** Names of where a connection came in. */
export interface Entrance {
  readonly listenerName: string
  readonly filterChainName: string
}

/** Facts of something that starts now on a connection. */
export function blankFacts(
  clock: Clock,
  connectionId: ConnectionId,
  downstream: StreamInfo,
  entrance: Entrance,
  head: RequestHead | undefined,
): StreamFacts {
  const now = clock.now()
  return {
    streamId: nextStreamId(),
    connectionId,
    startWallMs: clock.wallNow(),
    times: {
      start: now,
      requestEnd: undefined,
      upstreamStart: undefined,
      upstreamReady: undefined,
      upstreamRequestEnd: undefined,
      upstreamResponseStart: undefined,
      upstreamResponseEnd: undefined,
      downstreamResponseStart: undefined,
      end: undefined,
    },
    now,
    logType: 'NotSet',
    downstream,
    downstreamRemoteIp: downstream.remote.ip,
    downstreamRemotePort: downstream.remote.port,
    listenerName: entrance.listenerName,
    filterChainName: entrance.filterChainName,
    request: head,
    requestTarget: head?.path ?? '',
    response: undefined,
    responseTrailers: undefined,
    responseCode: 0,
    responseCodeDetails: '',
    flags: [],
    bytesReceived: 0,
    bytesSent: 0,
    routeName: '',
    virtualHostName: '',
    routePlace: undefined,
    clusterName: '',
    upstream: undefined,
    upstreamHostName: '',
    upstreamProtocol: '',
    upstreamConnectionId: 0,
    upstreamTransportFailure: '',
    downstreamTransportFailure: '',
    attempts: 0,
    attemptedHosts: [],
    localReplyBody: '',
    cause: undefined,
    upgradeType: '',
    tunnelled: false,
    webSocketReceived: undefined,
    webSocketSent: undefined,
  }
}

/** Adds a response flag once. */
export function addFlag(facts: StreamFacts, flag: string): void {
  if (flag !== '' && !facts.flags.includes(flag)) facts.flags.push(flag)
}
