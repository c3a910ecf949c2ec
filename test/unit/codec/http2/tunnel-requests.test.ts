// CONNECT over HTTP/2 beyond the frames of the golden tables: payload that comes early, resets that are no attack, answers
// that arrive with payload, and requests that cannot be written.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HeaderList } from '../../../../src/codec/header-list.ts'
import type { ClientStream, RequestHead, ServerStream } from '../../../../src/codec/http-stream.ts'
import { http2Client } from '../../../../src/codec/http2/client.ts'
import { type Http2Options, http2Options } from '../../../../src/codec/http2/options.ts'
import { serveHttp2 } from '../../../../src/codec/http2/server.ts'
import { closeCause } from '../../../../src/core/close-cause.ts'
import { UPSTREAM_EARLY_RESETS, UPSTREAM_RESETS } from '../../../../src/core/limits.ts'
import type { ByteStream } from '../../../../src/transport/byte-stream.ts'
import { request, response, tunnelSink, turn } from '../../../support/http1-harness.ts'
import { FrameNames, frameBytes, PREFACE } from '../../../support/http2-frames.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { ScriptedStream } from '../../../support/scripted-stream.ts'

const GONE = closeCause('client', 'tcp', 'client_disconnect')
const noop = (): void => {}

class Peer {
  readonly transport = new ScriptedStream()
  readonly clock = new ManualClock()
  readonly heard: string[] = []
  readonly #names = new FrameNames()
  #seen = 0

  feed(...lines: readonly string[]): void {
    for (const line of lines) this.transport.feed(frameBytes(line))
  }

  sent(): string[] {
    const text = this.transport.written.slice(this.#seen)
    this.#seen = this.transport.written.length
    const names = this.#names.read(Buffer.from(text, 'latin1'))
    return names.filter((line) => !line.startsWith('settings') && !line.startsWith('window'))
  }
}

class Server extends Peer {
  readonly streams: ServerStream[] = []

  constructor(options: Partial<Http2Options> = {}) {
    super()
    const onRequest = (stream: ServerStream): void => {
      this.streams.push(stream)
      stream.setSink({
        onData: noop,
        onTrailers: noop,
        onDrain: noop,
        onReset: (cause) => this.heard.push(`reset ${cause.code}`),
        onEarlyData: () => this.heard.push(`early ${stream.earlyBytes}`),
      })
    }
    const sink = { answersContinue: true, onRequest, onCodecError: noop, onConnectionClose: noop }
    serveHttp2(this.transport, sink, http2Options({ clock: this.clock, allowConnect: true, ...options }))
    this.transport.feed(PREFACE)
    this.feed('settings')
    this.sent()
  }

  get last(): ServerStream {
    const stream = this.streams.at(-1)
    assert.ok(stream !== undefined, 'a request arrived')
    return stream
  }
}

class Client extends Peer {
  readonly connection
  available = 0

  constructor(options: Partial<Http2Options> = {}) {
    super()
    const sink = {
      onAvailability: () => void this.available++,
      onConnectionClose: () => void this.heard.push('closed'),
    }
    this.connection = http2Client(this.transport, sink, http2Options({ clock: this.clock, ...options }))
    this.feed('settings 8=1')
    this.sent()
  }

  connect(given: Partial<RequestHead> = {}, onResponse: (stream: ClientStream, over: boolean) => void = noop) {
    const head = { ...request('CONNECT', '', [], { kind: 'connect' }), authority: 'b:443', ...given }
    const stream: ClientStream = this.connection.request(head, false, {
      onInformational: noop,
      onResponse: (answer, over) => {
        this.heard.push(`response ${answer.status}${over ? ' over' : ''}`)
        onResponse(stream, over)
      },
      onData: noop,
      onTrailers: noop,
      onDrain: noop,
      onReset: (cause) => this.heard.push(`reset ${cause.by} ${cause.code}`),
    })
    return stream
  }
}

describe('early payload', () => {
  test('is counted and told once, kept, and what comes after the answer is none', async () => {
    const server = new Server()
    server.feed('headers 1 connect')
    assert.equal(server.last.earlyBytes, 0)
    server.feed('data 1 hello', 'data 1 again')
    assert.deepEqual([server.heard, server.last.earlyBytes], [['early 5'], 10])
    server.last.respond(response(200), false)
    server.feed('data 1 end later')
    const bytes = server.last.intoByteStream()
    bytes.setSink(tunnelSink(server.heard))
    bytes.resumeReading(2)
    await turn()
    assert.deepEqual(server.heard.slice(1).join('|'), 'bytes helloagainlater|end')
    assert.equal(server.last.earlyBytes, 10)
  })

  test('is not an empty frame, not a half-close, and not the body of another request', () => {
    const server = new Server()
    server.feed('headers 1 connect', 'data 1 end', 'headers 3 pause', 'data 3 x')
    assert.deepEqual([server.heard, server.streams.map((stream) => stream.earlyBytes)], [[], [0, 0]])
  })

  test('is dropped by a refusal and gives its window back', () => {
    const server = new Server({ initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 })
    for (let id = 1; id < 20; id += 2) {
      server.feed(`headers ${id} connect`, `data ${id} x*16384`, `data ${id} x*16384`)
      server.last.respond(response(400), true)
    }
    assert.equal(server.transport.closed, undefined)
    assert.equal(server.heard.filter((line) => line.startsWith('early')).length, 10)
  })
})

describe('resets by a client that has many tunnels', () => {
  test('of tunnels that were accepted, or lived long, are no attack', () => {
    const server = new Server({ prematureResetStreamCount: 10 })
    for (let id = 1; id < 400; id += 4) {
      server.feed(`headers ${id} connect`)
      server.last.respond(response(200), false)
      server.last.intoByteStream().setSink(tunnelSink([]))
      server.feed(`data ${id} x`, `rst ${id} 8`)
      server.feed(`headers ${id + 2} connect`)
      server.clock.advance(1001)
      server.feed(`rst ${id + 2} 8`)
    }
    assert.deepEqual([server.transport.closed, server.streams.length], [undefined, 200])
  })

  test('of tunnels that were refused are none either, and of those just asked for they are', () => {
    const server = new Server({ prematureResetStreamCount: 10 })
    for (let id = 1; id < 40; id += 2) {
      server.feed(`headers ${id} connect`)
      server.last.respond(response(403), true)
      server.feed(`rst ${id} 8`)
    }
    const ended = (): string | undefined => server.transport.closed?.code
    assert.equal(ended(), undefined)
    for (let id = 41; id < 400 && ended() === undefined; id += 2) server.feed(`headers ${id} connect`, `rst ${id} 8`)
    assert.equal(ended(), 'http2_flood')
  })
})

describe('a client', () => {
  test('takes payload that came in one read with the answer', async () => {
    const client = new Client()
    client.connect({}, (stream) => stream.intoByteStream().setSink(tunnelSink(client.heard)))
    client.transport.feed(Buffer.concat(['headers 1 status=200', 'data 1 a', 'data 1 end b'].map(frameBytes)))
    await turn()
    assert.equal(client.heard.join('|'), 'response 200|bytes a|bytes b|end')
  })

  test('lets go of a CONNECT whose answer ended it, unless somebody takes it', () => {
    const client = new Client()
    client.connect()
    client.feed('headers 1 end status=200')
    assert.deepEqual([client.heard, client.sent().slice(1)], [['response 200 over'], ['rst 1 CANCEL']])
    assert.equal(client.connection.activeStreams, 0)
    client.connect({}, (stream) => stream.intoByteStream().setSink(tunnelSink(client.heard)))
    client.feed('headers 3 end status=200')
    assert.equal(client.connection.activeStreams, 1)
  })

  test('may refuse a 2xx within onResponse', () => {
    const client = new Client()
    client.connect({}, (stream) => stream.reset(closeCause('upstream', 'http2', 'upstream_protocol_error')))
    client.feed('headers 1 status=202')
    assert.deepEqual(client.sent().slice(1), ['rst 1 PROTOCOL_ERROR'])
    assert.deepEqual(client.heard, ['response 202', 'reset upstream upstream_protocol_error'])
  })

  test('hears CONNECT_ERROR for what it is, before and after the answer', async () => {
    const client = new Client()
    client.connect()
    client.feed('rst 1 10')
    let tunnel: ByteStream | undefined
    client.connect({}, (stream) => {
      tunnel = stream.intoByteStream()
      tunnel.setSink(tunnelSink(client.heard))
    })
    client.feed('headers 3 status=200', 'rst 3 10')
    await turn()
    assert.deepEqual(client.heard, [
      'reset upstream upstream_connect_error',
      'response 200',
      'tunnel closed upstream_reset',
    ])
    assert.equal(tunnel?.closed?.detail, 'RST_STREAM CONNECT_ERROR')
  })

  test('tells trailers of a tunnel before its end', async () => {
    const client = new Client()
    client.connect({}, (stream) => {
      const bytes = stream.intoByteStream((trailers) => client.heard.push(`trailers ${trailers.fields.join(' ')}`))
      bytes.setSink(tunnelSink(client.heard))
    })
    client.feed('headers 1 status=200', 'data 1 x', 'headers 1 end a=b')
    await turn()
    assert.equal(client.heard.join('|'), 'response 200|bytes x|trailers a b|end')
  })

  test('keeps a tunnel through GOAWAY, and loses the one that GOAWAY leaves out', async () => {
    const client = new Client()
    client.connect({}, (stream) => stream.intoByteStream().setSink(tunnelSink(client.heard)))
    client.connect()
    client.feed('headers 1 status=200', 'goaway 1 0', 'data 1 still')
    await turn()
    assert.deepEqual(client.heard, ['response 200', 'reset upstream upstream_refused_stream', 'bytes still'])
    assert.equal(client.connection.availableStreams, 0)
  })

  for (const given of [
    { authority: '' },
    { authority: 'b:0' },
    { authority: 'b:443\r\nx: y' },
    { authority: 'b:443 x' },
    { headers: new HeaderList(['x', 'a\r\nb: c']) },
    { headers: new HeaderList(['x', 'a\0']) },
  ]) {
    test(`writes no CONNECT with ${JSON.stringify(given)}`, async () => {
      const client = new Client()
      client.connect(given)
      await turn()
      assert.deepEqual([client.sent(), client.heard], [[], ['reset client invalid_authority']])
      client.connect()
      assert.equal(client.sent().length, 1, 'the connection goes on')
    })
  }

  test('leaves a connection on which it reset many requests before their answer, tunnels and all going on', async () => {
    const client = new Client()
    client.connect({}, (stream) => stream.intoByteStream().setSink(tunnelSink(client.heard)))
    client.feed('headers 1 status=200')
    for (let i = 0; i < UPSTREAM_EARLY_RESETS; i++) {
      assert.notEqual(client.connection.availableStreams, 0, `after ${i}`)
      client.available = 0
      client.connect().reset(GONE)
      assert.equal(client.available, 1, 'whoever waits is told')
    }
    assert.equal(client.connection.availableStreams, 0)
    client.feed('data 1 alive')
    await turn()
    assert.equal(client.heard.at(-1), 'bytes alive')
    assert.equal(client.transport.closed, undefined)
  })

  test('stays while most of its requests are answered, up to the resets that other peers allow', () => {
    const client = new Client()
    let id = 1
    let resets = 0
    for (; client.connection.availableStreams > 0; id += 2) {
      const stream = client.connect({}, (taken) => taken.intoByteStream().setSink(tunnelSink([])))
      client.feed(`headers ${id} status=200`)
      stream.reset(GONE)
      resets++
    }
    assert.equal(resets, UPSTREAM_RESETS)
  })
})
