// The client side of the HTTP/2 codec on real sockets, with node:http2 as server; and both sides of the codec together.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  constants,
  createServer,
  type Http2Server as NodeServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2'
import type { Socket } from 'node:net'
import { after, test } from 'node:test'
import { METHOD_FIELD } from '../../src/codec/upgrade-translation.ts'
import { HeaderList } from '../../src/codec/header-list.ts'
import { PAUSE } from '../../src/transport/byte-stream.ts'
import {
  BLOCK,
  dialHttp2,
  type Exchange,
  type Http2TestClient,
  STOP,
  startHttp2Server,
} from '../support/http2-endpoint.ts'
import { nothingLeft } from '../support/leaks.ts'
import { nextEvent, until } from '../support/waiting.ts'

interface Origin {
  readonly port: number
  readonly streams: readonly ServerHttp2Stream[]
  readonly sessions: readonly ServerHttp2Session[]
  /** Ends all connections without a word of HTTP/2. */
  vanish(): void
  stop(): Promise<void>
}

/** `/echo`, `/hash`, `/bytes/N`, `/early`, `/reset/CODE`, `/hold`, and tunnels that echo. */
async function startOrigin(options: ServerOptions = {}): Promise<Origin> {
  const server: NodeServer = createServer({
    ...options,
    settings: { enableConnectProtocol: true, ...options.settings },
  })
  const streams: ServerHttp2Stream[] = []
  const sessions: ServerHttp2Session[] = []
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)))
  server.on('session', (session) => {
    sessions.push(session)
    session.on('error', () => undefined)
  })
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    streams.push(stream)
    stream.on('error', () => undefined)
    answer(stream, headers[':path'] ?? '', headers)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    streams,
    sessions,
    vanish: () => sockets.forEach((socket) => socket.destroy()),
    async stop() {
      for (const session of sessions) session.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function answer(stream: ServerHttp2Stream, path: string, headers: Record<string, unknown>): void {
  const size = /^\/bytes\/(\d+)$/.exec(path)?.[1]
  if (size !== undefined) {
    stream.respond({ ':status': 200, 'content-length': size })
    stream.end(Buffer.alloc(Number(size), 'sluice '))
  } else if (path === '/early') {
    stream.respond({ ':status': 413 })
    stream.end('too large')
    stream.on('finish', () => stream.close(constants.NGHTTP2_NO_ERROR))
  } else if (path.startsWith('/reset/')) {
    stream.close(Number(path.slice(7)))
  } else if (path === '/hash') {
    const hash = createHash('sha256')
    stream.on('data', (chunk: Buffer) => hash.update(chunk))
    stream.on('end', () => {
      stream.additionalHeaders({ ':status': 103, link: '</a>' })
      stream.respond({ ':status': 200, 'x-hash': hash.digest('hex') }, { endStream: true })
    })
  } else if (path === '/echo' || headers[':method'] === 'CONNECT') {
    stream.respond(
      { ':status': 200, 'x-asked': JSON.stringify(headers) },
      { waitForTrailers: headers[':method'] !== 'CONNECT' },
    )
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-check': 'done' }))
    stream.pipe(stream)
  } else if (path !== '/hold') {
    stream.respond({ ':status': 200, 'x-asked': JSON.stringify(headers) }, { endStream: true })
  }
}

const origin = await startOrigin()
const client = await dialHttp2(origin.port)

after(async () => {
  await client.stop()
  await origin.stop()
  await nothingLeft()
})

/** Sends `total` bytes as fast as they are taken; answers their hash. */
function upload(exchange: Exchange, total: number): string {
  const block = (at: number): number => Math.min(BLOCK.length, total - at)
  let sent = 0
  const more = (): void => {
    while (sent < total) {
      const count = block(sent)
      sent += count
      if (!exchange.stream.sendData(BLOCK, 0, count, sent === total)) return
    }
  }
  exchange.onMore = more
  more()
  const hash = createHash('sha256')
  for (let at = 0; at < total; at += BLOCK.length) hash.update(BLOCK.subarray(0, block(at)))
  return hash.digest('hex')
}

const asked = (exchange: Exchange): Record<string, unknown> => ({
  ...JSON.parse(exchange.head?.headers.get('x-asked') ?? '{}'),
})
const connectTo = { kind: 'connect' } as const

test('a request and its header fields', async () => {
  const exchange = await client
    .ask({ path: '/x', headers: new HeaderList(['x-a', '1', 'connection', 'x-b', 'x-b', '2', 'te', 'gzip, trailers']) })
    .done()
  const got = asked(exchange)
  assert.equal(exchange.status, 200)
  assert.deepEqual(
    [got[':path'], got[':authority'], got['x-a'], got['x-b'], got['te']],
    ['/x', 'a.example', '1', undefined, 'trailers'],
  )
})

test('1 MiB up, a 103, and the answer', async () => {
  const exchange = client.ask({ method: 'POST', path: '/hash' }, false)
  exchange.stream.setHighWater(100_000)
  const hash = upload(exchange, 1 << 20)
  await exchange.done()
  assert.deepEqual(exchange.informational, [103])
  assert.equal(exchange.head?.headers.get('x-hash'), hash)
  assert.ok(exchange.drains > 0, 'the window of 65,535 bytes held it back')
})

test('1 MiB there and back with trailers', async () => {
  const exchange = client.ask({ method: 'POST', path: '/echo' }, false)
  const hash = upload(exchange, 1 << 20)
  await exchange.done()
  assert.deepEqual([exchange.bytes, exchange.hash, exchange.trailers?.get('x-check')], [1 << 20, hash, 'done'])
})

test('trailers of a request', async () => {
  const before = origin.streams.length
  const exchange = client.ask({ method: 'POST', path: '/hold' }, false)
  const stream = await until(() => origin.streams[before], { what: 'the request' })
  const trailers = nextEvent<Record<string, unknown>>(stream, 'trailers')
  stream.resume()
  exchange.send('x')
  exchange.stream.sendTrailers(new HeaderList(['x-check', 'yes']))
  assert.equal((await trailers)['x-check'], 'yes')
  exchange.stream.reset(STOP)
})

test('a slow reader stops the server at the window', async () => {
  const own = await dialHttp2(origin.port, { initialStreamWindowSize: 100_000 })
  const exchange = own.ask({ path: '/bytes/1000000' })
  exchange.stream.pauseReading(PAUSE.peerSlow)
  const stream = await until(() => (exchange.head === undefined ? undefined : origin.streams.at(-1)), {
    what: 'the response',
  })
  await until(() => (stream.writableLength > 0 ? true : undefined), { what: 'a server that waits' })
  assert.equal(exchange.bytes, 0)
  exchange.stream.resumeReading(PAUSE.peerSlow)
  await exchange.done()
  assert.equal(exchange.bytes, 1_000_000)
  await own.stop()
})

test('a writer without a window queues up to the high-water mark', async () => {
  const exchange = client.ask({ method: 'POST', path: '/hold' }, false)
  exchange.stream.setHighWater(200_000)
  upload(exchange, 10_000_000)
  let most = 0
  const steady = async (): Promise<true | undefined> => {
    const before = exchange.stream.queuedBytes
    for (let i = 0; i < 20; i++) {
      most = Math.max(most, exchange.stream.queuedBytes)
      await new Promise((resolve) => setImmediate(resolve))
    }
    return before > 0 && exchange.stream.queuedBytes === before ? true : undefined
  }
  await until(steady, { what: 'a queue that stands still' })
  assert.ok(most <= 200_000 + BLOCK.length, String(most))
  exchange.stream.reset(STOP)
  assert.equal(exchange.stream.queuedBytes, 0)
  assert.equal(client.options.stats.pending_send_bytes, 0)
})

test('an answer before the end of the request stands', async () => {
  const exchange = client.ask({ method: 'POST', path: '/early' }, false)
  upload(exchange, 1 << 20)
  await exchange.done()
  assert.deepEqual([exchange.status, exchange.text, exchange.reset], [413, 'too large', undefined])
  await until(() => (client.connection.activeStreams === 0 ? true : undefined), { what: 'the stream to close' })
})

test('a held answer survives the end of a request that nobody wants', async () => {
  const exchange = client.ask({ method: 'POST', path: '/early' }, false)
  exchange.stream.pauseReading(PAUSE.peerSlow)
  await until(() => (client.connection.activeStreams === 0 ? true : undefined), { what: 'the stream to close' })
  assert.deepEqual([exchange.status, exchange.text], [413, ''])
  exchange.stream.resumeReading(PAUSE.peerSlow)
  await exchange.done()
  assert.deepEqual([exchange.text, exchange.reset], ['too large', undefined])
})

test('codes of resets by the server', async () => {
  for (const [code, expected] of [
    [constants.NGHTTP2_REFUSED_STREAM, 'upstream_refused_stream'],
    [constants.NGHTTP2_INTERNAL_ERROR, 'upstream_reset_before_response'],
    [constants.NGHTTP2_ENHANCE_YOUR_CALM, 'upstream_reset_before_response'],
  ] as const) {
    const exchange = await client.ask({ path: `/reset/${code}` }).done()
    assert.deepEqual([exchange.reset?.by, exchange.reset?.code], ['upstream', expected])
  }
})

test('extended CONNECT with a half-close', async () => {
  assert.equal(client.connection.extendedConnect, true)
  const exchange = client.ask({ path: '/chat', tunnel: { kind: 'upgrade', type: 'websocket' } }, false)
  const tunnel = await until(() => exchange.tunnel, { what: 'the tunnel' })
  assert.equal(exchange.status, 101)
  assert.deepEqual(
    [asked(exchange)[':protocol'], asked(exchange)[':method'], asked(exchange)['upgrade']],
    ['websocket', 'CONNECT', undefined],
  )
  tunnel.writeLatin1('hello')
  await until(() => (exchange.text === 'hello' ? true : undefined), { what: 'the echo' })
  tunnel.endWriting()
  await until(() => exchange.reset, { what: 'both ends' })
  assert.deepEqual([exchange.ended, exchange.reset?.code], [true, 'finished'])
})

test('a tunnel that its server resets', async () => {
  const exchange = client.ask({ tunnel: connectTo, authority: 'b:1' }, false)
  await until(() => exchange.tunnel, { what: 'the tunnel' })
  origin.streams.at(-1)?.close(constants.NGHTTP2_CONNECT_ERROR)
  const cause = await until(() => exchange.reset, { what: 'the reset' })
  assert.deepEqual([cause.by, cause.code, cause.detail], ['upstream', 'upstream_reset', 'RST_STREAM CONNECT_ERROR'])
})

test('1,000 streams, no more at a time than the server takes', async () => {
  const own = await startOrigin({ settings: { maxConcurrentStreams: 50 } })
  const limited = await dialHttp2(own.port)
  assert.equal(limited.connection.availableStreams, 50)
  const running: Exchange[] = []
  let most = 0
  for (let i = 0; i < 1000; i++) {
    await until(() => (limited.connection.availableStreams > 0 ? true : undefined), { what: 'room' })
    running.push(limited.ask({ path: `/${i}` }))
    most = Math.max(most, limited.connection.activeStreams)
  }
  for (const exchange of running) assert.equal((await exchange.done()).status, 200)
  assert.ok(most <= 50)
  await limited.stop()
  await own.stop()
})

test('a request beyond the limit fails without a trace on the wire', async () => {
  const own = await startOrigin({ settings: { maxConcurrentStreams: 1 } })
  const limited = await dialHttp2(own.port)
  limited.ask({ method: 'POST', path: '/hold' }, false)
  const refused = limited.ask({ method: 'POST', path: '/x' }, false)
  refused.send('body', true)
  assert.equal(refused.reset, undefined, 'not within the call')
  const { reset } = await refused.done()
  assert.equal(reset?.code, 'upstream_refused_stream')
  refused.stream.reset(STOP)
  await until(() => (own.streams.length === 1 ? true : undefined), { what: 'the first request' })
  own.streams[0]?.respond({ ':status': 200 }, { endStream: true })
  await until(() => (limited.connection.availableStreams === 1 ? true : undefined), { what: 'room' })
  assert.equal((await limited.ask({ path: '/after' }).done()).status, 200)
  assert.equal(limited.closed(), undefined)
  await limited.stop()
  await own.stop()
})

test('a GOAWAY lets open streams end and takes no more', async () => {
  const own = await startOrigin()
  const going = await dialHttp2(own.port)
  const exchange = going.ask({ tunnel: connectTo, authority: 'b:1' }, false)
  const tunnel = await until(() => exchange.tunnel, { what: 'the tunnel' })
  own.sessions[0]?.goaway(0, 1)
  await until(() => (going.connection.availableStreams === 0 ? true : undefined), { what: 'GOAWAY' })
  tunnel.writeLatin1('still here')
  await until(() => (exchange.text === 'still here' ? true : undefined), { what: 'the echo' })
  tunnel.endWriting()
  assert.equal((await until(() => going.closed(), { what: 'the close' })).code, 'drained')
  await own.stop()
})

test('a GOAWAY refuses the streams it does not name', async () => {
  const own = await startOrigin()
  const going = await dialHttp2(own.port)
  const first = going.ask({ method: 'POST', path: '/hold' }, false)
  const second = going.ask({ method: 'POST', path: '/hold' }, false)
  await until(() => (own.streams.length === 2 ? true : undefined), { what: 'two requests' })
  own.sessions[0]?.goaway(0, 1)
  assert.equal((await second.done()).reset?.code, 'upstream_refused_stream')
  assert.equal(first.reset, undefined)
  own.streams[0]?.respond({ ':status': 200 }, { endStream: true })
  assert.equal((await first.done()).status, 200)
  await until(() => going.closed(), { what: 'the close' })
  await own.stop()
})

test('a drain by this side ends when the last stream does', async () => {
  const going = await dialHttp2(origin.port)
  const exchange = going.ask({ method: 'POST', path: '/echo' }, false)
  exchange.send('x')
  going.connection.drain(STOP)
  assert.equal(going.connection.availableStreams, 0)
  exchange.send('y', true)
  await exchange.done()
  assert.equal(exchange.text, 'xy')
  assert.deepEqual(await until(() => going.closed(), { what: 'the close' }), STOP)
})

test('settings that change in the middle: a window below zero, and no table', async () => {
  const own = await startOrigin()
  const changing = await dialHttp2(own.port)
  const exchange = changing.ask({ method: 'POST', path: '/hold' }, false)
  upload(exchange, 300_000)
  const stream = await until(() => own.streams[0], { what: 'the request' })
  const settle = (settings: object): Promise<void> =>
    new Promise((resolve) => own.sessions[0]?.settings(settings, () => resolve()))
  await settle({ initialWindowSize: 100, headerTableSize: 0 })
  let bytes = 0
  stream.on('data', (chunk: Buffer) => (bytes += chunk.length))
  assert.equal((await changing.ask({ headers: new HeaderList(['x-a', '1']) }).done()).status, 200)
  await settle({ initialWindowSize: 65_535, headerTableSize: 4096 })
  await until(() => (bytes === 300_000 ? true : undefined), { what: 'the body' })
  const twice = [1, 2].map(() => changing.ask({ headers: new HeaderList(['x-a', '1']) }).done())
  for (const again of await Promise.all(twice)) assert.equal(asked(again)['x-a'], '1')
  exchange.stream.reset(STOP)
  await changing.stop()
  await own.stop()
})

test('a server that vanishes fails the streams by how far they were', async () => {
  const own = await startOrigin()
  const lost = await dialHttp2(own.port)
  const before = lost.ask({ path: '/hold' })
  const late = lost.ask({ tunnel: connectTo, authority: 'b:1' }, false)
  await until(() => late.tunnel, { what: 'the tunnel' })
  own.vanish()
  assert.equal((await before.done()).reset?.code, 'upstream_closed_before_response')
  assert.equal((await until(() => late.reset, { what: 'the end of the tunnel' })).code, 'upstream_closed')
  await own.stop()
})

test('the method of an upgrade survives between two Sluices, and others see a field', async () => {
  const server = await startHttp2Server()
  const both = await dialHttp2(server.port)
  const tunnel = { kind: 'upgrade', type: 'foo' } as const
  const methodAt = async (one: Http2TestClient, request: Parameters<Http2TestClient['ask']>[0]): Promise<Exchange> => {
    const exchange = one.ask(request, false)
    await until(() => exchange.head, { what: 'the answer' })
    exchange.stream.reset(STOP)
    return exchange
  }
  const here = await methodAt(both, { method: 'POST', path: '/t', tunnel })
  assert.equal(here.head?.headers.get('x-method'), 'POST')
  assert.equal(server.served.at(-1)?.head.headers.has(METHOD_FIELD), false)
  const forged = await methodAt(both, {
    method: 'GET',
    path: '/t',
    tunnel,
    headers: new HeaderList([METHOD_FIELD, 'DELETE']),
  })
  assert.equal(forged.head?.headers.get('x-method'), 'GET', 'only the codec writes the field')
  const there = await methodAt(client, { method: 'POST', path: '/t', tunnel })
  assert.equal(asked(there)[METHOD_FIELD], 'POST')
  const plain = await client.ask({ method: 'POST', headers: new HeaderList([METHOD_FIELD, 'DELETE']) }).done()
  assert.equal(asked(plain)[METHOD_FIELD], undefined)
  await both.stop()
  await server.stop()
})

test('both sides of the codec: a download, an upload and a tunnel side by side', async () => {
  const server = await startHttp2Server()
  const both = await dialHttp2(server.port, { initialStreamWindowSize: 65_535 })
  const down = both.ask({ path: '/bytes/3000000' })
  const up = both.ask({ method: 'POST', path: '/hash' }, false)
  const hash = upload(up, 3_000_000)
  const tunnelled = both.ask({ path: '/chat', tunnel: { kind: 'upgrade', type: 'websocket' } }, false)
  const tunnel = await until(() => tunnelled.tunnel, { what: 'the tunnel' })
  tunnel.writeLatin1('hi ')
  tunnel.endWriting()
  assert.equal((await until(() => tunnelled.reset, { what: 'the end' })).code, 'finished')
  assert.equal(tunnelled.text, 'hi bye')
  assert.equal((await down.done()).bytes, 3_000_000)
  assert.equal((await up.done()).head?.headers.get('x-hash'), hash)
  await both.stop()
  await server.stop()
})
