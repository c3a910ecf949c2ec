import assert from 'node:assert/strict'
import { test } from 'node:test'
import { http1ServerOptions } from '../../../../src/codec/http1/options.ts'
import { serveHttp1 } from '../../../../src/codec/http1/server.ts'
import type { ServerStream } from '../../../../src/codec/http-stream.ts'
import { PAUSE } from '../../../../src/transport/byte-stream.ts'
import { response, serverHarness, tunnelSink, turn } from '../../../support/http1-harness.ts'
import { ScriptedStream } from '../../../support/scripted-stream.ts'

const UPGRADE = 'GET /chat HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'
const CONNECT = 'CONNECT b:443 HTTP/1.1\r\nhost: b:443\r\n\r\n'

test('payload behind an upgrade is held until the tunnel is taken, then comes first and once', async () => {
  const { stream, exchange, heard } = serverHarness()
  stream.feed(`${UPGRADE}early`)
  stream.feed(' more')
  assert.deepEqual(heard, ['request GET /chat'])
  assert.equal(stream.readStatus, 'paused')
  exchange().respond(response(101, ['upgrade', 'websocket', 'connection', 'upgrade', 'content-length', '0']), false)
  assert.equal(stream.written, 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n')
  const tunnel = exchange().intoByteStream()
  tunnel.setSink(tunnelSink(heard))
  assert.equal(heard.length, 1, 'nothing is delivered inside setSink')
  await turn()
  assert.deepEqual(heard.slice(1), ['bytes early'])
  assert.equal(stream.readStatus, 'open')
  stream.pump()
  assert.deepEqual(heard.slice(2), ['bytes  more'])
  tunnel.writeLatin1('answer')
  assert.equal(stream.written.endsWith('\r\n\r\nanswer'), true)
})

test('a 101 from another HTTP version names the protocol that was asked for', () => {
  const { stream, exchange } = serverHarness()
  stream.feed(UPGRADE)
  exchange().respond(response(101), false)
  assert.match(stream.written, /upgrade: websocket\r\nconnection: upgrade/)
})

test('a tunnel without early payload is open at once', () => {
  const { stream, exchange, heard } = serverHarness()
  stream.feed(UPGRADE)
  exchange().respond(response(101), false)
  exchange().intoByteStream().setSink(tunnelSink(heard))
  stream.feed('now')
  assert.equal(heard.at(-1), 'bytes now')
})

test('a tunnel that is accepted inside onRequest gets the rest of the same read', async () => {
  const { stream, exchange, heard } = serverHarness()
  stream.feed(UPGRADE)
  exchange().respond(response(101), false)
  const tunnel = exchange().intoByteStream()
  stream.feed('held, for no sink is set')
  tunnel.setSink(tunnelSink(heard))
  await turn()
  stream.feed('then')
  assert.deepEqual(heard.slice(1), ['bytes held, for no sink is set', 'bytes then'])
})

test('held payload waits for the pauses of who took the tunnel', async () => {
  const { stream, exchange, heard } = serverHarness()
  stream.feed(`${UPGRADE}early`)
  exchange().respond(response(101), false)
  const tunnel = exchange().intoByteStream()
  tunnel.pauseReading(PAUSE.peerSlow)
  tunnel.pauseReading(PAUSE.notReady)
  tunnel.setSink(tunnelSink(heard))
  await turn()
  tunnel.resumeReading(PAUSE.notReady)
  await turn()
  assert.equal(heard.length, 1)
  assert.equal(stream.readStatus, 'paused')
  tunnel.resumeReading(PAUSE.peerSlow)
  await turn()
  assert.deepEqual(heard.slice(1), ['bytes early'])
  assert.equal(stream.readStatus, 'open')
})

test('a refused upgrade closes after the answer and its payload is never a request', async () => {
  const { stream, exchange, heard } = serverHarness()
  stream.feed(`${UPGRADE}GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n`)
  exchange().respond(response(403), true)
  stream.pump()
  stream.feed('GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n')
  await turn()
  assert.deepEqual(heard, ['request GET /chat'])
  assert.equal(stream.written, 'HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
  assert.equal(stream.writeStatus, 'ended')
})

test('a refusal may advertise upgrades and has a body', () => {
  const { stream, exchange } = serverHarness()
  stream.feed(UPGRADE)
  exchange().respond(response(426, ['upgrade', 'foo', 'connection', 'upgrade']), false)
  assert.match(stream.written, /upgrade: foo\r\nconnection: upgrade, close\r\ntransfer-encoding: chunked/)
})

test('a 2xx to CONNECT opens the tunnel without framing and without close', () => {
  const { stream, exchange, connection } = serverHarness()
  stream.feed(CONNECT)
  exchange().closeAfterResponse()
  exchange().respond(response(200, ['content-length', '5', 'transfer-encoding', 'chunked']), false)
  assert.equal(stream.written, 'HTTP/1.1 200 OK\r\n\r\n')
  assert.equal(connection.activeStreams, 1)
})

test('101 to a plain request is a fault of the proxy and never sent', () => {
  const { stream, exchange, heard } = serverHarness()
  stream.feed('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  exchange().respond(response(101), false)
  assert.equal(stream.written, '')
  assert.equal(heard.at(-1), 'reset proxy internal')
})

test('half-close and end reach the tunnel, then the connection is told', async () => {
  const { stream, exchange, heard } = serverHarness()
  stream.feed(CONNECT)
  exchange().respond(response(200), false)
  const tunnel = exchange().intoByteStream()
  tunnel.setSink(tunnelSink(heard))
  stream.feedEnd()
  assert.equal(heard.at(-1), 'end')
  assert.equal(stream.writeStatus, 'open')
  tunnel.endWriting()
  assert.equal(stream.writeStatus, 'ended')
  stream.die()
  assert.deepEqual(heard.slice(-2), ['tunnel closed client_disconnect', 'closed client client_disconnect'])
  await turn()
})

test('payload beyond its bound ends the connection', async () => {
  const { stream, heard } = serverHarness()
  const twice = 'x'.repeat(200 * 1024)
  stream.feed(UPGRADE + twice + twice)
  await turn()
  assert.equal(stream.end, 'close')
  assert.deepEqual(heard.slice(1), ['reset client http1_codec_error', 'closed client http1_codec_error'])
})

test('a client that leaves before the answer is told', async () => {
  const { stream, heard } = serverHarness()
  stream.feed(UPGRADE)
  stream.feedEnd()
  await turn()
  assert.deepEqual(heard.slice(1), ['reset client client_disconnect', 'closed client client_disconnect'])
})

test('early payload is counted and told once, after the request, and not what comes after the answer', async () => {
  const early: string[] = []
  const sink = { onData: () => {}, onTrailers: () => {}, onDrain: () => {}, onReset: () => {} }
  const stream = new ScriptedStream()
  let exchange: ServerStream | undefined
  serveHttp1(
    stream,
    {
      answersContinue: true,
      onRequest: (given) => {
        exchange = given
        given.setSink({ ...sink, onEarlyData: () => early.push(`early ${given.earlyBytes}`) })
        early.push(`request ${given.earlyBytes}`)
      },
      onCodecError: () => {},
      onConnectionClose: () => {},
    },
    http1ServerOptions(),
  )
  stream.feed(`${CONNECT}hello`)
  stream.feed('waits')
  assert.ok(exchange !== undefined)
  assert.deepEqual([early, exchange.earlyBytes], [['request 0', 'early 5'], 5])
  exchange.respond(response(200), false)
  const heard: string[] = []
  exchange.intoByteStream().setSink(tunnelSink(heard))
  await turn()
  stream.pump()
  assert.deepEqual([heard, exchange.earlyBytes, early.length], [['bytes hello', 'bytes waits'], 5, 2])
})

test('payload between the answer and the tunnel is not early', async () => {
  const { stream, exchange, heard } = serverHarness()
  stream.feed(CONNECT)
  exchange().respond(response(200), false)
  stream.feed('in time')
  assert.equal(exchange().earlyBytes, 0)
  exchange().intoByteStream().setSink(tunnelSink(heard))
  await turn()
  assert.deepEqual(heard.slice(1), ['bytes in time'])
})

test('the body of an ordinary request is no early payload', () => {
  const { stream, exchange } = serverHarness()
  stream.feed('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhello')
  assert.equal(exchange().earlyBytes, 0)
})

test('a refusal drops early payload', async () => {
  const { stream, exchange, heard } = serverHarness()
  stream.feed(`${CONNECT}GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n`)
  assert.equal(exchange().earlyBytes, 35)
  exchange().respond(response(400), true)
  stream.pump()
  await turn()
  assert.deepEqual(heard, ['request CONNECT '])
  assert.equal(stream.written, 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
})
