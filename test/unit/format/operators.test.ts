import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { describe, test } from 'node:test'
import { HeaderList } from '../../../src/codec/header-list.ts'
import { OPERATORS as PARSED_OPERATORS } from '../../../src/config/model/format-operators.ts'
import { compile } from '../../../src/format/compile.ts'
import { OPERATORS, UNFILLED_OPERATORS } from '../../../src/format/operators.ts'
import { ConnectionState } from '../../../src/transport/connection-state.ts'
import type { StreamFacts } from '../../../src/format/stream-facts.ts'
import { address, exchangeFacts, requestHead, responseHead, template, webSocket } from '../../support/exchange-facts.ts'

const print = (source: string, changes: Partial<StreamFacts> = {}): string | undefined =>
  compile(template(source))(exchangeFacts(changes))

/** Each row: format, expected text. */
function table(rows: readonly (readonly [string, string | undefined])[], changes: Partial<StreamFacts> = {}): void {
  for (const [source, expected] of rows) assert.equal(print(source, changes), expected, source)
}

test('every operator that the parser takes is either filled or listed as known and unset', () => {
  for (const name of PARSED_OPERATORS.keys()) {
    assert.notEqual(OPERATORS.has(name), UNFILLED_OPERATORS.has(name), name)
  }
})

test('an operator that is known but not filled is unset and leaves nothing in a header value', () => {
  table([
    ['%TRACE_ID%', undefined],
    ['a%TRACE_ID%b', 'ab'],
  ])
})

describe('times', () => {
  test('start and emission', () => {
    table([
      ['%START_TIME%', '2026-11-21T03:27:01.045Z'],
      ['%START_TIME(%s.%3f)%', '1795231621.045'],
      ['%START_TIME(%Y/%m/%dT%H:%M:%S%z %s)%', '2026/11/21T03:27:01+0000 1795231621'],
      ['%EMIT_TIME%', '2026-11-21T03:27:09.146Z'],
    ])
  })

  test('durations are whole milliseconds between the points reached', () => {
    table([
      ['%DURATION%', '8100'],
      ['%REQUEST_DURATION%', '1'],
      ['%REQUEST_TX_DURATION%', '6'],
      ['%RESPONSE_DURATION%', '10'],
      ['%RESPONSE_TX_DURATION%', '8090'],
      ['%UPSTREAM_CONNECTION_POOL_READY_DURATION%', '3'],
      ['%COMMON_DURATION(DS_RX_BEG:DS_TX_END:ms)%', '8100'],
      ['%COMMON_DURATION(US_CX_BEG:US_CX_END:us)%', '3250'],
      ['%COMMON_DURATION(US_CX_BEG:US_CX_END:ns)%', '3250000'],
      ['%COMMON_DURATION(DS_CX_BEG:DS_CX_END:ms)%', undefined],
    ])
  })

  test('an exchange that is not over lasts until now, and points not reached are unset', () => {
    const { times } = exchangeFacts()
    const open = { times: { ...times, end: undefined, upstreamResponseStart: undefined }, now: 3000.9 }
    table(
      [
        ['%DURATION%', '2000'],
        ['%RESPONSE_DURATION%', undefined],
        ['%RESPONSE_TX_DURATION%', undefined],
      ],
      open,
    )
  })
})

test('bytes', () => {
  table([
    ['%BYTES_RECEIVED%', '1200'],
    ['%BYTES_SENT%', '4600'],
    ['%REQUEST_HEADERS_BYTES%', '136'],
    ['%DOWNSTREAM_HEADER_BYTES_SENT%', undefined],
    ['%RESPONSE_TRAILERS_BYTES%', '0'],
  ])
  assert.equal(print('%RESPONSE_TRAILERS_BYTES%', { responseTrailers: new HeaderList(['a', 'bc']) }), '3')
})

test('outcome, flags and who closed it', () => {
  const failed = {
    flags: ['UF', 'URX'],
    responseCode: 503,
    responseCodeDetails: 'upstream reset',
    upstreamTransportFailure: 'connection refused by peer',
    cause: { by: 'upstream', layer: 'tcp', code: 'upstream_closed', detail: 'ECONNRESET' },
  } as const satisfies Partial<Record<keyof StreamFacts, unknown>>
  const changes = { ...failed, flags: [...failed.flags] }
  table([
    ['%PROTOCOL%', 'HTTP/1.1'],
    ['%UPSTREAM_PROTOCOL%', 'HTTP/2'],
    ['%RESPONSE_CODE%', '101'],
    ['%RESPONSE_CODE_DETAILS%', 'via_upstream'],
    ['%RESPONSE_FLAGS%', '-'],
    ['%RESPONSE_FLAGS_LONG%', '-'],
    ['%UPSTREAM_TRANSPORT_FAILURE_REASON%', undefined],
    ['%UPSTREAM_REQUEST_ATTEMPT_COUNT%', '1'],
    ['%ACCESS_LOG_TYPE%', 'DownstreamEnd'],
    ['%CLOSED_BY%', 'client'],
    ['%CLOSE_DETAIL%', undefined],
    ['%UPGRADE_TYPE%', 'websocket'],
    ['%REQUEST_TARGET%', '/chat?room=a%20b&token=x'],
    ['%ROUTE_PLACE%', 'sluice.yaml:14'],
  ])
  table(
    [
      ['%RESPONSE_FLAGS%', 'UF,URX'],
      ['%RESPONSE_FLAGS_LONG%', 'UpstreamConnectionFailure,UpstreamRetryLimitExceeded'],
      ['%RESPONSE_CODE_DETAILS%', 'upstream_reset'],
      ['%RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%', 'upstream reset'],
      ['%UPSTREAM_TRANSPORT_FAILURE_REASON%', 'connection_refused_by_peer'],
      ['%CLOSED_BY% %CLOSE_CAUSE% %CLOSE_DETAIL%', 'upstream upstream_closed ECONNRESET'],
    ],
    changes,
  )
})

test('gRPC status comes from trailers before the head, by number or name', () => {
  const changes = {
    responseTrailers: new HeaderList(['grpc-status', '5']),
    response: responseHead(['grpc-status', '0']),
  }
  table(
    [
      ['%GRPC_STATUS%', 'NotFound'],
      ['%GRPC_STATUS(SNAKE_STRING)%', 'NOT_FOUND'],
      ['%GRPC_STATUS(NUMBER)%', '5'],
      ['%GRPC_STATUS_NUMBER%', '5'],
    ],
    changes,
  )
  assert.equal(print('%GRPC_STATUS%', { response: responseHead(['grpc-status', '1x']) }), undefined)
})

test('routing and names', () => {
  table([
    ['%ROUTE_NAME%', 'chat'],
    ['%UPSTREAM_CLUSTER%', 'app'],
    ['%UPSTREAM_HOST%', '127.0.0.1:3000'],
    ['%UPSTREAM_HOST_NAME%', 'app.internal:3000'],
    ['%UPSTREAM_HOST_NAME_WITHOUT_PORT%', 'app.internal'],
    ['%FILTER_CHAIN_NAME%', undefined],
    ['%LISTENER_NAME%', 'ingress'],
    ['%UPSTREAM_CONNECTION_ID%', '7'],
    ['%HOSTNAME%', hostname()],
  ])
  const attempts = { attemptedHosts: ['10.0.0.1:80', '[fd00::1]:80', '/run/app.sock'], upstreamHostName: '' }
  table(
    [
      ['%UPSTREAM_HOSTS_ATTEMPTED%', '10.0.0.1:80,[fd00::1]:80,/run/app.sock'],
      ['%UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT%', '10.0.0.1,[fd00::1],/run/app.sock'],
      ['%UPSTREAM_HOST_NAME%', '127.0.0.1:3000'],
    ],
    attempts,
  )
  assert.match(print('%UNIQUE_ID%') ?? '', /^[0-9a-f]{8}-[0-9a-f-]{27}$/)
  assert.notEqual(print('%UNIQUE_ID%'), print('%UNIQUE_ID%'))
})

test('an environment variable is read once, and cut', () => {
  process.env['SLUICE_TEST_VALUE'] = 'abcdef'
  try {
    table([
      ['%ENVIRONMENT(SLUICE_TEST_VALUE)%', 'abcdef'],
      ['%ENVIRONMENT(SLUICE_TEST_VALUE):3%', 'abc'],
      ['%ENVIRONMENT(SLUICE_TEST_NOTHING)%', undefined],
    ])
  } finally {
    delete process.env['SLUICE_TEST_VALUE']
  }
})

test('addresses of the four ends', () => {
  table([
    ['%DOWNSTREAM_REMOTE_ADDRESS%', '203.0.113.77:0'],
    ['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%', '203.0.113.77'],
    ['%DOWNSTREAM_REMOTE_PORT%', undefined],
    ['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(24)%', '203.0.113.0/24'],
    ['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(33)%', undefined],
    ['%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%', '10.1.2.3:51234'],
    ['%DOWNSTREAM_DIRECT_REMOTE_PORT%', '51234'],
    ['%DOWNSTREAM_LOCAL_ADDRESS%', '127.0.0.1:10000'],
    ['%UPSTREAM_REMOTE_ADDRESS%', '127.0.0.1:3000'],
    ['%UPSTREAM_LOCAL_PORT%', '40000'],
  ])
  const pipe = { downstream: { local: address('/run/x.sock', 0), remote: address('', 0) }, downstreamRemoteIp: '' }
  table(
    [
      ['%DOWNSTREAM_LOCAL_ADDRESS%', '/run/x.sock'],
      ['%DOWNSTREAM_LOCAL_PORT%', undefined],
    ],
    pipe,
  )
  table(
    [
      ['%UPSTREAM_REMOTE_ADDRESS%', undefined],
      ['%UPSTREAM_HOST%', undefined],
    ],
    { upstream: undefined },
  )
})

test('the direct addresses are those of the socket, behind a PROXY header or a redirect', () => {
  const state = new ConnectionState()
  state.directRemote = address('10.0.0.9', 4000)
  state.directLocal = address('10.0.0.1', 443)
  const downstream = { local: address('198.51.100.7', 80), remote: address('192.0.2.1', 56324), state }
  const changes = { downstream, downstreamRemoteIp: '192.0.2.1', downstreamRemotePort: 56324 }
  table(
    [
      ['%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS%', '192.0.2.1:56324 198.51.100.7:80'],
      ['%DOWNSTREAM_DIRECT_REMOTE_ADDRESS% %DOWNSTREAM_DIRECT_LOCAL_ADDRESS%', '10.0.0.9:4000 10.0.0.1:443'],
      ['%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT(8)% %DOWNSTREAM_DIRECT_LOCAL_PORT%', '10.0.0.0/8 443'],
    ],
    changes,
  )
})

test('heads, with fallback, length and pseudo-headers', () => {
  table([
    [
      '%REQ(:METHOD)% %REQ(:PATH)% %REQ(:AUTHORITY)% %REQ(:SCHEME)% %REQ(host)%',
      'GET /chat?room=a%20b&token=x echo.example http echo.example',
    ],
    ['%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%', '/chat?room=a%20b&token=x'],
    ['%REQ(X-ENVOY-ORIGINAL-PATH?:PATH):5%', '/chat'],
    ['%REQ(USER-AGENT)%', 'test/1'],
    ['%REQ(x-none)%', undefined],
    ['%REQUEST_HEADER(x-none?x-also-none)%', undefined],
    ['%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%', '4'],
    ['%RESP(:status)%', '101'],
    ['%TRAILER(x)%', undefined],
  ])
  const changes = {
    request: requestHead(['x-a', 'one', 'x-a', 'two', 'x-envoy-original-path', '/before?x=1']),
    responseTrailers: new HeaderList(['x', 'y']),
  }
  table(
    [
      ['%REQ(x-a)%', 'one'],
      ['%TRAILER(X)%', 'y'],
      ['%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%', '/before?x=1'],
    ],
    changes,
  )
  table(
    [
      ['%REQ(:METHOD)%', undefined],
      ['%RESP(:STATUS)%', undefined],
    ],
    { request: undefined, response: undefined },
  )
})

test('path and query', () => {
  table([
    ['%PATH%', '/chat?room=a%20b&token=x'],
    ['%PATH(NQ)%', '/chat'],
    ['%PATH(NQ:ORIG)%', undefined],
    ['%REQ_WITHOUT_QUERY(:PATH)%', '/chat'],
    ['%QUERY_PARAM(room)%', 'a b'],
    ['%QUERY_PARAM(none)%', undefined],
    ['%QUERY_PARAMS%', 'room=a%20b&token=x'],
  ])
  const rewritten = { request: requestHead(['x-envoy-original-path', '/before?x=1']) }
  table(
    [
      ['%PATH%', '/before?x=1'],
      ['%PATH(NQ:ORIG)%', '/before'],
      ['%PATH(WQ:PATH)%', '/chat?room=a%20b&token=x'],
      ['%PATH(NQ:ORIG_OR_PATH)%', '/before'],
    ],
    rewritten,
  )
  table(
    [
      ['%PATH%', undefined],
      ['%QUERY_PARAM(a)%', undefined],
    ],
    { request: requestHead([], { path: '' }) },
  )
})

describe('WebSocket', () => {
  test('messages each way and the close frame of who ended it', () => {
    table([
      ['%WEBSOCKET_MESSAGES_RECEIVED%/%WEBSOCKET_MESSAGES_SENT%', '3/9'],
      ['%WEBSOCKET_CLOSE_CODE% %WEBSOCKET_CLOSE_REASON%', '1001 going away'],
    ])
    const byUpstream = {
      cause: { by: 'upstream', layer: 'websocket', code: 'finished', detail: '' },
      webSocketReceived: webSocket({ closeCode: 1001, closeReason: 'going away' }),
      webSocketSent: webSocket({ closeCode: 1011, closeReason: 'boom' }),
    } as const
    table([['%WEBSOCKET_CLOSE_CODE% %WEBSOCKET_CLOSE_REASON%', '1011 boom']], byUpstream)
  })

  test('the payload of messages; of anything else the bytes', () => {
    const sizes = '%PAYLOAD_BYTES_RECEIVED%/%PAYLOAD_BYTES_SENT%'
    table([[sizes, '30/10']], {
      webSocketReceived: webSocket({ payloadBytes: 30 }),
      webSocketSent: webSocket({ payloadBytes: 10 }),
    })
    table([[sizes, '1200/5']], { bytesSent: 5, webSocketReceived: undefined, webSocketSent: undefined })
  })

  test('unset without a Close frame, and on anything else than a WebSocket', () => {
    table([['%WEBSOCKET_CLOSE_CODE%', undefined]], { webSocketReceived: webSocket({}), webSocketSent: webSocket({}) })
    table([['%WEBSOCKET_MESSAGES_SENT%', undefined]], { webSocketReceived: undefined, webSocketSent: undefined })
  })
})
