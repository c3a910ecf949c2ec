// Both sides of the HTTP/2 codec on sockets, without a proxy between them: a server with a small application, and a client
// whose exchanges write down what they hear. The other end is always an independent peer or the codec's other side.

import { createHash, type Hash } from 'node:crypto'
import { http2Client } from '../../src/codec/http2/client.ts'
import { type Http2Options, http2Options } from '../../src/codec/http2/options.ts'
import { serveHttp2 } from '../../src/codec/http2/server.ts'
import { HeaderList } from '../../src/codec/header-list.ts'
import type {
  ClientConnection,
  ClientStream,
  ClientStreamSink,
  RequestHead,
  ResponseHead,
  ServerConnection,
  ServerStream,
  ServerStreamSink,
} from '../../src/codec/http-stream.ts'
import { type CloseCause, closeCause } from '../../src/core/close-cause.ts'
import { systemClock } from '../../src/core/clock.ts'
import { type ByteStream, type ByteStreamSink, PAUSE } from '../../src/transport/byte-stream.ts'
import { dialTcp, listenTcp } from '../../src/transport/tcp.ts'
import { until } from './waiting.ts'

export const STOP = closeCause('operator', 'server', 'shutdown')

const head = (status: number, fields: string[] = []): ResponseHead => ({
  status,
  reason: '',
  headers: new HeaderList(fields),
})

/** An exchange as the server saw it. */
export interface Served {
  readonly stream: ServerStream
  readonly head: RequestHead
  reset: CloseCause | undefined
}

export interface Http2Server {
  readonly port: number
  readonly options: Http2Options
  readonly connections: readonly ServerConnection[]
  readonly served: readonly Served[]
  /** Causes of the connections that are gone. */
  readonly closed: readonly CloseCause[]
  stop(): Promise<void>
}

/**
 * Listens with this application: `/echo` sends back body and trailers; `/hash` answers with the body's hash; `/bytes/N` is
 * N bytes; `/hints` has a 103; `/early` answers before the body; `/hold` neither reads nor answers. Tunnels echo bytes and
 * mirror the half-close, but `/refuse`, which gets 403.
 */
export async function startHttp2Server(given: Partial<Http2Options> = {}): Promise<Http2Server> {
  const options = http2Options({ allowConnect: true, ...given })
  const connections: ServerConnection[] = []
  const served: Served[] = []
  const closed: CloseCause[] = []
  let open = 0
  const listener = await listenTcp(
    { host: '127.0.0.1', port: 0 },
    {
      onAccept(transport) {
        open++
        const sink = {
          answersContinue: true,
          onRequest: (stream: ServerStream, request: RequestHead, endStream: boolean) =>
            served.push(answer(stream, request, endStream)),
          onCodecError: () => undefined,
          onConnectionClose: (cause: CloseCause) => {
            open--
            closed.push(cause)
          },
        }
        connections.push(serveHttp2(transport, sink, options))
      },
      onAcceptError: (error) => {
        throw error
      },
    },
  )
  const stop = async (): Promise<void> => {
    for (const connection of connections) connection.close(STOP)
    await new Promise<void>((resolve) => listener.close(resolve))
    await until(() => (open === 0 ? true : undefined), { what: 'the server connections to close' })
  }
  return { port: listener.address.port, options, connections, served, closed, stop }
}

function answer(stream: ServerStream, request: RequestHead, endStream: boolean): Served {
  const one: Served = { stream, head: request, reset: undefined }
  const { path, tunnel } = request
  if (tunnel !== undefined) {
    stream.setSink(new Body(one))
    if (path === '/refuse') {
      stream.respond(head(403, ['content-length', '2']), false)
      stream.sendData(Buffer.from('no'), 0, 2, true)
      return one
    }
    stream.respond(head(tunnel.kind === 'connect' ? 200 : 101, ['x-method', request.method]), false)
    echoBytes(stream.intoByteStream(), () => stream.resumeReading(PAUSE.notReady))
    return one
  }
  const size = /^\/bytes\/(\d+)$/.exec(path)?.[1]
  if (size !== undefined) {
    stream.setSink(new Source(one, Number(size)))
  } else if (path === '/hold') {
    stream.pauseReading(PAUSE.filter)
    stream.setSink(new Body(one))
  } else if (path === '/early') {
    stream.setSink(new Body(one))
    stream.respond(head(413, ['content-length', '0']), true)
  } else if (path === '/echo') {
    stream.setSink(new Echo(one))
  } else {
    if (path === '/hints') stream.respondInformational(head(103, ['link', '</a.css>']))
    stream.setSink(
      new Body(one, (hash) => stream.respond(head(200, ['x-hash', hash, ...request.headers.fields]), true)),
    )
  }
  if (endStream && path !== '/hold' && size === undefined && path !== '/early') sinkEnds.get(stream)?.()
  return one
}

/** What a request without a body does at once. */
const sinkEnds = new WeakMap<ServerStream, () => void>()

/** Reads a body and tells its hash at the end. */
class Body implements ServerStreamSink {
  protected readonly one: Served
  readonly #hash: Hash = createHash('sha256')
  readonly #done: ((hash: string) => void) | undefined

  constructor(one: Served, done?: (hash: string) => void) {
    this.one = one
    this.#done = done
    sinkEnds.set(one.stream, () => this.#end())
  }

  onData(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.#hash.update(buffer.subarray(start, end))
    if (endStream) this.#end()
  }

  onTrailers(): void {
    this.#end()
  }

  onDrain(): void {}

  onReset(cause: CloseCause): void {
    this.one.reset = cause
  }

  #end(): void {
    this.#done?.(this.#hash.digest('hex'))
  }
}

/** Sends back what comes, no faster than it is taken. */
class Echo extends Body {
  constructor(one: Served) {
    super(one)
    one.stream.respond(head(200), false)
    sinkEnds.set(one.stream, () => one.stream.endMessage())
  }

  override onData(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (!this.one.stream.sendData(buffer, start, end, endStream)) this.one.stream.pauseReading(PAUSE.peerSlow)
  }

  override onTrailers(trailers?: HeaderList): void {
    this.one.stream.sendTrailers(trailers ?? new HeaderList())
  }

  override onDrain(): void {
    this.one.stream.resumeReading(PAUSE.peerSlow)
  }
}

/** Sends `size` bytes, no faster than they are taken. */
class Source extends Body {
  readonly #size: number
  #sent = 0

  constructor(one: Served, size: number) {
    super(one)
    this.#size = size
    one.stream.setHighWater(256 * 1024)
    one.stream.respond(head(200, ['content-length', String(size)]), size === 0 || one.head.method === 'HEAD')
    if (size > 0 && one.head.method !== 'HEAD') this.onDrain()
  }

  override onDrain(): void {
    while (this.#sent < this.#size) {
      const count = Math.min(BLOCK.length, this.#size - this.#sent)
      this.#sent += count
      if (!this.one.stream.sendData(BLOCK, 0, count, this.#sent === this.#size)) return
    }
  }
}

export const BLOCK = Buffer.alloc(50_000, 'sluice ')

function echoBytes(bytes: ByteStream, ready: () => void): void {
  const sink: ByteStreamSink = {
    onData: (buffer, start, end) => {
      if (!bytes.write(buffer, start, end)) bytes.pauseReading(PAUSE.peerSlow)
    },
    onEnd: () => {
      bytes.writeLatin1('bye')
      bytes.endWriting()
    },
    onDrain: () => bytes.resumeReading(PAUSE.peerSlow),
    onClose: () => undefined,
  }
  bytes.setSink(sink)
  ready()
}

export interface Http2TestClient {
  readonly connection: ClientConnection
  readonly options: Http2Options
  /** Cause of the connection's end, once it is gone. */
  readonly closed: () => CloseCause | undefined
  ask(request: Partial<RequestHead>, endStream?: boolean): Exchange
  stop(): Promise<void>
}

/** Connects to `port` and waits for the server's SETTINGS. */
export async function dialHttp2(port: number, given: Partial<Http2Options> = {}): Promise<Http2TestClient> {
  const options = http2Options(given)
  const transport = await new Promise<ByteStream>((resolve, reject) => {
    dialTcp(
      { host: '127.0.0.1', port, clock: systemClock, connectTimeoutMs: 5000 },
      { onConnect: resolve, onConnectError: (cause) => reject(new Error(cause.detail)) },
    )
  })
  let gone: CloseCause | undefined
  const sink = { onAvailability: () => undefined, onConnectionClose: (cause: CloseCause) => (gone = cause) }
  const connection = http2Client(transport, sink, options)
  await until(() => connection.extendedConnect ?? gone, { what: 'SETTINGS' })
  const stop = async (): Promise<void> => {
    connection.close(STOP)
    await until(() => gone, { what: 'the client connection to close' })
  }
  return {
    connection,
    options,
    closed: () => gone,
    ask: (request, endStream = true) => new Exchange(connection, request, endStream),
    stop,
  }
}

/** One request and what came back. */
export class Exchange implements ClientStreamSink {
  readonly stream: ClientStream
  readonly informational: number[] = []
  head: ResponseHead | undefined
  readonly #hash: Hash = createHash('sha256')
  bytes = 0
  text = ''
  trailers: HeaderList | undefined
  ended = false
  reset: CloseCause | undefined
  drains = 0
  /** Bytes of an accepted tunnel. */
  tunnel: ByteStream | undefined
  /** Called with each drain. */
  onMore: (() => void) | undefined
  readonly #tunnelled: boolean

  constructor(connection: ClientConnection, request: Partial<RequestHead>, endStream: boolean) {
    this.#tunnelled = request.tunnel !== undefined
    const full: RequestHead = {
      method: 'GET',
      scheme: 'http',
      authority: 'a.example',
      path: '/',
      protocol: 'HTTP/2',
      headers: new HeaderList(),
      tunnel: undefined,
      ...request,
    }
    this.stream = connection.request(full, endStream, this)
  }

  get status(): number | undefined {
    return this.head?.status
  }

  get hash(): string {
    return this.#hash.copy().digest('hex')
  }

  /** Ended in order or failed. */
  done(): Promise<this> {
    return until(() => (this.ended || this.reset !== undefined ? this : undefined), { what: 'the end of the exchange' })
  }

  send(text: string, endStream = false): boolean {
    const bytes = Buffer.from(text, 'latin1')
    return this.stream.sendData(bytes, 0, bytes.length, endStream)
  }

  onInformational({ status }: ResponseHead): void {
    this.informational.push(status)
  }

  onResponse(response: ResponseHead, endStream: boolean): void {
    this.head = response
    this.ended = endStream
    if (this.#tunnelled && (response.status === 101 || response.status === 200)) this.#openTunnel()
  }

  onData(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.#take(buffer, start, end)
    this.ended = endStream
  }

  onTrailers(trailers: HeaderList): void {
    this.trailers = trailers
    this.ended = true
  }

  onDrain(): void {
    this.drains++
    this.onMore?.()
  }

  onReset(cause: CloseCause): void {
    this.reset = cause
  }

  #openTunnel(): void {
    const tunnel = this.stream.intoByteStream()
    this.tunnel = tunnel
    tunnel.setSink({
      onData: (buffer, start, end) => this.#take(buffer, start, end),
      onEnd: () => (this.ended = true),
      onDrain: () => this.onDrain(),
      onClose: (cause) => (this.reset = cause),
    })
  }

  #take(buffer: Buffer, start: number, end: number): void {
    this.#hash.update(buffer.subarray(start, end))
    this.bytes += end - start
    if (this.text.length < 1000) this.text += buffer.toString('latin1', start, end)
  }
}
