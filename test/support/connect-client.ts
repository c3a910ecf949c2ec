// Clients that ask for a CONNECT tunnel, one face for each HTTP version: bytes on a bare socket for HTTP/1.1, node:http2
// for HTTP/2. They half-close, reset, and tell how the other side ended.

import { connect as connectTcp } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { http2Session } from './http2-websocket.ts'
import { rawClient } from './raw-client.ts'
import { until, within } from './waiting.ts'

/** How a tunnel's far side ended, as its client saw it. */
export type TunnelEnd = 'fin' | 'reset'

export interface ConnectClient {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  write(data: string | Buffer): void
  read(bytes: number): Promise<Buffer>
  /** All that comes until the far side ends. */
  rest(): Promise<Buffer>
  readonly ended: Promise<TunnelEnd>
  /** HTTP/2: the code of RST_STREAM that came; undefined otherwise. */
  readonly resetCode: number | undefined
  /** Stops and goes on reading. */
  pause(): void
  resume(): void
  end(): void
  reset(): void
  close(): Promise<void>
}

export interface ConnectRequest {
  readonly port: number
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  readonly tls?: ConnectionOptions
  /** Sent behind the head at once. */
  readonly early?: string
  /** POST to this path instead of CONNECT. */
  readonly post?: string
  /** HTTP/2: END_STREAM with the head. */
  readonly endStream?: boolean
}

export type Connector = (request: ConnectRequest) => Promise<ConnectClient>

/** CONNECT over HTTP/1.1; a POST has chunks both ways, which the client here makes and reads. */
export const connectHttp1: Connector = async ({ port, target, headers = {}, tls, early = '', post }) => {
  // A TLS socket cannot be reset: the one below it can.
  const below = tls === undefined ? undefined : connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
  const client = await rawClient(port, below === undefined ? undefined : { ...tls, socket: below })
  const fields = { host: target, ...headers, ...(post === undefined ? {} : { 'transfer-encoding': 'chunked' }) }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  const first = post === undefined ? `CONNECT ${target}` : `POST ${post}`
  const encode = (data: string | Buffer): Buffer => {
    const bytes = Buffer.from(data)
    if (post === undefined || bytes.length === 0) return bytes
    return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
  }
  client.write(Buffer.concat([Buffer.from(`${first} HTTP/1.1\r\n${lines.join('')}\r\n`), encode(early)]))
  const answer = await client.answer()
  const chunks = answer.headers.get('transfer-encoding') === 'chunked' ? new Chunks() : undefined
  return {
    status: answer.status,
    headers: answer.headers,
    write: (data) => client.write(encode(data)),
    read: (bytes) => (chunks === undefined ? client.read(bytes) : chunks.read(bytes, (n) => client.read(n))),
    rest: () => (chunks === undefined ? client.rest() : chunks.rest((n) => client.read(n))),
    ended: client.ended,
    resetCode: undefined,
    pause: () => client.socket.pause(),
    resume: () => client.socket.resume(),
    end: () => (post === undefined ? client.end() : client.write('0\r\n\r\n')),
    reset: () => (below === undefined ? client.reset() : below.resetAndDestroy()),
    close: () => {
      client.close()
      return Promise.resolve()
    },
  }
}

/** Reads a chunked body (RFC 9112 §7.1) piece by piece. */
class Chunks {
  #left = Buffer.alloc(0)
  #over = false

  async read(bytes: number, take: (bytes: number) => Promise<Buffer>): Promise<Buffer> {
    while (this.#left.length < bytes && !this.#over) await this.#next(take)
    if (this.#left.length < bytes)
      throw new Error(`the body ended before ${bytes} bytes; there are ${this.#left.length}`)
    const piece = this.#left.subarray(0, bytes)
    this.#left = this.#left.subarray(bytes)
    return piece
  }

  async rest(take: (bytes: number) => Promise<Buffer>): Promise<Buffer> {
    while (!this.#over) await this.#next(take)
    return this.#left
  }

  async #next(take: (bytes: number) => Promise<Buffer>): Promise<void> {
    let line = ''
    while (!line.endsWith('\r\n')) line += (await take(1)).toString('latin1')
    const size = Number.parseInt(line, 16)
    const chunk = await take(size + 2)
    this.#left = Buffer.concat([this.#left, chunk.subarray(0, size)])
    this.#over = size === 0
  }
}

/** CONNECT (RFC 9113 §8.5) over node:http2, or a POST. */
export const connectHttp2: Connector = async (request) => {
  const { port, target, headers = {}, tls, early = '', post, endStream = false } = request
  const ca = typeof tls?.ca === 'string' ? { ca: tls.ca } : {}
  const scheme = tls === undefined ? 'http' : 'https'
  const session = await http2Session(`${scheme}://127.0.0.1:${port}`, { ...ca, servername: 'localhost' })
  const asked: Record<string, string> =
    post === undefined
      ? { ':method': 'CONNECT', ':authority': target }
      : { ':method': 'POST', ':path': post, ':authority': target, ':scheme': scheme }
  const stream = session.session.request({ ...asked, ...headers }, { endStream })
  stream.on('error', () => undefined)
  if (early !== '') stream.write(early)
  const answer = await within(
    new Promise<IncomingHttpHeaders & { ':status'?: number }>((resolve, reject) => {
      stream.once('response', resolve)
      stream.once('close', () => reject(new Error(`the stream was closed with ${stream.rstCode} before an answer`)))
    }),
    `the answer to CONNECT ${target}`,
  )
  return new Http2Client(stream, answer, () => session.close())
}

class Http2Client implements ConnectClient {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly ended: Promise<TunnelEnd>
  readonly #stream: ClientHttp2Stream
  readonly #close: () => Promise<void>
  #pending = Buffer.alloc(0)
  #over = false

  constructor(
    stream: ClientHttp2Stream,
    answer: IncomingHttpHeaders & { ':status'?: number },
    close: () => Promise<void>,
  ) {
    this.#stream = stream
    this.#close = close
    this.status = answer[':status'] ?? 0
    this.headers = new Map(Object.entries(answer).map(([name, value]) => [name, String(value)]))
    stream.on('data', (chunk: Buffer) => (this.#pending = Buffer.concat([this.#pending, chunk])))
    this.ended = new Promise((resolve) => {
      const over = (end: TunnelEnd): void => {
        this.#over = true
        resolve(end)
      }
      stream.on('end', () => over('fin'))
      stream.on('close', () => over(stream.rstCode === 0 ? 'fin' : 'reset'))
    })
  }

  get resetCode(): number | undefined {
    return this.#stream.rstCode
  }

  write(data: string | Buffer): void {
    this.#stream.write(data)
  }

  async read(bytes: number): Promise<Buffer> {
    await until(() => this.#pending.length >= bytes || this.#over || undefined, {
      what: `${bytes} bytes`,
      detail: () => `there are ${this.#pending.length}`,
    })
    if (this.#pending.length < bytes) throw new Error(`the tunnel ended before ${bytes} bytes`)
    const piece = this.#pending.subarray(0, bytes)
    this.#pending = this.#pending.subarray(bytes)
    return piece
  }

  async rest(): Promise<Buffer> {
    await within(this.ended, 'the end of the tunnel')
    return this.#pending
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  end(): void {
    this.#stream.end()
  }

  reset(): void {
    this.#stream.close(8)
  }

  close(): Promise<void> {
    return this.#close()
  }
}

/** The client by what the tests call it. */
export const CONNECTORS: readonly (readonly [version: string, connect: Connector])[] = [
  ['HTTP/1.1', connectHttp1],
  ['HTTP/2', connectHttp2],
]
