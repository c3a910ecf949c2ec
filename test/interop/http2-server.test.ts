// The server side of the HTTP/2 codec on real sockets, with node:http2 as client.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { after, test } from 'node:test'
import { type Http2Server, STOP, startHttp2Server } from '../support/http2-endpoint.ts'
import { nothingLeft } from '../support/leaks.ts'
import { nextEvent, until, within } from '../support/waiting.ts'

const server = await startHttp2Server()
const session = await open(server.port)

after(async () => {
  session.destroy()
  await server.stop()
  await nothingLeft()
})

async function open(port: number, options = {}): Promise<ClientHttp2Session> {
  const client = connect(`http://127.0.0.1:${port}`, options)
  client.on('error', () => undefined)
  await nextEvent(client, 'remoteSettings')
  return client
}

/** A server and a session of their own for one story. */
async function alone(
  given: Parameters<typeof startHttp2Server>[0],
  story: (own: Http2Server, client: ClientHttp2Session) => Promise<void>,
) {
  const own = await startHttp2Server(given)
  const client = await open(own.port)
  try {
    await story(own, client)
  } finally {
    client.destroy()
    await own.stop()
  }
}

function ask(client: ClientHttp2Session, headers: OutgoingHttpHeaders, endStream = true): ClientHttp2Stream {
  const stream = client.request(
    { ...(headers[':method'] === 'CONNECT' ? {} : { ':path': '/' }), ...headers },
    { endStream },
  )
  stream.on('error', () => undefined)
  return stream
}

async function head(stream: ClientHttp2Stream): Promise<Record<string, unknown>> {
  return { ...(await nextEvent<object>(stream, 'response')) }
}

async function body(stream: ClientHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  await within(new Promise((resolve) => stream.once('close', resolve)), 'the end of the stream')
  return Buffer.concat(chunks)
}

const last = (own: Http2Server) => own.served.at(-1)

test('a request and its header fields', async () => {
  const stream = ask(session, { 'x-a': '1', cookie: ['a=1', 'b=2'] })
  const got = await head(stream)
  assert.deepEqual([got[':status'], got['x-a'], got['cookie']], [200, '1', 'a=1; b=2'])
  assert.equal(last(server)?.head.authority, `127.0.0.1:${server.port}`)
})

test('1 MiB there and back, with trailers', async () => {
  const sent = Buffer.alloc(1 << 20, 'there and back ')
  const stream = session.request({ ':method': 'POST', ':path': '/echo' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-check': 'done' }))
  const trailers = nextEvent<Record<string, string>>(stream, 'trailers')
  stream.end(sent)
  const got = await body(stream)
  assert.ok(got.equals(sent))
  assert.equal((await trailers)['x-check'], 'done')
})

test('4 MiB down to a client with small windows', async () => {
  const client = await open(server.port, { settings: { initialWindowSize: 65_535 } })
  const got = await body(ask(client, { ':path': '/bytes/4194304' }))
  assert.equal(got.length, 4_194_304)
  client.destroy()
})

test('a slow reader holds the server at its high-water mark', async () => {
  const client = await open(server.port, { settings: { initialWindowSize: 65_535 } })
  const stream = ask(client, { ':path': '/bytes/4194304' })
  await head(stream)
  const one = last(server)
  const plateau = await until(
    () => (one !== undefined && one.stream.queuedBytes > 256 * 1024 ? one.stream.queuedBytes : undefined),
    { what: 'a queue' },
  )
  assert.ok(plateau <= 256 * 1024 + 50_000, `queued ${plateau}`)
  for (let i = 0; i < 10; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(one?.stream.queuedBytes, plateau)
  }
  assert.equal((await body(stream)).length, 4_194_304)
  assert.equal(one?.stream.queuedBytes, 0)
  client.destroy()
})

test('a paused upload stops at the stream window and goes on', async () => {
  await alone({ initialStreamWindowSize: 100_000 }, async (own, client) => {
    // Behind the SETTINGS came a WINDOW_UPDATE.
    await new Promise<void>((resolve) => client.ping(() => resolve()))
    const before = client.state.remoteWindowSize ?? 0
    const used = (): number => before - (client.state.remoteWindowSize ?? 0)
    const stream = ask(client, { ':method': 'POST', ':path': '/hold' }, false)
    stream.write(Buffer.alloc(300_000))
    await until(() => (used() === 100_000 ? true : undefined), { what: 'a window that is used up' })
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(used(), 100_000)
    const one = await until(() => own.served[0], { what: 'the request' })
    const received: number[] = []
    one.stream.setSink({
      onData: (_buffer, start, end) => received.push(end - start),
      onTrailers: () => undefined,
      onDrain: () => undefined,
      onReset: () => undefined,
    })
    assert.deepEqual(received, [])
    one.stream.resumeReading(8)
    await until(() => (received.reduce((sum, n) => sum + n, 0) === 300_000 ? true : undefined), {
      what: 'the rest of the body',
    })
    stream.close(constants.NGHTTP2_CANCEL)
  })
})

test('103 before the response', async () => {
  const stream = ask(session, { ':path': '/hints' })
  const hint = await nextEvent<Record<string, unknown>>(stream, 'headers')
  assert.deepEqual([hint[':status'], hint['link']], [103, '</a.css>'])
  assert.equal((await head(stream))[':status'], 200)
})

test('100 for a client that waits for it, whose expectation goes no further', async () => {
  const stream = session.request({ ':method': 'POST', ':path': '/x', expect: '100-continue' })
  await nextEvent(stream, 'continue')
  stream.end('hello')
  const got = await head(stream)
  assert.deepEqual([got[':status'], got['expect']], [200, undefined])
  assert.equal(got['x-hash'], createHash('sha256').update('hello').digest('hex'))
})

test('no 100 when the request is refused already', async () => {
  const stream = session.request({ ':method': 'POST', ':path': '/early', expect: '100-continue' })
  let continued = false
  stream.once('continue', () => {
    continued = true
  })
  assert.equal((await head(stream))[':status'], 413)
  await body(stream)
  assert.equal(continued, false)
})

test('HEAD has a length and no body', async () => {
  const stream = ask(session, { ':method': 'HEAD', ':path': '/bytes/1000' })
  const got = await head(stream)
  assert.equal(got['content-length'], '1000')
  assert.equal((await body(stream)).length, 0)
})

test('an answer before the end of the request resets it with NO_ERROR', async () => {
  const stream = ask(session, { ':method': 'POST', ':path': '/early' }, false)
  const got = await head(stream)
  stream.resume()
  await new Promise((resolve) => stream.once('close', resolve))
  assert.deepEqual([got[':status'], stream.rstCode], [413, constants.NGHTTP2_NO_ERROR])
  assert.equal(last(server)?.reset?.code, 'finished')
})

for (const [name, code] of [
  ['CANCEL', constants.NGHTTP2_CANCEL],
  ['INTERNAL_ERROR', constants.NGHTTP2_INTERNAL_ERROR],
] as const) {
  test(`RST_STREAM ${name} from the client`, async () => {
    const stream = ask(session, { ':method': 'POST', ':path': '/hold' }, false)
    const one = await until(
      () => (last(server)?.head.path === '/hold' && last(server)?.reset === undefined ? last(server) : undefined),
      { what: 'the request' },
    )
    stream.close(code)
    const reset = await until(() => one.reset, { what: 'the reset' })
    assert.deepEqual([reset.by, reset.code, reset.detail], ['client', 'client_reset', `RST_STREAM ${name}`])
  })
}

test('a reset by the server carries the code of its cause', async () => {
  const stream = ask(session, { ':method': 'POST', ':path': '/hold' }, false)
  const one = await until(
    () => (last(server)?.head.path === '/hold' && last(server)?.reset === undefined ? last(server) : undefined),
    { what: 'the request' },
  )
  one.stream.reset({ by: 'proxy', layer: 'http', code: 'upstream_overflow', detail: '' })
  await new Promise((resolve) => stream.once('close', resolve))
  assert.equal(stream.rstCode, constants.NGHTTP2_REFUSED_STREAM)
})

test('an extended CONNECT is a byte stream with a half-close', async () => {
  assert.equal(session.remoteSettings.enableConnectProtocol, true)
  const stream = ask(
    session,
    { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':path': '/chat' },
    false,
  )
  const got = await head(stream)
  assert.equal(got[':status'], 200)
  assert.equal(got['upgrade'], undefined)
  stream.write('one ')
  assert.equal(String(await nextEvent<Buffer>(stream, 'data')), 'one ')
  const rest = body(stream)
  stream.end('two ')
  assert.equal(String(await rest), 'two bye')
  assert.deepEqual(last(server)?.head.tunnel, { kind: 'upgrade', type: 'websocket' })
})

test('a refused tunnel keeps its body', async () => {
  const stream = ask(session, { ':method': 'CONNECT', ':protocol': 'x', ':scheme': 'http', ':path': '/refuse' }, false)
  assert.equal((await head(stream))[':status'], 403)
  assert.equal(String(await body(stream)), 'no')
})

test('1 MiB through a tunnel, both ways at once', async () => {
  const sent = Buffer.alloc(1 << 20, 'tunnel ')
  const stream = ask(session, { ':method': 'CONNECT', ':authority': 'b:443' }, false)
  await head(stream)
  stream.end(sent)
  const got = await body(stream)
  assert.ok(got.subarray(0, sent.length).equals(sent))
  assert.equal(String(got.subarray(sent.length)), 'bye')
})

test('1,000 streams on one connection', async () => {
  const hash = createHash('sha256').update('x'.repeat(100)).digest('hex')
  const answers = Array.from({ length: 1000 }, async () => {
    const stream = ask(session, { ':method': 'POST', ':path': '/hash' }, false)
    stream.end('x'.repeat(100))
    const got = await head(stream)
    stream.resume()
    return got['x-hash']
  })
  for (const got of await Promise.all(answers)) assert.equal(got, hash)
  await until(() => (server.connections[0]?.activeStreams === 0 ? true : undefined), { what: 'all streams to end' })
})

test('no more streams than the maximum at a time', async () => {
  await alone({ maxConcurrentStreams: 2 }, async (own, client) => {
    ask(client, { ':path': '/hold' })
    ask(client, { ':path': '/hold' })
    const third = ask(client, { ':path': '/hold' })
    await until(() => (own.served.length === 2 ? true : undefined), { what: 'two requests' })
    assert.equal(client.remoteSettings.maxConcurrentStreams, 2)
    own.served[0]?.stream.reset(STOP)
    await until(() => (own.served.length === 3 ? true : undefined), { what: 'the third request' })
    assert.equal(own.options.stats.stream_refused_errors, 0)
    assert.equal(third.closed, false)
  })
})

test('a drain lets open streams end, then closes', async () => {
  await alone({}, async (own, client) => {
    const goaways: number[] = []
    client.on('goaway', (_code, lastStreamId) => goaways.push(lastStreamId))
    const tunnel = ask(client, { ':method': 'CONNECT', ':authority': 'b:443' }, false)
    await head(tunnel)
    const closed = nextEvent(client, 'close')
    own.connections[0]?.drain(STOP)
    await until(() => (goaways.length === 2 ? true : undefined), { what: 'two GOAWAYs' })
    assert.deepEqual(goaways, [0x7fff_ffff, 1])
    tunnel.write('still here')
    assert.equal(String(await nextEvent<Buffer>(tunnel, 'data')), 'still here')
    assert.equal(own.closed.length, 0)
    tunnel.end()
    tunnel.resume()
    await closed
    assert.equal((await until(() => own.closed[0], { what: 'the close' })).code, 'shutdown')
  })
})

test('settings that change in the middle: no table, no window, and back', async () => {
  await alone({}, async (_own, client) => {
    const down = ask(client, { ':path': '/bytes/1000000' })
    await head(down)
    const change = (settings: object): Promise<void> =>
      new Promise((resolve) => client.settings(settings, () => resolve()))
    await change({ headerTableSize: 0, initialWindowSize: 0 })
    const got = body(down)
    assert.equal((await head(ask(client, { 'x-a': '1' })))['x-a'], '1')
    await change({ headerTableSize: 4096, initialWindowSize: 65_535 })
    assert.equal((await got).length, 1_000_000)
    for (let i = 0; i < 3; i++) assert.equal((await head(ask(client, { 'x-a': String(i) })))['x-a'], String(i))
  })
})

test('a client that vanishes resets its streams', async () => {
  await alone({}, async (own, client) => {
    ask(client, { ':method': 'POST', ':path': '/hold' }, false)
    const one = await until(() => own.served[0], { what: 'the request' })
    client.destroy()
    assert.equal((await until(() => one.reset, { what: 'the reset' })).code, 'client_disconnect')
  })
})
