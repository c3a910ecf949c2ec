// A connection's life on a scripted stream: drain, keepalive, close, back-pressure of replies, and what once went wrong.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { http2Client } from '../../../../src/codec/http2/client.ts'
import { type Http2Options, http2Options } from '../../../../src/codec/http2/options.ts'
import { serveHttp2 } from '../../../../src/codec/http2/server.ts'
import type {
  ClientConnection,
  ClientStream,
  RequestHead,
  ServerConnection,
  ServerStream,
} from '../../../../src/codec/http-stream.ts'
import { closeCause } from '../../../../src/core/close-cause.ts'
import { request, response, turn } from '../../../support/http1-harness.ts'
import { FrameNames, frameBytes, PREFACE } from '../../../support/http2-frames.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { ScriptedStream } from '../../../support/scripted-stream.ts'

const STOP = closeCause('operator', 'server', 'shutdown')
const noop = (): void => {}

class Harness {
  readonly transport = new ScriptedStream()
  readonly clock = new ManualClock()
  readonly heard: string[] = []
  readonly options: Http2Options
  readonly #names = new FrameNames()
  #seen = 0

  constructor(options: Partial<Http2Options>) {
    this.options = http2Options({ clock: this.clock, ...options })
  }

  /** Frames sent since the last look, without SETTINGS. */
  sent(): string[] {
    const text = this.transport.written.slice(this.#seen)
    this.#seen = this.transport.written.length
    return this.#names.read(Buffer.from(text, 'latin1')).filter((line) => !line.startsWith('settings'))
  }

  feed(...lines: readonly string[]): void {
    for (const line of lines) this.transport.feed(frameBytes(line))
  }

  /** A sink that writes down what it hears, under a name. */
  sink(name: string) {
    const note = (what: string) => (): void => void this.heard.push(`${name} ${what}`)
    return {
      onInformational: note('1xx'),
      onResponse: note('response'),
      onTrailers: note('trailers'),
      onDrain: note('drain'),
      onData: (_buffer: Buffer, start: number, end: number, last: boolean) =>
        void this.heard.push(`${name} data ${end - start}${last ? ' end' : ''}`),
      onReset: (cause: { by: string; code: string }) => void this.heard.push(`${name} reset ${cause.by} ${cause.code}`),
    }
  }

  readonly onConnectionClose = (cause: { by: string; code: string }): void =>
    void this.heard.push(`closed ${cause.by} ${cause.code}`)
}

class ServerHarness extends Harness {
  readonly connection: ServerConnection
  readonly streams: ServerStream[] = []

  /** What became of `expect`, of each request. */
  readonly expectations: (string | undefined)[] = []

  constructor(options: Partial<Http2Options> = {}, answersContinue = true) {
    super(options)
    const onRequest = (stream: ServerStream, { headers }: RequestHead): void => {
      this.streams.push(stream)
      this.expectations.push(headers.get('expect'))
      stream.setSink(this.sink(`#${this.streams.length}`))
    }
    const sink = { answersContinue, onRequest, onCodecError: noop, onConnectionClose: this.onConnectionClose }
    this.connection = serveHttp2(this.transport, sink, this.options)
    this.transport.feed(PREFACE)
    this.feed('settings')
    this.sent()
  }

  stream(at = -1): ServerStream {
    const stream = this.streams.at(at)
    if (stream === undefined) throw new Error('no request arrived')
    return stream
  }
}

class ClientHarness extends Harness {
  readonly connection: ClientConnection

  constructor(options: Partial<Http2Options> = {}) {
    super(options)
    this.connection = http2Client(
      this.transport,
      { onAvailability: noop, onConnectionClose: this.onConnectionClose },
      this.options,
    )
    this.feed('settings')
    this.sent()
  }

  ask(name: string, method = 'GET', endStream = method === 'GET'): ClientStream {
    return this.connection.request(request(method, '/'), endStream, this.sink(name))
  }
}

describe('drain (RFC 9113 §6.8)', () => {
  test('two GOAWAYs with a PING between, and a close when the last stream ends', async () => {
    const server = new ServerHarness()
    server.feed('headers 1 get')
    server.connection.drain(STOP)
    server.connection.drain(STOP)
    assert.deepEqual(server.sent(), ['goaway 2147483647 NO_ERROR', 'ping'])
    server.feed('ping ack', 'headers 3 end get')
    assert.deepEqual(server.sent(), [], 'that PING was not the one')
    server.feed(`frame 6 1 0 hex:${Buffer.from('sluice:d').toString('hex')}`)
    assert.deepEqual(server.sent(), ['goaway 3 NO_ERROR'])
    assert.equal(server.clock.pending, 0)
    server.stream(0).respond(response(200), true)
    server.stream(1).respond(response(200), true)
    assert.equal(server.transport.end, 'close')
    await turn()
    assert.deepEqual(server.heard, ['#1 reset proxy finished', 'closed operator shutdown'])
  })

  test('a client that does not answer the PING is not waited for', () => {
    const server = new ServerHarness()
    server.connection.drain(STOP)
    server.clock.advance(5000)
    assert.deepEqual(server.sent(), ['goaway 2147483647 NO_ERROR', 'ping', 'goaway 0 NO_ERROR'])
    assert.equal(server.transport.end, 'close')
  })

  test('streams behind the last one named are refused with all that belongs to them', () => {
    const server = new ServerHarness()
    server.feed('headers 1 get')
    server.connection.drain(STOP)
    server.clock.advance(5000)
    server.sent()
    server.feed('headers 3 post', 'data 3 hello', 'headers 3 end x=y', 'window 3 5', 'rst 3 8', 'headers 5 end get')
    assert.deepEqual(server.sent(), ['rst 3 REFUSED_STREAM', 'rst 5 REFUSED_STREAM'])
    server.feed('ping')
    assert.deepEqual(server.sent(), ['ping ack'])
    server.feed('rst 7 8')
    assert.deepEqual(server.sent(), ['goaway 1 PROTOCOL_ERROR'], 'a later GOAWAY names no higher stream')
  })

  test('closeAfterResponse drains', () => {
    const server = new ServerHarness()
    server.feed('headers 1 end get')
    server.stream().closeAfterResponse()
    server.stream().respond(response(200), true)
    server.clock.advance(5000)
    assert.deepEqual(server.sent(), [
      'goaway 2147483647 NO_ERROR',
      'ping',
      'headers 1 end :status=200',
      'goaway 1 NO_ERROR',
    ])
    assert.equal(server.transport.end, 'close')
  })

  test('a drained client opens nothing and closes with its last stream', async () => {
    const client = new ClientHarness()
    client.ask('a')
    client.connection.drain(STOP)
    client.ask('b')
    client.sent()
    client.feed('headers 1 end status=200')
    await turn()
    assert.deepEqual(client.sent(), ['goaway 0 NO_ERROR'])
    assert.deepEqual(client.heard, [
      'a response',
      'b reset upstream upstream_refused_stream',
      'closed operator shutdown',
    ])
  })
})

describe('close', () => {
  test('says GOAWAY, resets the streams with its cause and leaves no timer', async () => {
    const server = new ServerHarness({
      connectionKeepalive: {
        intervalMs: 100,
        timeoutMs: 50,
        intervalJitterPercent: 0,
        connectionIdleIntervalMs: undefined,
      },
    })
    server.feed('headers 1 hold')
    server.connection.drain(STOP)
    server.connection.close(STOP)
    server.connection.close(STOP)
    await turn()
    assert.deepEqual(server.sent(), ['goaway 2147483647 NO_ERROR', 'ping', 'goaway 1 NO_ERROR'])
    assert.deepEqual(server.heard, ['#1 reset operator shutdown', 'closed operator shutdown'])
    assert.equal(server.clock.pending, 0)
    assert.deepEqual([server.connection.activeStreams, server.options.stats.streams_active], [0, 0])
  })

  test('drops what waits for a window, and counts it no more', () => {
    const server = new ServerHarness()
    server.feed('settings 4=0', 'headers 1 end get')
    server.stream().respond(response(200), false)
    server.stream().sendData(Buffer.alloc(1000), 0, 1000, true)
    assert.equal(server.options.stats.pending_send_bytes, 1000)
    server.connection.close(STOP)
    assert.deepEqual([server.stream().queuedBytes, server.options.stats.pending_send_bytes], [0, 0])
  })

  test('an end by the peer fails what is open', async () => {
    const client = new ClientHarness()
    client.ask('a')
    client.transport.feedEnd()
    await turn()
    assert.deepEqual(client.heard, [
      'a reset upstream upstream_closed_before_response',
      'closed upstream upstream_closed',
    ])
    const idle = new ClientHarness()
    idle.transport.feedEnd()
    await turn()
    assert.deepEqual(idle.heard, ['closed upstream finished'])
  })

  test('nothing is sent after it', () => {
    const server = new ServerHarness()
    server.feed('headers 1 hold', 'headers 3 hold')
    server.connection.close(STOP)
    server.sent()
    for (const stream of server.streams) {
      stream.respondInformational(response(103))
      stream.respond(response(200), false)
      stream.sendData(Buffer.alloc(10), 0, 10, true)
      stream.reset(STOP)
    }
    server.connection.drain(STOP)
    server.feed('ping')
    assert.deepEqual(server.sent(), [])
  })
})

describe('keepalive', () => {
  const connectionKeepalive = {
    intervalMs: 1000,
    timeoutMs: 200,
    intervalJitterPercent: 0,
    connectionIdleIntervalMs: undefined,
  }

  test('a PING that nobody answers ends the connection', async () => {
    const client = new ClientHarness({ connectionKeepalive })
    client.ask('a')
    client.sent()
    client.clock.advance(1000)
    assert.deepEqual(client.sent(), ['ping'])
    client.clock.advance(200)
    assert.equal(client.transport.end, 'reset')
    await turn()
    assert.deepEqual(client.heard, [
      'a reset upstream upstream_closed_before_response',
      'closed upstream http2_keepalive_timeout',
    ])
    assert.equal(client.clock.pending, 0)
  })

  test('any byte is a sign of life', () => {
    const client = new ClientHarness({ connectionKeepalive })
    for (let i = 0; i < 5; i++) {
      client.clock.advance(1000)
      assert.deepEqual(client.sent(), ['ping'])
      client.clock.advance(100)
      client.feed('ping ack')
    }
    client.transport.die()
    assert.equal(client.clock.pending, 0)
  })

  test('a connection that was silent for long is tried with the next stream', () => {
    const client = new ClientHarness({
      connectionKeepalive: { ...connectionKeepalive, intervalMs: undefined, connectionIdleIntervalMs: 500 },
    })
    client.ask('a')
    client.clock.advance(500)
    client.ask('b')
    assert.deepEqual(
      client.sent().map((line) => line.split(' ')[0]),
      ['headers', 'ping', 'headers'],
    )
    client.clock.advance(200)
    assert.equal(client.transport.end, 'reset')
  })
})

describe('replies that pile up', () => {
  for (const [frame, what] of [
    ['ping', 'PING'],
    ['settings', 'SETTINGS'],
  ] as const) {
    test(`${what} frames of a client that reads nothing end the connection`, () => {
      const server = new ServerHarness({ maxOutboundControlFrames: 10 })
      server.transport.queuedBytes = 1e9
      server.feed(...Array<string>(11).fill(frame))
      assert.equal(server.transport.end, 'close')
      assert.equal(server.options.stats.outbound_control_flood, 1)
    })
  }

  test('one that reads is not counted', () => {
    const server = new ServerHarness({ maxOutboundControlFrames: 10 })
    for (let i = 0; i < 100; i++) server.feed('ping')
    assert.equal(server.transport.end, undefined)
  })

  test('DATA waits with its stream while the socket is full', () => {
    const server = new ServerHarness()
    server.feed('headers 1 end get', 'headers 3 end get')
    server.transport.writable = false
    for (const stream of server.streams) stream.respond(response(200), false)
    for (const stream of server.streams) stream.sendData(Buffer.alloc(100_000), 0, 100_000, true)
    assert.deepEqual(server.sent(), ['headers 1 :status=200', 'headers 3 :status=200'])
    server.transport.drain()
    const frames = server.sent()
    // One frame each in turn, until the connection's window of 65,535 bytes is used up.
    assert.deepEqual(frames, ['data 1 16384', 'data 3 16384', 'data 1 16384', 'data 3 16383'])
    server.feed('window 0 1000000', 'window 1 1000000', 'window 3 1000000')
    assert.equal(server.sent().filter((line) => line.endsWith('end')).length, 2)
  })
})

test('what a stream held goes back to the window of the connection when the stream is reset', () => {
  const server = new ServerHarness({ initialConnectionWindowSize: 65_535 })
  server.feed('headers 1 post', 'headers 3 post')
  for (const stream of server.streams) stream.pauseReading(8)
  server.feed('data 1 x*16384', 'data 1 x*16384', 'data 1 x*7232', 'data 3 x*1000')
  assert.deepEqual(server.sent(), [])
  server.stream(0).reset(STOP)
  assert.deepEqual(server.sent(), ['rst 1 NO_ERROR', 'window 0 40000'])
  server.feed('data 1 x*16384', 'data 1 end x*16384')
  assert.deepEqual(server.sent(), ['window 0 32768'], 'and so does what was still on its way')
})

describe('what once went wrong', () => {
  test('no drain is told after the end of a stream', () => {
    const server = new ServerHarness()
    server.feed('settings 4=0', 'headers 1 post')
    const stream = server.stream()
    stream.setHighWater(10)
    stream.respond(response(200), false)
    assert.equal(stream.sendData(Buffer.alloc(100), 0, 100, true), false)
    server.feed('settings 4=1000')
    assert.deepEqual(server.heard, ['#1 reset proxy finished'])
  })

  test('a complete response that is held outlives the request that nobody reads', async () => {
    const client = new ClientHarness()
    const stream = client.ask('a', 'POST')
    stream.pauseReading(1)
    client.feed('headers 1 status=413', 'data 1 end hello')
    assert.deepEqual(client.sent().slice(1), ['rst 1 CANCEL'])
    stream.resumeReading(1)
    await turn()
    assert.deepEqual(client.heard, ['a response', 'a data 5 end'])
  })

  test('a request without room writes nothing and takes no stream of another with it', async () => {
    const client = new ClientHarness()
    client.feed('settings 3=1')
    client.ask('a')
    client.sent()
    const refused = client.ask('b', 'POST')
    refused.sendData(Buffer.alloc(10), 0, 10, false)
    refused.endMessage()
    client.feed('headers 1 end status=200')
    client.ask('c')
    refused.reset(STOP)
    await turn()
    assert.equal(client.connection.activeStreams, 1)
    assert.deepEqual(
      client.sent().map((line) => line.split(' ').slice(0, 2).join(' ')),
      ['headers 3'],
    )
    assert.deepEqual(client.heard, ['a response', 'b reset operator shutdown'])
  })

  test('100 goes to a request whose content is to come, and only where this side answers expectations', () => {
    const server = new ServerHarness({ allowConnect: true })
    server.feed('headers 1 post expect=100-Continue')
    assert.deepEqual(server.sent(), ['headers 1 :status=100'])
    server.feed('headers 3 end post expect=100-continue', 'headers 5 post expect=something-else')
    server.feed('headers 7 websocket expect=100-continue')
    assert.deepEqual(server.sent(), [], 'no content, another expectation, a tunnel')
    assert.deepEqual(server.expectations, [undefined, undefined, 'something-else', '100-continue'])
    const silent = new ServerHarness({}, false)
    silent.feed('headers 1 post expect=100-continue')
    assert.deepEqual([silent.sent(), silent.expectations], [[], ['100-continue']])
  })

  test('101 is never sent as an informational response', () => {
    const server = new ServerHarness()
    server.feed('headers 1 end get')
    server.stream().respondInformational(response(101))
    assert.deepEqual(server.sent(), [])
  })

  test('a table that shrank and grew within one SETTINGS is announced twice', () => {
    const server = new ServerHarness()
    server.feed('headers 1 end get')
    server.stream().respond(response(200, ['x-a', '1']), true)
    server.feed('settings 1=0 1=4096', 'headers 3 end get')
    server.transport.written = ''
    server.stream().respond(response(200, ['x-a', '1']), true)
    assert.equal(Buffer.from(server.transport.written, 'latin1').subarray(9, 13).toString('hex'), '203fe11f')
  })
})
