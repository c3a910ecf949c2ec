// The tunnels of the codecs with independent peers: a byte stream by extended CONNECT and by POST with node:http2, POST with
// node:http and curl, and CONNECT through node:http, squid and tinyproxy.

import assert from 'node:assert/strict'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { after, describe, test } from 'node:test'
import { bodyByteStream } from '../../src/codec/body-stream.ts'
import { http1Client } from '../../src/codec/http1/client.ts'
import { type ConnectRequest, connectThrough } from '../../src/codec/http1/connect-handshake.ts'
import { http1ClientOptions, http1ServerOptions } from '../../src/codec/http1/options.ts'
import { serveHttp1 } from '../../src/codec/http1/server.ts'
import { http2Client } from '../../src/codec/http2/client.ts'
import { http2Options } from '../../src/codec/http2/options.ts'
import { serveHttp2 } from '../../src/codec/http2/server.ts'
import type { ClientConnection, RequestHead, ServerConnectionSink, ServerStream } from '../../src/codec/http-stream.ts'
import { closeCause } from '../../src/core/close-cause.ts'
import { systemClock } from '../../src/core/clock.ts'
import { type ByteStream, PAUSE } from '../../src/transport/byte-stream.ts'
import type { ReplayableStream } from '../../src/transport/replay.ts'
import { dialTcp, listenTcp } from '../../src/transport/tcp.ts'
import { Recorder, until } from '../conformance/byte-stream.ts'
import { acceptPost, tunnelPost } from '../support/body-pair.ts'
import { startSquid, startTinyproxy } from '../support/forward-proxies.ts'
import { freePorts, runForeign } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import { toolPath } from '../support/tools.ts'
import { nextEvent, within } from '../support/waiting.ts'

const STOP = closeCause('operator', 'server', 'shutdown')
const noop = (): void => {}
const open = new Set<ByteStream>()
const servers: { close(): Promise<void> }[] = []
/** Heads that our servers saw. */
const heads: RequestHead[] = []
/** Recorders of the tunnels that our servers accepted. */
const tunnels: Recorder[] = []

after(async () => {
  for (const stream of open) stream.reset(STOP)
  for (const server of servers) await server.close()
  await nothingLeft()
})

/** Listens; every request becomes a tunnel that answers each chunk with `story`. */
async function listen(
  serve: (stream: ByteStream, sink: ServerConnectionSink) => void,
  story: (tunnel: Recorder) => void,
) {
  const onRequest = (exchange: ServerStream, head: RequestHead, readEnded: boolean): void => {
    heads.push(head)
    if (head.tunnel === undefined) return accepted(acceptPost(exchange, { readEnded }))
    exchange.setSink({ onData: noop, onTrailers: noop, onDrain: noop, onReset: noop })
    exchange.respond({ status: 200, reason: '', headers: tunnelPost().headers }, false)
    accepted(exchange.intoByteStream())
  }
  const accepted = (bytes: ByteStream): void => {
    const tunnel = new Recorder(bytes)
    bytes.resumeReading(PAUSE.notReady)
    tunnels.push(tunnel)
    story(tunnel)
  }
  const sink = { answersContinue: true, onRequest, onCodecError: noop, onConnectionClose: noop }
  const listener = await listenTcp(
    { host: '127.0.0.1', port: 0 },
    {
      onAccept: (stream) => {
        open.add(stream)
        serve(stream, sink)
      },
      onAcceptError: (error) => assert.fail(error),
    },
  )
  servers.push({ close: () => new Promise((resolve) => listener.close(resolve)) })
  return listener.address.port
}

const echo = (tunnel: Recorder): void => {
  let sent = 0
  tunnel.onChunk = () => {
    tunnel.stream.writeLatin1(tunnel.text.slice(sent))
    sent = tunnel.text.length
  }
  tunnel.onEnded = () => {
    tunnel.stream.writeLatin1('!')
    tunnel.stream.endWriting()
  }
}

/** Says all it has before the client has. */
const farewell = (tunnel: Recorder): void => {
  tunnel.stream.writeLatin1('bye')
  tunnel.stream.endWriting()
}

const hooks = { onHeadStart: noop, onHeadComplete: noop, onIdle: noop, onClosing: noop }
const overHttp1 = (stream: ByteStream, sink: ServerConnectionSink): unknown =>
  serveHttp1(stream, sink, http1ServerOptions({ hooks }))
const overHttp2 = (stream: ByteStream, sink: ServerConnectionSink): unknown =>
  serveHttp2(stream, sink, http2Options({ allowConnect: true }))

function dial(port: number): Promise<ReplayableStream> {
  return new Promise((resolve, reject) => {
    const request = { host: '127.0.0.1', port, clock: systemClock, connectTimeoutMs: 5000 }
    dialTcp(request, {
      onConnect: (stream) => {
        open.add(stream)
        resolve(stream)
      },
      onConnectError: (cause) => reject(new Error(cause.detail)),
    })
  })
}

/** Opens a tunnel by POST. */
function post(connection: ClientConnection): Promise<Recorder> {
  return new Promise((resolve, reject) => {
    const stream = connection.request(tunnelPost(), false, {
      onInformational: noop,
      onResponse: (_head, readEnded) => resolve(new Recorder(bodyByteStream(stream, { readEnded }))),
      onData: noop,
      onTrailers: noop,
      onDrain: noop,
      onReset: (cause) => reject(new Error(cause.code)),
    })
  })
}

function portOf(server: net.Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Collects what a stream of Node gives. */
function collected(stream: NodeJS.ReadableStream): { text: string; ended: boolean } {
  const seen = { text: '', ended: false }
  stream.on('data', (chunk: Buffer) => (seen.text += chunk.toString('latin1')))
  stream.on('end', () => (seen.ended = true))
  return seen
}

describe('node:http2 as the client', () => {
  async function withClient(story: (client: http2.ClientHttp2Session) => Promise<void>, way = echo): Promise<void> {
    const client = http2.connect(`http://127.0.0.1:${await listen(overHttp2, way)}`)
    try {
      await nextEvent(client, 'remoteSettings')
      await story(client)
    } finally {
      client.destroy()
    }
  }

  test('opens a byte stream by extended CONNECT, with half-close', () =>
    withClient(async (client) => {
      const stream = client.request({
        ':method': 'CONNECT',
        ':protocol': 'bytestream',
        ':scheme': 'https',
        ':authority': 'b.example:443',
        ':path': '/x',
      })
      const seen = collected(stream)
      const head = await nextEvent<http2.IncomingHttpHeaders>(stream, 'response')
      assert.equal(head[':status'], 200)
      stream.write('hello')
      await until(() => seen.text === 'hello', 'the echo')
      stream.end()
      await until(() => seen.ended, 'the end')
      assert.equal(seen.text, 'hello!')
      const { method, authority, path, tunnel } = heads.at(-1) ?? assert.fail('no head')
      assert.deepEqual([method, authority, path, tunnel], ['CONNECT', 'b.example:443', '/x', { kind: 'connect' }])
    }))

  test('opens a plain CONNECT', () =>
    withClient(async (client) => {
      const stream = client.request({ ':method': 'CONNECT', ':authority': 'b.example:443' })
      const seen = collected(stream)
      stream.end('hello')
      await until(() => seen.ended, 'the end')
      assert.equal(seen.text, 'hello!')
    }))

  test('is told 400 for a CONNECT to an impossible port, and keeps its connection', () =>
    withClient(async (client) => {
      const stream = client.request({ ':method': 'CONNECT', ':authority': 'b.example:99999' })
      stream.on('error', noop)
      assert.equal((await nextEvent<http2.IncomingHttpHeaders>(stream, 'response'))[':status'], 400)
      const second = client.request({ ':method': 'CONNECT', ':authority': 'b.example:443' })
      assert.equal((await nextEvent<http2.IncomingHttpHeaders>(second, 'response'))[':status'], 200)
    }))

  test('opens a tunnel by POST', () =>
    withClient(async (client) => {
      const stream = client.request({ ':method': 'POST', ':path': '/' })
      const seen = collected(stream)
      stream.write('one')
      await until(() => seen.text === 'one', 'the echo')
      stream.end(' two')
      await until(() => seen.ended, 'the end')
      assert.equal(seen.text, 'one two!')
      await until(() => stream.closed, 'the close')
      assert.equal(stream.rstCode, 0)
    }))

  test('goes on with its POST after the response ended', () =>
    withClient(async (client) => {
      const stream = client.request({ ':method': 'POST', ':path': '/' })
      const seen = collected(stream)
      await until(() => seen.ended, 'the end of the response')
      stream.end('still')
      const tunnel = tunnels.at(-1) ?? assert.fail('no tunnel')
      await until(() => tunnel.cause !== undefined, 'the end')
      assert.deepEqual([tunnel.text, tunnel.cause?.code, stream.rstCode], ['still', 'finished', 0])
    }, farewell))

  test('sees a failure of the far side as CONNECT_ERROR', () =>
    withClient(
      async (client) => {
        const stream = client.request({ ':method': 'CONNECT', ':authority': 'b.example:443' })
        const error = await nextEvent<Error & { code?: string }>(stream, 'error')
        assert.match(error.message, /NGHTTP2_CONNECT_ERROR/)
      },
      (tunnel) => tunnel.stream.reset(closeCause('upstream', 'tcp', 'upstream_closed')),
    ))
})

describe('node:http2 as the server', () => {
  test('takes a POST that goes on after its response ended', async () => {
    const server = http2.createServer()
    const sessions: http2.ServerHttp2Session[] = []
    server.on('session', (session) => sessions.push(session))
    let received = { text: '', ended: false }
    server.on('stream', (stream: http2.ServerHttp2Stream) => {
      stream.on('error', noop)
      received = collected(stream)
      stream.respond({ ':status': 200 })
      // node:http2 resets a stream whose response has ended, unless it is still being read.
      stream.end('bye')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const transport = await dial(portOf(server))
    const connection = http2Client(transport, { onAvailability: noop, onConnectionClose: noop }, http2Options())
    const tunnel = await post(connection)
    await until(() => tunnel.ended, 'the end of the response')
    assert.equal(tunnel.text, 'bye')
    tunnel.stream.writeLatin1('still')
    tunnel.stream.endWriting()
    await until(() => received.ended, 'the request')
    assert.equal(received.text, 'still')
    await until(() => tunnel.cause !== undefined, 'the end')
    assert.equal(tunnel.cause?.code, 'finished')
    connection.close(STOP)
    for (const session of sessions) session.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
})

describe('node:http', () => {
  test('as the client sends and receives at once, and ends its half alone', async () => {
    const port = await listen(overHttp1, echo)
    const request = http.request({ port, host: '127.0.0.1', method: 'POST', agent: false })
    request.write('one')
    const response = await nextEvent<http.IncomingMessage>(request, 'response')
    const seen = collected(response)
    await until(() => seen.text === 'one', 'the echo')
    request.write(' two')
    await until(() => seen.text === 'one two', 'the second echo')
    request.end()
    await until(() => seen.ended, 'the end')
    assert.equal(seen.text, 'one two!')
    assert.equal(response.headers['transfer-encoding'], 'chunked')
  })

  test('as the server reads on after its response ended', async () => {
    let received = { text: '', ended: false }
    const server = http.createServer((request, response) => {
      received = collected(request)
      response.end('bye')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const transport = await dial(portOf(server))
    const sink = { onAvailability: noop, onConnectionClose: noop }
    const tunnel = await post(http1Client(transport, sink, http1ClientOptions()))
    await until(() => tunnel.ended, 'the end of the response')
    tunnel.stream.writeLatin1('still')
    tunnel.stream.endWriting()
    await until(() => received.ended && tunnel.cause !== undefined, 'the request')
    assert.deepEqual([tunnel.text, received.text, tunnel.cause?.code], ['bye', 'still', 'finished'])
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
})

test('curl sends a POST and gets its echo', { skip: toolPath('curl') === undefined }, async () => {
  const port = await listen(overHttp1, echo)
  const second = await listen(overHttp2, echo)
  const url = (to: number): string => `http://127.0.0.1:${to}/`
  const args = ['-sS', '--data-binary', 'hello', '-H', 'Transfer-Encoding: chunked']
  const first = await runForeign('curl', [...args, '--http1.1', url(port)])
  assert.deepEqual([first.code, first.stdout], [0, 'hello!'])
  const other = await runForeign('curl', [...args.slice(0, 3), '--http2-prior-knowledge', url(second)])
  assert.deepEqual([other.code, other.stdout], [0, 'hello!'])
})

describe('CONNECT through', () => {
  async function through(port: number, given: Partial<ConnectRequest>): Promise<ReplayableStream | string> {
    const stream = await dial(port)
    const outcome = new Promise<ReplayableStream | string>((resolve) => {
      const request = { authority: 'unset:1', clock: systemClock, timeoutMs: 5000, ...given }
      connectThrough(stream, request, {
        onTunnel: resolve,
        onFailed: (cause, status) => resolve(`${status} ${cause.detail}`),
      })
    })
    return within(outcome, 'the answer of the proxy')
  }

  /** An origin that speaks first. */
  async function withOrigin(story: (authority: string) => Promise<void>): Promise<void> {
    const sockets = new Set<net.Socket>()
    const origin = net.createServer((socket) => {
      sockets.add(socket.on('error', noop))
      socket.write('220 hello\r\n')
      socket.on('data', (bytes: Buffer) => socket.write(bytes))
    })
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
    try {
      await story(`127.0.0.1:${portOf(origin)}`)
    } finally {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => origin.close(() => resolve()))
    }
  }

  async function dialogue(outcome: ReplayableStream | string): Promise<void> {
    if (typeof outcome === 'string') assert.fail(outcome)
    const tunnel = new Recorder(outcome)
    await until(() => tunnel.text === '220 hello\r\n', 'the greeting')
    outcome.writeLatin1('HELO\r\n')
    await until(() => tunnel.text.endsWith('HELO\r\n'), 'the echo')
    outcome.reset(STOP)
  }

  test('node:http, which sends the first bytes with its answer', () =>
    withOrigin(async (authority) => {
      const proxy = http.createServer()
      proxy.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
        socket.on('error', noop)
        if (request.headers['proxy-authorization'] !== 'Basic dTpw') return socket.end('HTTP/1.1 407 Login\r\n\r\n')
        const [host = '', port = ''] = (request.url ?? '').split(':')
        const far = net.connect(Number(port), host)
        far.on('error', noop)
        far.once('data', (bytes: Buffer) => {
          socket.write(Buffer.concat([Buffer.from('HTTP/1.1 200 Yes\r\nVia: x\r\n\r\n'), bytes]))
          far.pipe(socket)
          socket.pipe(far)
        })
      })
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
      await dialogue(await through(portOf(proxy), { authority, headers: [['Proxy-Authorization', 'Basic dTpw']] }))
      const refused = await through(portOf(proxy), { authority })
      assert.equal(
        refused,
        '407 the proxy answered CONNECT with 407 Login: it wants proxy authentication, or other credentials',
      )
      proxy.closeAllConnections()
      await new Promise<void>((resolve) => proxy.close(() => resolve()))
    }))

  const refusal = (outcome: ReplayableStream | string): string =>
    typeof outcome === 'string' ? outcome : assert.fail('a tunnel')

  for (const [name, start] of [
    ['tinyproxy', startTinyproxy],
    ['squid', startSquid],
  ] as const) {
    test(name, { skip: toolPath(name) === undefined }, () =>
      withOrigin(async (authority) => {
        const proxy = await start({ user: 'u', password: 'p' })
        await dialogue(await through(proxy.port, { authority, headers: [['Proxy-Authorization', 'Basic dTpw']] }))
        assert.match(
          refusal(await through(proxy.port, { authority })),
          /^40[17] the proxy answered CONNECT with 40[17] /,
        )
        const { nobody } = await freePorts('nobody')
        const target = { authority: `127.0.0.1:${nobody}`, headers: [['Proxy-Authorization', 'Basic dTpw']] } as const
        assert.match(refusal(await through(proxy.port, target)), /^5\d\d the proxy answered CONNECT with 5/)
        await proxy.stop()
      }),
    )
  }
})
