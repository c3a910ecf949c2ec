// What a tunnel made of two message bodies does beyond any byte stream: framing, early ends, trailers, what came before it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bodyByteStream } from '../../../src/codec/body-stream.ts'
import type { HeaderList } from '../../../src/codec/header-list.ts'
import { http2Client } from '../../../src/codec/http2/client.ts'
import { http2Options } from '../../../src/codec/http2/options.ts'
import { serveHttp2 } from '../../../src/codec/http2/server.ts'
import type { ServerStream } from '../../../src/codec/http-stream.ts'
import { closeCause } from '../../../src/core/close-cause.ts'
import type { ErrorCode } from '../../../src/core/errors.ts'
import { type ByteStream, PAUSE } from '../../../src/transport/byte-stream.ts'
import { acceptPost, tunnelPost } from '../../support/body-pair.ts'
import { clientHarness, response, send, serverHarness, tunnelSink, turn } from '../../support/http1-harness.ts'
import { FrameNames, frameBytes, PREFACE } from '../../support/http2-frames.ts'
import { ScriptedStream } from '../../support/scripted-stream.ts'

const POST = 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n'
const CHUNKED_200 = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
const KILL = closeCause('operator', 'server', 'admin_close')
const noop = (): void => {}

describe('on an HTTP/1 server', () => {
  const accepted = (text = POST, options = {}, readEnded = false) => {
    const server = serverHarness(options)
    server.stream.feed(text)
    const bytes = acceptPost(server.exchange(), { readEnded })
    const heard: string[] = []
    bytes.setSink(tunnelSink(heard))
    server.stream.written = ''
    return { ...server, bytes, heard }
  }

  test('both directions are chunks, and the connection is not used again', async () => {
    const { stream, exchange, heard: requests } = serverHarness()
    stream.feed(`${POST}3\r\none\r\n`)
    const bytes = acceptPost(exchange())
    assert.equal(stream.written, 'HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n')
    const heard: string[] = []
    bytes.setSink(tunnelSink(heard))
    await turn()
    stream.pump()
    stream.feed('3\r\ntwo\r\n')
    bytes.writeLatin1('answer')
    assert.deepEqual([requests, heard], [['request POST /', 'data one'], ['bytes two']])
    assert.match(stream.written, /\r\n\r\n6\r\nanswer\r\n$/)
    stream.feed('0\r\n\r\n')
    bytes.endWriting()
    stream.pump()
    await turn()
    assert.deepEqual(heard, ['bytes two', 'end', 'tunnel closed finished'])
    assert.match(stream.written, /answer\r\n0\r\n\r\n$/)
    assert.equal(stream.writeStatus, 'ended')
  })

  test('a response that ends first leaves the request alone', async () => {
    const { stream, bytes, heard } = accepted()
    await turn()
    bytes.writeLatin1('x')
    bytes.endWriting()
    stream.feed('3\r\none\r\n')
    await turn()
    stream.feed('3\r\ntwo\r\n0\r\n\r\n')
    await turn()
    assert.deepEqual(heard, ['bytes one', 'bytes two', 'end', 'tunnel closed finished'])
    assert.equal(bytes.closed?.by, 'proxy')
    assert.equal(stream.written, '1\r\nx\r\n0\r\n\r\n')
  })

  test('a request that ends first leaves the response alone, also when the client ends the connection behind it', async () => {
    const { stream, bytes, heard } = accepted(`${POST}0\r\n\r\n`, {}, true)
    await turn()
    stream.feedEnd()
    bytes.writeLatin1('late')
    bytes.endWriting()
    await turn()
    assert.deepEqual(heard, ['end', 'tunnel closed finished'])
    assert.equal(stream.written, '4\r\nlate\r\n0\r\n\r\n')
  })

  test('a client that leaves in the middle of the request is no end', async () => {
    const { stream, heard } = accepted()
    await turn()
    stream.feed('3\r\none\r\n')
    stream.feedEnd()
    await turn()
    assert.deepEqual(heard, ['bytes one', 'tunnel closed client_disconnect'])
  })

  test('a request behind the tunnel is never parsed', async () => {
    const { stream, bytes, heard, exchanges } = accepted()
    await turn()
    stream.feed('0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n')
    bytes.endWriting()
    stream.pump()
    await turn()
    assert.deepEqual(heard, ['end', 'tunnel closed finished'])
    assert.equal(exchanges.length, 1)
  })

  test('a broken chunk is no end', async () => {
    const { stream, heard } = accepted()
    await turn()
    stream.feed('3\r\none\r\nxyz\r\n')
    await turn()
    assert.deepEqual(heard, ['bytes one', 'tunnel closed http1_codec_error'])
  })

  test('reset cuts the connection off', async () => {
    const { stream, bytes, heard } = accepted()
    await turn()
    bytes.writeLatin1('x')
    bytes.reset(KILL)
    assert.equal(stream.end, 'reset')
    await turn()
    assert.deepEqual(heard, ['tunnel closed admin_close'])
  })

  test('HTTP/1.0 ends its direction by the end of the connection and still reads', async () => {
    const { stream, bytes, heard } = accepted('POST / HTTP/1.0\r\nhost: a\r\ncontent-length: 6\r\n\r\none', {
      acceptHttp10: true,
    })
    await turn()
    bytes.writeLatin1('raw')
    bytes.endWriting()
    assert.deepEqual([stream.written, stream.writeStatus], ['raw', 'ended'])
    stream.feed('two')
    await turn()
    assert.deepEqual(heard, ['bytes two', 'end', 'tunnel closed finished'])
  })

  test('what was received before comes first, the end behind it, and neither before the sink is ready', async () => {
    const server = serverHarness()
    server.stream.feed(`${POST}0\r\n\r\n`)
    const bytes = acceptPost(server.exchange(), { received: Buffer.from('before'), readEnded: true })
    bytes.endWriting()
    const heard: string[] = []
    bytes.pauseReading(PAUSE.peerSlow)
    bytes.setSink(tunnelSink(heard))
    await turn()
    assert.deepEqual([heard, bytes.closed, bytes.readStatus], [[], undefined, 'paused'])
    bytes.resumeReading(PAUSE.peerSlow)
    assert.deepEqual(heard, [], 'nothing is told within a call of the owner')
    await turn()
    assert.deepEqual(heard, ['bytes before', 'end', 'tunnel closed finished'])
    assert.deepEqual([bytes.bytesRead, bytes.closed?.by], [6, 'client'])
  })

  test('nothing is read until a sink is set, and pauses of others do not stay', async () => {
    const server = serverHarness()
    server.stream.feed(POST)
    server.exchange().pauseReading(PAUSE.peerSlow)
    server.exchange().pauseReading(PAUSE.filter)
    const bytes = acceptPost(server.exchange())
    assert.equal(server.stream.readStatus, 'paused')
    server.stream.feed('3\r\none\r\n')
    await turn()
    const heard: string[] = []
    bytes.setSink(tunnelSink(heard))
    await turn()
    assert.equal(server.stream.readStatus, 'open')
    server.stream.pump()
    assert.deepEqual(heard, ['bytes one'])
    assert.deepEqual(server.heard, ['request POST /'])
  })

  test('chunks of one read wait behind a pause within the first', async () => {
    const { stream, bytes } = accepted()
    await turn()
    const heard: string[] = []
    const sink = tunnelSink(heard)
    bytes.setSink({
      ...sink,
      onData: (buffer, start, end) => {
        sink.onData(buffer, start, end)
        bytes.pauseReading(PAUSE.peerSlow)
      },
    })
    stream.feed('1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n')
    await turn()
    assert.deepEqual(heard, ['bytes a'])
    bytes.resumeReading(PAUSE.peerSlow)
    await turn()
    assert.deepEqual(heard, ['bytes a', 'bytes bc'])
    bytes.resumeReading(PAUSE.peerSlow)
    await turn()
    assert.deepEqual(heard, ['bytes a', 'bytes bc', 'end'])
  })

  test('trailers end the direction, told before', async () => {
    const server = serverHarness({ enableTrailers: true })
    server.stream.feed(POST)
    const heard: string[] = []
    const bytes = acceptPost(server.exchange(), {
      onTrailers: (trailers) => heard.push(`trailers ${trailers.fields.join(' ')}`),
    })
    bytes.setSink(tunnelSink(heard))
    await turn()
    server.stream.feed('1\r\na\r\n0\r\nx-y: z\r\n\r\n')
    assert.deepEqual(heard, ['bytes a', 'trailers x-y z', 'end'])
  })
})

describe('on an HTTP/1 client', () => {
  function asked(answer: string) {
    const client = clientHarness()
    const heard: string[] = []
    let bytes: ByteStream | undefined
    const stream = client.connection.request(tunnelPost(), false, {
      onInformational: noop,
      onResponse: (_head, readEnded) => {
        bytes = bodyByteStream(stream, { readEnded })
        bytes.setSink(tunnelSink(heard))
      },
      onData: noop,
      onTrailers: noop,
      onDrain: noop,
      onReset: (cause) => heard.push(`early reset ${cause.code}`),
    })
    client.stream.feed(answer)
    assert.ok(bytes !== undefined, 'the response head came')
    const head = client.stream.written
    client.stream.written = ''
    return { ...client, bytes, heard, head }
  }

  test('the request is chunked and goes on after a response that is complete', async () => {
    const { stream, bytes, heard, head } = asked(`${CHUNKED_200}2\r\nhi\r\n0\r\n\r\n`)
    assert.match(head, /^POST \/ HTTP\/1\.1\r\nhost: b\.example:443\r\ntransfer-encoding: chunked\r\n\r\n$/)
    await turn()
    stream.pump()
    assert.deepEqual(heard, ['bytes hi', 'end'])
    bytes.writeLatin1('still')
    assert.equal(stream.end, undefined)
    bytes.endWriting()
    await turn()
    assert.equal(stream.written, '5\r\nstill\r\n0\r\n\r\n')
    assert.deepEqual(heard.slice(2), ['tunnel closed finished'])
    assert.equal(stream.end, 'close', 'the connection is not used again')
  })

  test('also when the response says close and the upstream ends its half', async () => {
    const { stream, bytes, heard } = asked(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n`)
    await turn()
    stream.feed('until the end')
    stream.feedEnd()
    assert.deepEqual(heard, ['bytes until the end', 'end'])
    await turn()
    bytes.writeLatin1('still')
    assert.deepEqual([stream.written, stream.end], ['5\r\nstill\r\n', undefined])
    bytes.endWriting()
    await turn()
    assert.deepEqual(heard.slice(2), ['tunnel closed finished'])
  })

  test('also when the upstream ends its half behind a complete response', async () => {
    const { stream, bytes, heard } = asked(`${CHUNKED_200}0\r\n\r\n`)
    await turn()
    stream.pump()
    stream.feedEnd()
    await turn()
    bytes.writeLatin1('still')
    assert.deepEqual([heard, stream.written, stream.end], [['end'], '5\r\nstill\r\n', undefined])
    bytes.endWriting()
    await turn()
    assert.deepEqual(heard, ['end', 'tunnel closed finished'])
  })

  test('a response without a body is an upstream that has said all', async () => {
    const { bytes, heard } = asked('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
    await turn()
    assert.deepEqual(heard, ['end'])
    bytes.endWriting()
    await turn()
    assert.deepEqual(heard, ['end', 'tunnel closed finished'])
    assert.equal(bytes.closed?.by, 'upstream')
  })

  test('an upstream that is lost in the middle is no end', async () => {
    const { stream, heard } = asked(`${CHUNKED_200}2\r\nhi\r\n`)
    await turn()
    stream.feedEnd()
    await turn()
    assert.deepEqual(heard, ['bytes hi', 'tunnel closed upstream_closed'])
  })

  test('bytes behind a complete response end the tunnel', async () => {
    const { stream, heard } = asked(CHUNKED_200)
    await turn()
    stream.feed('0\r\n\r\nHTTP/1.1 299 Poison\r\n\r\n')
    await turn()
    assert.deepEqual(heard, ['end', 'tunnel closed upstream_protocol_error_late'])
  })

  test('reset cuts the connection off', async () => {
    const { bytes, heard, connection } = asked(CHUNKED_200)
    await turn()
    bytes.reset(KILL)
    await turn()
    assert.deepEqual([heard, connection.availableStreams], [['tunnel closed admin_close'], 0])
  })
})

describe('on HTTP/2', () => {
  class Server {
    readonly transport = new ScriptedStream()
    readonly heard: string[] = []
    readonly streams: ServerStream[] = []
    readonly #names = new FrameNames()
    #seen = 0

    constructor() {
      const sink = {
        answersContinue: true,
        onRequest: (stream: ServerStream) => {
          this.streams.push(stream)
          stream.setSink({ onData: noop, onTrailers: noop, onDrain: noop, onReset: noop })
        },
        onCodecError: noop,
        onConnectionClose: noop,
      }
      serveHttp2(this.transport, sink, http2Options({ allowConnect: true }))
      this.transport.feed(PREFACE)
      this.feed('settings')
      this.sent()
    }

    feed(...lines: readonly string[]): void {
      for (const line of lines) this.transport.feed(frameBytes(line))
    }

    sent(): string[] {
      const text = this.transport.written.slice(this.#seen)
      this.#seen = this.transport.written.length
      const names = this.#names.read(Buffer.from(text, 'latin1'))
      return names.filter((line) => !line.startsWith('settings') && !line.startsWith('window'))
    }

    tunnel(onTrailers = (trailers: HeaderList): void => void this.heard.push(trailers.fields.join(' '))): ByteStream {
      const stream = this.streams.at(-1)
      assert.ok(stream !== undefined)
      const bytes = acceptPost(stream, { onTrailers })
      bytes.setSink(tunnelSink(this.heard))
      return bytes
    }
  }

  test('a response that ends first is not followed by RST_STREAM', async () => {
    const server = new Server()
    server.feed('headers 1 post')
    const bytes = server.tunnel()
    bytes.writeLatin1('x')
    bytes.endWriting()
    assert.deepEqual(server.sent(), ['headers 1 :status=200', 'data 1 1', 'data 1 0 end'])
    await turn()
    server.feed('data 1 one', 'data 1 two', 'headers 1 end x=y')
    await turn()
    assert.deepEqual(server.heard, ['bytes one', 'bytes two', 'x y', 'end', 'tunnel closed finished'])
    assert.deepEqual(server.sent(), [])
  })

  test('an upstream that fails is INTERNAL_ERROR to a POST and CONNECT_ERROR to a CONNECT', async () => {
    const server = new Server()
    const cause = closeCause('upstream', 'tcp', 'upstream_closed')
    server.feed('headers 1 post')
    server.tunnel().reset(cause)
    server.feed('headers 3 connect', 'headers 5 bytestream', 'headers 7 websocket')
    for (const stream of server.streams.slice(1)) {
      stream.respond(response(200), false)
      stream.intoByteStream().reset(cause)
    }
    const resets = server.sent().filter((line) => line.startsWith('rst'))
    assert.deepEqual(resets, [
      'rst 1 INTERNAL_ERROR',
      'rst 3 CONNECT_ERROR',
      'rst 5 CONNECT_ERROR',
      'rst 7 CONNECT_ERROR',
    ])
    await turn()
  })

  test('every way in which an upstream fails is CONNECT_ERROR to a tunnel; a protocol error is what it is', () => {
    const codes: readonly (readonly [ErrorCode, string])[] = [
      ['upstream_closed', 'CONNECT_ERROR'],
      ['upstream_reset', 'CONNECT_ERROR'],
      ['upstream_closed_before_response', 'CONNECT_ERROR'],
      ['upstream_connection_failure', 'CONNECT_ERROR'],
      ['upstream_connection_timeout', 'CONNECT_ERROR'],
      ['upstream_protocol_error_late', 'PROTOCOL_ERROR'],
      ['stream_idle_timeout', 'CANCEL'],
    ]
    const server = new Server()
    let id = 1
    for (const [code, name] of codes) {
      server.feed(`headers ${id} connect`)
      server.streams.at(-1)?.respond(response(200), false)
      server.sent()
      server.streams
        .at(-1)
        ?.intoByteStream()
        .reset(closeCause('upstream', 'tcp', code))
      assert.deepEqual(server.sent(), [`rst ${id} ${name}`], code)
      id += 2
    }
  })

  test('close with a cause of the upstream is END_STREAM and then a reset that does not undo what was said', () => {
    const server = new Server()
    server.feed('headers 1 connect')
    server.streams.at(-1)?.respond(response(200), false)
    const bytes = server.streams.at(-1)?.intoByteStream()
    bytes?.writeLatin1('last')
    bytes?.close(closeCause('upstream', 'tcp', 'upstream_closed'))
    assert.deepEqual(server.sent(), ['headers 1 :status=200', 'data 1 4', 'data 1 0 end', 'rst 1 NO_ERROR'])
  })

  test('RST_STREAM and GOAWAY of the client', async () => {
    const server = new Server()
    server.feed('headers 1 post', 'data 1 x')
    server.tunnel()
    server.feed('goaway 0 0', 'data 1 y')
    await turn()
    server.feed('rst 1 8')
    await turn()
    assert.deepEqual(server.heard, ['bytes y', 'tunnel closed client_reset'])
  })

  test('a client goes on after END_STREAM of the response, and NO_ERROR behind it is an orderly end', async () => {
    const transport = new ScriptedStream()
    const names = new FrameNames()
    const client = http2Client(transport, { onAvailability: noop, onConnectionClose: noop }, http2Options())
    const heard: string[] = []
    let bytes: ByteStream | undefined
    const stream = client.request(tunnelPost(), false, {
      onInformational: noop,
      onResponse: (_head, readEnded) => {
        bytes = bodyByteStream(stream, { readEnded })
        bytes.setSink(tunnelSink(heard))
      },
      onData: noop,
      onTrailers: noop,
      onDrain: noop,
      onReset: noop,
    })
    for (const line of ['settings', 'headers 1 status=200', 'data 1 end hi']) transport.feed(frameBytes(line))
    names.read(Buffer.from(transport.written, 'latin1'))
    transport.written = ''
    await turn()
    bytes?.writeLatin1('still')
    assert.deepEqual(names.read(Buffer.from(transport.written, 'latin1')), ['data 1 5'])
    assert.deepEqual(heard, ['bytes hi', 'end'])
    transport.feed(frameBytes('rst 1 0'))
    await turn()
    assert.deepEqual(heard, ['bytes hi', 'end', 'tunnel closed finished'])
    assert.equal(bytes?.closed?.by, 'upstream')
  })
})

test('an exchange that is over when it is taken says so', async () => {
  const { stream, exchange, heard } = serverHarness()
  stream.feed(POST)
  exchange().respond(response(200), false)
  send(exchange(), 'x')
  stream.die()
  assert.deepEqual(heard.slice(1, 2), ['reset client client_disconnect'])
  const late: string[] = []
  const bytes = bodyByteStream(exchange())
  bytes.setSink(tunnelSink(late))
  assert.equal(bytes.writeLatin1('ignored'), true)
  await turn()
  assert.deepEqual(late, ['tunnel closed client_disconnect'])
})
