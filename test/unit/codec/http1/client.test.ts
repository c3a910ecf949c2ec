import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeaderList } from '../../../../src/codec/header-list.ts'
import { closeCause } from '../../../../src/core/close-cause.ts'
import { clientHarness, request, send, tunnelSink, turn } from '../../../support/http1-harness.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'
const WEBSOCKET = { kind: 'upgrade', type: 'websocket' } as const

test('a request without a body is written as it is, and one of POST says its length', () => {
  const get = clientHarness()
  get.ask(
    request('GET', '/x', ['accept', '*/*', 'connection', 'close', 'host', 'evil', 'transfer-encoding', 'chunked']),
    true,
  )
  assert.equal(get.stream.written, 'GET /x HTTP/1.1\r\nhost: a.example\r\naccept: */*\r\n\r\n')
  const post = clientHarness()
  post.ask(request('POST', '/x'), true)
  assert.equal(post.stream.written, 'POST /x HTTP/1.1\r\nhost: a.example\r\ncontent-length: 0\r\n\r\n')
})

test('a body of unknown length is chunked, trailers close it when enabled', () => {
  const { stream, ask } = clientHarness({ enableTrailers: true })
  const exchange = ask(request('POST', '/'), false)
  send(exchange, 'hello')
  exchange.sendTrailers(new HeaderList(['x', 'y']))
  assert.equal(
    stream.written,
    'POST / HTTP/1.1\r\nhost: a.example\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx: y\r\n\r\n',
  )
})

test('a body longer than its length never reaches the origin as a second request', () => {
  const { stream, ask, heard } = clientHarness()
  const exchange = ask(request('POST', '/', ['content-length', '3']), false)
  send(exchange, 'abcGET /smuggled')
  assert.equal(stream.written, 'POST / HTTP/1.1\r\nhost: a.example\r\ncontent-length: 3\r\n\r\n')
  assert.equal(stream.end, 'close')
  assert.deepEqual(heard, ['reset proxy internal'])
})

test('the connection serves one request after another', () => {
  const { stream, ask, heard, connection } = clientHarness()
  assert.equal(connection.availableStreams, 1)
  ask(request('GET', '/1'), true)
  assert.equal(connection.availableStreams, 0)
  stream.feed(OK)
  assert.equal(connection.availableStreams, 1)
  ask(request('GET', '/2'), true)
  stream.feed(OK)
  assert.deepEqual(heard, ['response 200 end', 'available', 'response 200 end', 'available'])
})

test('a request that has no room is reset, after request() returned', async () => {
  const { ask, heard } = clientHarness()
  ask(request('GET', '/1'), true)
  ask(request('GET', '/2'), true)
  assert.deepEqual(heard, [])
  await turn()
  assert.deepEqual(heard, ['reset proxy upstream_closed_before_response'])
})

test('a head that no request line can carry is refused and the connection stays', async () => {
  for (const bad of [
    request('GET', '/a b'),
    request('GET', '/\r\nx: y'),
    request('G T', '/'),
    { ...request('GET', '/'), authority: 'a b' },
  ]) {
    const { stream, ask, heard, connection } = clientHarness()
    ask(bad, true)
    await turn()
    assert.equal(stream.written, '')
    assert.deepEqual(heard, ['reset client invalid_path'])
    assert.equal(connection.availableStreams, 1)
  }
})

test('absolute-form is written when configured', () => {
  const { stream, ask } = clientHarness({ sendFullyQualifiedUrl: true })
  ask(request('GET', '/x?y'), true)
  assert.match(stream.written, /^GET http:\/\/a\.example\/x\?y HTTP\/1\.1\r\n/)
})

test('TE: trailers says in Connection that it ends at the next hop', () => {
  const { stream, ask } = clientHarness()
  ask(request('GET', '/', ['te', 'trailers']), true)
  assert.equal(stream.written, 'GET / HTTP/1.1\r\nhost: a.example\r\nte: trailers\r\nconnection: te\r\n\r\n')
})

test('bytes on an idle connection end it', async () => {
  const { stream, heard } = clientHarness()
  stream.feed('HTTP/1.1 408 Request Timeout\r\n\r\n')
  await turn()
  assert.deepEqual(heard, ['closed upstream upstream_protocol_error'])
})

test('an early response that keeps the connection lets the request end', () => {
  const { stream, ask, heard, connection } = clientHarness()
  const exchange = ask(request('POST', '/', ['content-length', '3']), false)
  stream.feed(OK)
  assert.deepEqual(heard, ['response 200 end'])
  assert.equal(connection.availableStreams, 0)
  send(exchange, 'abc', true)
  assert.equal(connection.availableStreams, 1)
})

test('an early response that closes ends the request', async () => {
  const { stream, ask, heard } = clientHarness()
  const exchange = ask(request('POST', '/', ['content-length', '3']), false)
  stream.feed('HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
  send(exchange, 'abc', true)
  await turn()
  assert.deepEqual(heard, ['response 413 end', 'closed proxy finished'])
})

test('an upgrade is written with its fields, and 101 opens it with what follows in the same read', async () => {
  const { stream, ask, heard, connection } = clientHarness()
  const exchange = ask(
    request('GET', '/chat', ['upgrade', 'websocket', 'connection', 'upgrade', 'sec-websocket-key', 'k'], WEBSOCKET),
    false,
  )
  assert.equal(
    stream.written,
    'GET /chat HTTP/1.1\r\nhost: a.example\r\nsec-websocket-key: k\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
  )
  stream.feed('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhello')
  assert.deepEqual(heard, ['response 101'])
  assert.equal(connection.activeStreams, 1)
  const tunnel = exchange.intoByteStream()
  tunnel.setSink(tunnelSink(heard))
  await turn()
  stream.feed('more')
  assert.deepEqual(heard.slice(1), ['bytes hello', 'bytes more'])
  tunnel.close(closeCause('proxy', 'tunnel', 'finished'))
  await turn()
  assert.deepEqual(heard.slice(3), ['tunnel closed finished', 'closed proxy finished'])
  assert.equal(connection.availableStreams, 0)
})

test('tunnel bytes before the acceptance are a fault, not a request', () => {
  const { stream, ask, heard } = clientHarness()
  const exchange = ask(request('GET', '/', [], WEBSOCKET), false)
  const before = stream.written
  send(exchange, 'GET /smuggled HTTP/1.1\r\n\r\n')
  assert.equal(stream.written, before)
  assert.deepEqual(heard, ['reset proxy internal'])
})

test('CONNECT is written with its target and nothing else of a path', () => {
  const { stream, ask } = clientHarness()
  ask({ ...request('CONNECT', '', ['content-length', '5'], { kind: 'connect' }), authority: 'b:443' }, false)
  assert.equal(stream.written, 'CONNECT b:443 HTTP/1.1\r\nhost: b:443\r\n\r\n')
})

test('an upgrade keeps the empty length it declares and gains no framing', () => {
  const { stream, ask } = clientHarness()
  ask(request('POST', '/', ['content-length', '0'], { kind: 'upgrade', type: 'foo' }), false)
  assert.equal(
    stream.written,
    'POST / HTTP/1.1\r\nhost: a.example\r\nupgrade: foo\r\nconnection: upgrade\r\ncontent-length: 0\r\n\r\n',
  )
})

test('a connection that dies tells who did it', async () => {
  for (const [fed, code] of [
    ['', 'upstream_closed_before_response'],
    ['HTTP/1.1 200 OK\r\n\r\nx', 'upstream_closed'],
  ] as const) {
    const { stream, ask, heard } = clientHarness()
    ask(request('GET', '/'), true)
    stream.feed(fed)
    stream.die(closeCause('upstream', 'tcp', 'upstream_closed', 'connection reset by peer'))
    assert.equal(heard.at(-2), `reset upstream ${code}`)
    assert.equal(heard.at(-1), 'closed upstream upstream_closed')
  }
})

test('drain lets the current exchange end', async () => {
  const { stream, ask, heard, connection } = clientHarness()
  ask(request('GET', '/'), true)
  connection.drain(closeCause('operator', 'server', 'drained'))
  assert.equal(connection.availableStreams, 0)
  stream.feed(OK)
  await turn()
  assert.deepEqual(heard.slice(1), ['response 200 end', 'closed proxy finished'])
})

test('a sink that resets inside a callback hears nothing more', async () => {
  const { stream, connection, heard } = clientHarness()
  const exchange = connection.request(request('GET', '/'), true, {
    onInformational: () => {},
    onResponse: () => heard.push('response'),
    onData: () => {
      heard.push('data')
      exchange.reset(closeCause('client', 'http1', 'client_reset'))
    },
    onTrailers: () => heard.push('trailers'),
    onDrain: () => {},
    onReset: (cause) => heard.push(`reset ${cause.code}`),
  })
  stream.feed('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n')
  await turn()
  assert.deepEqual(heard, ['response', 'data', 'reset client_reset', 'closed client client_reset'])
})
