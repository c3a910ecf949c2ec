// The facts of one admin request, for `admin.access_log`.

import type { IncomingMessage } from 'node:http'
import type { Clock } from '../core/clock.ts'
import { nextConnectionId, nextStreamId, type ConnectionId } from '../core/ids.ts'
import { HeaderList } from '../codec/header-list.ts'
import type { RequestHead } from '../codec/http-stream.ts'
import type { StreamFacts } from '../format/stream-facts.ts'
import type { StreamAddress } from '../transport/byte-stream.ts'

const connectionIds = new WeakMap<object, ConnectionId>()

/** A record that begins now; the caller fills in the answer. */
export function adminFacts(request: IncomingMessage, clock: Clock): StreamFacts {
  const now = clock.now()
  const { socket } = request
  const remote = address(socket.remoteAddress, socket.remotePort)
  return {
    streamId: nextStreamId(),
    connectionId: connectionIdOf(socket),
    startWallMs: clock.wallNow(),
    times: {
      start: now,
      requestEnd: now,
      upstreamStart: undefined,
      upstreamReady: undefined,
      upstreamRequestEnd: undefined,
      upstreamResponseStart: undefined,
      upstreamResponseEnd: undefined,
      downstreamResponseStart: undefined,
      end: undefined,
    },
    now,
    logType: 'DownstreamEnd',
    downstream: { local: address(socket.localAddress, socket.localPort), remote },
    downstreamRemoteIp: remote.ip,
    downstreamRemotePort: remote.port,
    listenerName: 'admin',
    filterChainName: '',
    request: head(request),
    response: undefined,
    responseTrailers: undefined,
    responseCode: 0,
    responseCodeDetails: 'admin_filter_response',
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

function connectionIdOf(socket: object): ConnectionId {
  const known = connectionIds.get(socket)
  if (known !== undefined) return known
  const id = nextConnectionId()
  connectionIds.set(socket, id)
  return id
}

/** An address of the socket; a pipe has none. */
function address(ip: string | undefined, port: number | undefined): StreamAddress {
  if (ip === undefined || port === undefined) return { ip: '', port: 0, text: '' }
  return { ip, port, text: ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}` }
}

function head(request: IncomingMessage): RequestHead {
  const headers = new HeaderList()
  const { rawHeaders } = request
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    if (name !== 'host') headers.add(name, rawHeaders[i + 1] ?? '')
  }
  return {
    method: request.method ?? '',
    scheme: 'http',
    authority: request.headers.host ?? '',
    path: request.url ?? '',
    protocol: request.httpVersion === '1.0' ? 'HTTP/1.0' : 'HTTP/1.1',
    headers,
    tunnel: undefined,
  }
}
