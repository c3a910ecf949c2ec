// A record of one WebSocket exchange for tests of formats and logs: believable values everywhere, any of them replaced.

import { nextConnectionId, nextStreamId } from '../../src/core/ids.ts'
import { HeaderList } from '../../src/codec/header-list.ts'
import type { RequestHead, ResponseHead } from '../../src/codec/http-stream.ts'
import { parseFormat } from '../../src/config/model/format-parse.ts'
import type { FormatTemplate } from '../../src/config/model/format-template.ts'
import type { StreamFacts, WebSocketFacts } from '../../src/format/stream-facts.ts'
import type { StreamAddress } from '../../src/transport/byte-stream.ts'

/** 2026-11-21T03:27:01.045Z. */
export const START_WALL_MS = Date.UTC(2026, 10, 21, 3, 27, 1, 45)

export function exchangeFacts(changes: Partial<StreamFacts> = {}): StreamFacts {
  return {
    streamId: nextStreamId(),
    connectionId: nextConnectionId(),
    startWallMs: START_WALL_MS,
    times: {
      start: 1000,
      requestEnd: 1001.5,
      upstreamStart: 1002,
      upstreamReady: 1005.25,
      upstreamRequestEnd: 1006,
      upstreamResponseStart: 1010,
      upstreamResponseEnd: 9000,
      downstreamResponseStart: 1011,
      end: 9100.75,
    },
    now: 9101,
    logType: 'DownstreamEnd',
    downstream: { local: address('127.0.0.1', 10000), remote: address('10.1.2.3', 51234) },
    downstreamRemoteIp: '203.0.113.77',
    downstreamRemotePort: 0,
    listenerName: 'ingress',
    filterChainName: '',
    request: requestHead(),
    requestTarget: requestHead().path,
    response: responseHead(),
    responseTrailers: undefined,
    responseCode: 101,
    responseCodeDetails: 'via_upstream',
    flags: [],
    bytesReceived: 1200,
    bytesSent: 4600,
    routeName: 'chat',
    virtualHostName: 'all',
    routePlace: { file: 'sluice.yaml', line: 14, column: 9, path: 'static_resources' },
    clusterName: 'app',
    upstream: { local: address('127.0.0.1', 40000), remote: address('127.0.0.1', 3000) },
    upstreamHostName: 'app.internal:3000',
    upstreamProtocol: 'HTTP/2',
    upstreamConnectionId: 7,
    upstreamTransportFailure: '',
    downstreamTransportFailure: '',
    attempts: 1,
    attemptedHosts: ['127.0.0.1:3000'],
    localReplyBody: '',
    cause: { by: 'client', layer: 'websocket', code: 'finished', detail: '' },
    upgradeType: 'websocket',
    tunnelled: true,
    webSocketReceived: webSocket({ messages: 3, closeCode: 1001, closeReason: 'going away' }),
    webSocketSent: webSocket({ messages: 9, closeCode: 1001 }),
    ...changes,
  }
}

export function requestHead(fields: readonly string[] = [], changes: Partial<RequestHead> = {}): RequestHead {
  return {
    method: 'GET',
    scheme: 'http',
    authority: 'echo.example',
    path: '/chat?room=a%20b&token=x',
    protocol: 'HTTP/1.1',
    headers: new HeaderList([
      'user-agent',
      'test/1',
      'x-request-id',
      'deadbeef-1111-4222-8333-444455556666',
      ...fields,
    ]),
    tunnel: { kind: 'upgrade', type: 'websocket' },
    ...changes,
  }
}

export const responseHead = (fields: readonly string[] = []): ResponseHead => ({
  status: 101,
  reason: '',
  headers: new HeaderList(['x-envoy-upstream-service-time', '4', ...fields]),
})

export const webSocket = (changes: Partial<WebSocketFacts>): WebSocketFacts => ({
  messages: 0,
  frames: 0,
  pings: 0,
  pongs: 0,
  payloadBytes: 0,
  largestMessage: 0,
  closeCode: undefined,
  closeReason: '',
  ...changes,
})

export const address = (ip: string, port: number): StreamAddress => ({
  ip,
  port,
  text: port === 0 ? ip : ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`,
})

/** Parses a format that must be valid. */
export function template(source: string): FormatTemplate {
  const parsed = parseFormat(source)
  if (parsed.kind === 'refused') throw new Error(parsed.message)
  return parsed.template
}
