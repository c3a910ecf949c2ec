// The facts of one admin request, for `admin.access_log`.

import type { IncomingMessage } from 'node:http'
import type { Clock } from '../core/clock.ts'
import { nextConnectionId, type ConnectionId } from '../core/ids.ts'
import { HeaderList } from '../codec/header-list.ts'
import type { RequestHead } from '../codec/http-stream.ts'
import { blankFacts } from '../format/blank-facts.ts'
import type { StreamFacts } from '../format/stream-facts.ts'
import { NO_ADDRESS, tcpAddress } from '../transport/address.ts'
import type { StreamAddress } from '../transport/byte-stream.ts'

const connectionIds = new WeakMap<object, ConnectionId>()

/** A record that begins now; the caller fills in the answer. */
export function adminFacts(request: IncomingMessage, clock: Clock): StreamFacts {
  const { socket } = request
  const info = {
    local: address(socket.localAddress, socket.localPort),
    remote: address(socket.remoteAddress, socket.remotePort),
  }
  const facts = blankFacts(clock, connectionIdOf(socket), info, ENTRANCE, head(request))
  facts.times.requestEnd = facts.times.start
  facts.logType = 'DownstreamEnd'
  facts.responseCodeDetails = 'admin_filter_response'
  return facts
}

const ENTRANCE = { listenerName: 'admin', filterChainName: '' }

function connectionIdOf(socket: object): ConnectionId {
  const known = connectionIds.get(socket)
  if (known !== undefined) return known
  const id = nextConnectionId()
  connectionIds.set(socket, id)
  return id
}

/** An address of the socket; a pipe has none. */
const address = (ip: string | undefined, port: number | undefined): StreamAddress =>
  ip === undefined || port === undefined ? NO_ADDRESS : tcpAddress(ip, port)

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
