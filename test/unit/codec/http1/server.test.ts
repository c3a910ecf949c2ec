import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeaderList } from '../../../../src/codec/header-list.ts'
import { closeCause } from '../../../../src/core/close-cause.ts'
import { PAUSE } from '../../../../src/transport/byte-stream.ts'
import { response, send, serverHarness, turn } from '../../../support/http1-harness.ts'

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const POST3 = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n'

test('a response without a length is chunked, its body written as it comes', () => {
  const { stream, exchange } = serverHarness()
  stream.feed(GET)
  exchange().respond(response(200, ['x', 'y']), false)
  send(exchange(), 'hello')
  send(exchange(), '', true)
  assert.equal(stream.written, 'HTTP/1.1 200 OK\r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n')
})

test('a response with a length keeps it and the connection', () => {
  const { stream, exchange, connection } = serverHarness()
  stream.feed(GET)
  exchange().respond(response(200, ['content-length', '5']), false)
  send(exchange(), 'hello', true)
  assert.equal(stream.written, 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello')
  assert.equal(connection.activeStreams, 0)
  assert.equal(stream.writeStatus, 'open')
})

test('an empty response says so, whatever length its head claims', () => {
  const { stream, exchange } = serverHarness()
  stream.feed(GET)
  exchange().respond(response(200, ['content-length', '5']), true)
  assert.equal(stream.written, 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
})

test('contradicting lengths of a response are not passed on', () => {
  const { stream, exchange } = serverHarness()
  stream.feed(GET)
  exchange().respond(response(200, ['content-length', '5', 'content-length', '6', 'transfer-encoding', 'gzip']), false)
  assert.equal(stream.written, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
})

test('a body longer than its length ends the connection before the surplus', () => {
  const { stream, exchange, heard } = serverHarness()
  stream.feed(GET)
  exchange().respond(response(200, ['content-length', '3']), false)
  send(exchange(), 'abcHTTP/1.1 200 Split')
  assert.equal(stream.written.endsWith('\r\n\r\n'), true)
  assert.equal(stream.end, 'close')
  assert.equal(heard.at(-1), 'reset proxy internal')
})

test('a body shorter than its length ends the connection', () => {
  const { stream, exchange } = serverHarness()
  stream.feed(GET)
  exchange().respond(response(200, ['content-length', '3']), false)
  send(exchange(), 'ab', true)
  assert.equal(stream.end, 'close')
})

test('HEAD, 204 and 304 have no body and no length of zero', () => {
  for (const [method, status, fields, expected] of [
    ['HEAD', 200, ['content-length', '5'], 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n'],
    ['HEAD', 200, [], 'HTTP/1.1 200 OK\r\n\r\n'],
    ['GET', 204, ['content-length', '0'], 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['GET', 304, ['content-length', '5'], 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n'],
  ] as const) {
    const { stream, exchange } = serverHarness()
    stream.feed(`${method} / HTTP/1.1\r\nhost: a\r\n\r\n`)
    exchange().respond(response(status, [...fields]), false)
    send(exchange(), 'swallowed', true)
    assert.equal(stream.written, expected)
    assert.equal(stream.writeStatus, 'open')
  }
})

test('a response without a length to HTTP/1.0 ends with the connection', () => {
  const { stream, exchange } = serverHarness({ acceptHttp10: true })
  stream.feed('GET / HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\n')
  exchange().respond(response(200), false)
  send(exchange(), 'hello', true)
  assert.equal(stream.written, 'HTTP/1.0 200 OK\r\nconnection: close\r\n\r\nhello')
  assert.equal(stream.writeStatus, 'ended')
})

test('such a response that fails is cut off by a reset, which a client can tell from its end', () => {
  const { stream, exchange } = serverHarness({ acceptHttp10: true })
  stream.feed('GET / HTTP/1.0\r\nhost: a\r\n\r\n')
  exchange().respond(response(200), false)
  send(exchange(), 'hel')
  exchange().reset(closeCause('upstream', 'http1', 'upstream_closed'))
  assert.equal(stream.end, 'reset')
})

test('HTTP/1.0 keeps its connection when it asked for it', () => {
  const { stream, exchange } = serverHarness({ acceptHttp10: true })
  stream.feed('GET / HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\n')
  exchange().respond(response(200), true)
  assert.equal(stream.written, 'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n')
  assert.equal(stream.writeStatus, 'open')
})

test('100 Continue is sent once the request was not answered at once', () => {
  const { stream, heads } = serverHarness()
  stream.feed('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nexpect: 100-Continue\r\n\r\n')
  assert.equal(stream.written, 'HTTP/1.1 100 Continue\r\n\r\n')
  assert.equal(heads[0]?.headers.has('expect'), false)
})

test('100 Continue is not sent when the body is there already', () => {
  const { stream } = serverHarness()
  stream.feed('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\na')
  assert.equal(stream.written, '')
})

test('Expect passes on when the upstream shall answer it, and its 1xx passes back', () => {
  const { stream, heads, exchange } = serverHarness({ answersContinue: false })
  stream.feed('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n')
  assert.equal(heads[0]?.headers.get('expect'), '100-continue')
  exchange().respondInformational(response(100))
  exchange().respondInformational(response(101))
  exchange().respondInformational(response(103, ['link', '</x>', 'content-length', '5']))
  assert.equal(stream.written, 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n')
})

test('HTTP/1.0 never sees a 1xx and its Expect is ignored', () => {
  const { stream, exchange, heads } = serverHarness({ acceptHttp10: true, answersContinue: false })
  stream.feed('POST / HTTP/1.0\r\nhost: a\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n')
  exchange().respondInformational(response(100))
  assert.equal(stream.written, '')
  assert.equal(heads[0]?.headers.has('expect'), false)
})

test('an answer before the request ended closes, drains within bounds and parses nothing more', async () => {
  const { stream, exchange, heard } = serverHarness({ lingerBytes: 100 })
  stream.feed(`${POST3}a`)
  exchange().respond(response(413), true)
  assert.match(stream.written, /connection: close/)
  assert.equal(stream.writeStatus, 'ended')
  assert.equal(stream.closed, undefined)
  stream.feed(`bc${GET}`)
  await turn()
  assert.deepEqual(heard, ['request POST /', 'data a', 'reset proxy finished'])
  stream.feed('x'.repeat(100))
  assert.equal(stream.end, 'close')
})

test('an answer that begins early and ends late still closes', () => {
  const { stream, exchange } = serverHarness()
  stream.feed(`${POST3}a`)
  exchange().respond(response(200), false)
  stream.feed('bc')
  send(exchange(), 'ok', true)
  assert.match(stream.written, /connection: close/)
  assert.equal(stream.writeStatus, 'ended')
})

test('pipelined requests wait, reading pauses, and they are taken in order', () => {
  const { stream, exchange, heard } = serverHarness()
  stream.feed(GET + GET.replace('/ ', '/2 '))
  stream.feed(GET.replace('/ ', '/3 '))
  assert.deepEqual(heard, ['request GET / end'])
  assert.equal(stream.readStatus, 'paused')
  exchange().respond(response(200), true)
  assert.equal(stream.readStatus, 'open')
  stream.pump()
  assert.deepEqual(heard, ['request GET / end', 'request GET /2 end'])
  exchange().respond(response(200), true)
  stream.pump()
  assert.deepEqual(heard.at(-1), 'request GET /3 end')
  exchange().respond(response(200), true)
  assert.equal(stream.readStatus, 'open')
})

test('a client that does not read its answers is not served further', () => {
  const { stream, exchange, heard } = serverHarness()
  stream.writable = false
  stream.feed(GET)
  exchange().respond(response(200), true)
  stream.feed(GET)
  assert.equal(heard.length, 1)
  assert.equal(stream.readStatus, 'paused')
  stream.drain()
  assert.equal(heard.length, 2)
  assert.equal(stream.readStatus, 'open')
})

test('a client that leaves while its request is served is told', async () => {
  const { stream, heard } = serverHarness()
  stream.feed(GET)
  stream.feedEnd()
  await turn()
  assert.deepEqual(heard, ['request GET / end', 'reset client client_disconnect', 'closed client client_disconnect'])
})

test('the end of an idle connection is an orderly one', async () => {
  const { stream, heard } = serverHarness()
  stream.feedEnd()
  await turn()
  assert.deepEqual(heard, ['closed client end_of_stream'])
})

test('the hooks tell when a head starts, is complete, and when the connection rests', () => {
  const { stream, exchange, heard } = serverHarness({ recordHooks: true })
  stream.feed('\r\n')
  stream.feed(GET.slice(0, 5))
  stream.feed(GET.slice(5))
  exchange().respond(response(200), true)
  stream.feed('X / HTTP/1.1\n')
  assert.deepEqual(heard, [
    'head-start',
    'head-complete',
    'request GET / end',
    'idle',
    'head-start',
    'head-complete',
    'closing',
    'error http1_codec_error',
  ])
})

test('the connection does not rest between pipelined requests', () => {
  const { stream, exchange, heard } = serverHarness({ recordHooks: true })
  stream.feed(GET + GET)
  exchange().respond(response(200), true)
  assert.equal(heard.includes('idle'), false)
  exchange().respond(response(200), true)
  assert.equal(heard.at(-1), 'idle')
})

test('without hooks nobody would end the waiting, so the connection closes at once', () => {
  const { stream, exchange } = serverHarness({ noHooks: true })
  stream.feed('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  exchange().respond(response(200), true)
  assert.equal(stream.end, 'close')
})

test('a refusal is a whole response that explains itself and closes', () => {
  const { stream } = serverHarness({ refusal: (code, detail) => ({ fields: ['x-why', code], body: detail }) })
  stream.feed('GET / HTTP/1.1\r\n\r\n')
  const body = 'an HTTP/1.1 request needs a Host header'
  const head = `HTTP/1.1 400 Bad Request\r\nx-why: missing_host_header\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`
  assert.equal(stream.written, head + body)
})

test('a body that breaks after the response began cuts it off', async () => {
  const { stream, exchange, heard } = serverHarness()
  stream.feed('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n')
  exchange().respond(response(200), false)
  send(exchange(), 'x')
  stream.feed('zz\r\n')
  await turn()
  assert.equal(stream.written.endsWith('1\r\nx\r\n'), true)
  assert.equal(stream.writeStatus, 'ended')
  assert.deepEqual(heard.at(-1), 'reset client http1_codec_error')
})

test('drain closes an idle connection at once and a busy one after its answer', () => {
  const idle = serverHarness()
  idle.connection.drain(closeCause('operator', 'server', 'drained'))
  assert.equal(idle.stream.writeStatus, 'ended')
  const busy = serverHarness()
  busy.stream.feed(GET)
  busy.connection.drain(closeCause('operator', 'server', 'drained'))
  assert.equal(busy.stream.writeStatus, 'open')
  busy.exchange().respond(response(200), true)
  assert.match(busy.stream.written, /connection: close/)
  assert.equal(busy.stream.writeStatus, 'ended')
})

test('close resets the open exchange with its cause', async () => {
  const { stream, connection, heard } = serverHarness()
  stream.feed(GET)
  connection.close(closeCause('proxy', 'http1', 'max_stream_duration'))
  await turn()
  assert.deepEqual(heard.slice(1), ['reset proxy max_stream_duration', 'closed proxy max_stream_duration'])
})

test('trailers go out only when they are enabled', () => {
  for (const enableTrailers of [true, false]) {
    const { stream, exchange } = serverHarness({ enableTrailers })
    stream.feed(GET)
    exchange().respond(response(200), false)
    exchange().sendTrailers(new HeaderList(['grpc-status', '0', 'content-length', '7']))
    assert.equal(
      stream.written.endsWith(enableTrailers ? '\r\n\r\n0\r\ngrpc-status: 0\r\n\r\n' : '\r\n\r\n0\r\n\r\n'),
      true,
    )
  }
})

test('header names are written in proper case when configured', () => {
  const { stream, exchange } = serverHarness({ headerKeyFormat: 'proper-case' })
  stream.feed(GET)
  exchange().respond(response(200, ['x-request-id', '1', 'etag', '2']), false)
  assert.equal(stream.written, 'HTTP/1.1 200 OK\r\nX-Request-Id: 1\r\nEtag: 2\r\nTransfer-Encoding: chunked\r\n\r\n')
})

test('a field that would split the response is left out', () => {
  const { stream, exchange } = serverHarness()
  stream.feed(GET)
  exchange().respond(
    { status: 200, reason: 'OK\r\nx: 1', headers: new HeaderList(['a', 'b\r\nset-cookie: x', 'c', 'd']) },
    true,
  )
  assert.equal(stream.written, 'HTTP/1.1 200 OK\r\nc: d\r\ncontent-length: 0\r\n\r\n')
})

test('pauses of the exchange pause the connection and end with it', () => {
  const { stream, exchange } = serverHarness()
  stream.feed(`${POST3}abc`)
  exchange().pauseReading(PAUSE.peerSlow)
  assert.equal(stream.readStatus, 'paused')
  exchange().respond(response(200), true)
  assert.equal(stream.readStatus, 'open')
})

test('a finished exchange cannot touch the next one', () => {
  const { stream, exchanges } = serverHarness()
  stream.feed(GET)
  exchanges[0]?.respond(response(200), true)
  stream.feed(GET)
  const before = stream.written
  exchanges[0]?.reset(closeCause('proxy', 'http1', 'internal'))
  exchanges[0]?.respond(response(500), true)
  exchanges[0]?.pauseReading(PAUSE.filter)
  assert.equal(stream.written, before)
  assert.equal(stream.closed, undefined)
  assert.equal(stream.readStatus, 'open')
})

test('a head that begins behind a pipelined request starts the timer of heads, not of idleness', () => {
  const { stream, exchange, heard } = serverHarness({ recordHooks: true })
  stream.feed(`${GET}GET /slow`)
  assert.deepEqual(heard, ['head-start', 'head-complete', 'request GET / end'])
  exchange().respond(response(200), true)
  assert.deepEqual(heard.slice(3), ['head-start'])
  assert.equal(stream.readStatus, 'open')
  stream.feed(' HTTP/1.1\r\nhost: a\r\n\r\n')
  assert.deepEqual(heard.slice(4), ['head-complete', 'request GET /slow end'])
})

test('half an empty line behind a request is still idleness', () => {
  const { stream, exchange, heard } = serverHarness({ recordHooks: true })
  stream.feed(GET)
  exchange().respond(response(200), true)
  stream.feed('\r')
  assert.equal(heard.at(-1), 'idle')
  stream.feed(`\n${GET}`)
  assert.equal(heard.at(-1), 'request GET / end')
})
