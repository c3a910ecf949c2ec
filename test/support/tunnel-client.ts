// Clients that open tunnels with Node's own HTTP: CONNECT and POST over HTTP/1.1 and HTTP/2, in the clear and over TLS.

import { type IncomingMessage, request } from 'node:http'
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { within } from './waiting.ts'

export interface TunnelRequest {
  readonly version: 'http1' | 'http2'
  readonly method: 'CONNECT' | 'POST'
  readonly port: number
  /** PEM of the authority; absent = in the clear. */
  readonly ca?: string | Buffer
  readonly authority?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface TunnelAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The tunnel's bytes when `status` is 2xx. */
  readonly stream: Duplex
  /** Ends it as a client that vanishes: RST, RST_STREAM. */
  reset(): void
  /** HTTP/2: the error code of the stream, once it is closed. */
  resetCode(): number | undefined
  /** Closes the connection below. */
  stop(): void
}

/** Asks for a tunnel; resolves with the answer, whatever it is. */
export const askForTunnel = (request: TunnelRequest): Promise<TunnelAnswer> =>
  within(request.version === 'http1' ? askHttp1(request) : askHttp2(request), `the answer to ${request.method}`)

/** A connection, and the TCP socket below it, which alone can be reset. */
export interface Dialled {
  readonly socket: Socket
  readonly raw: Socket
}

export function dial({ port, ca }: Pick<TunnelRequest, 'port' | 'ca'>): Dialled {
  const raw = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  raw.on('error', () => undefined)
  const socket =
    ca === undefined ? raw : connectTls({ socket: raw, servername: 'localhost', ca, ALPNProtocols: ['http/1.1'] })
  return { socket, raw }
}

function askHttp1(wanted: TunnelRequest): Promise<TunnelAnswer> {
  return wanted.method === 'CONNECT' ? askConnect(wanted) : askPost(wanted)
}

function askConnect(wanted: TunnelRequest): Promise<TunnelAnswer> {
  const { authority = 'target.test:443', headers = {} } = wanted
  return new Promise((resolve, reject) => {
    const { socket, raw } = dial(wanted)
    const asked = request({
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...headers },
      createConnection: () => socket,
    })
    asked.on('error', reject)
    const answer = (response: IncomingMessage): void => {
      asked.off('error', reject)
      asked.on('error', () => undefined)
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        stream: socket,
        reset: () => raw.resetAndDestroy(),
        resetCode: () => undefined,
        stop: () => socket.destroy(),
      })
    }
    asked.on('connect', (response, _socket, head) => {
      socket.on('error', () => undefined)
      if (head.length > 0) socket.unshift(head)
      answer(response)
    })
    asked.on('response', answer)
    asked.end()
  })
}

/** Node's own client ends the request when the response is over; so this one writes and reads its chunks itself. */
async function askPost(wanted: TunnelRequest): Promise<TunnelAnswer> {
  const { authority = 'target.test:443', headers = {} } = wanted
  const { socket, raw } = dial(wanted)
  const fields = Object.entries({ host: authority, 'transfer-encoding': 'chunked', ...headers })
  socket.write(`POST / HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
  let head = Buffer.alloc(0)
  while (!head.includes('\r\n\r\n')) head = Buffer.concat([head, await chunkOf(socket)])
  const end = head.indexOf('\r\n\r\n') + 4
  const text = head.toString('latin1', 0, end)
  if (head.length > end) socket.unshift(head.subarray(end))
  return {
    status: Number(text.slice(9, 12)),
    headers: {},
    stream: new ChunkedTunnel(socket),
    reset: () => raw.resetAndDestroy(),
    resetCode: () => undefined,
    stop: () => socket.destroy(),
  }
}

function chunkOf(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('readable', () => {
      socket.off('error', reject)
      const chunk: unknown = socket.read()
      resolve(Buffer.isBuffer(chunk) ? chunk : Buffer.alloc(0))
    })
  })
}

/** Bytes in chunks both ways (RFC 9112 §7.1), on a connection whose heads are over. */
class ChunkedTunnel extends Duplex {
  readonly #socket: Socket
  #held = Buffer.alloc(0)
  /** Bytes of the current chunk that are still to come, with its line end. */
  #left = 0

  constructor(socket: Socket) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#received(chunk))
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.destroy())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.cork()
    this.#socket.write(`${chunk.length.toString(16)}\r\n`)
    this.#socket.write(chunk)
    this.#socket.write('\r\n', (error) => done(error))
    this.#socket.uncork()
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.write('0\r\n\r\n', (error) => done(error))
  }

  #received(bytes: Buffer): void {
    let rest = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    this.#held = Buffer.alloc(0)
    while (rest.length > 0) {
      if (this.#left === 0) {
        const end = rest.indexOf('\r\n')
        if (end < 0) break
        const size = Number.parseInt(rest.toString('latin1', 0, end), 16)
        rest = rest.subarray(end + 2)
        if (size === 0) {
          this.push(null)
          return
        }
        this.#left = size + 2
      }
      const payload = rest.subarray(0, Math.max(0, Math.min(rest.length, this.#left - 2)))
      if (payload.length > 0 && !this.push(payload)) this.#socket.pause()
      const taken = Math.min(rest.length, this.#left)
      this.#left -= taken
      rest = rest.subarray(taken)
    }
    this.#held = Buffer.from(rest)
  }
}

async function askHttp2(wanted: TunnelRequest): Promise<TunnelAnswer> {
  const session = connectHttp2(`${wanted.ca === undefined ? 'http' : 'https'}://localhost:${wanted.port}`, {
    ...(wanted.ca === undefined ? {} : { ca: wanted.ca }),
    lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  })
  session.on('error', () => undefined)
  const answer = await askOn(session, wanted)
  return { ...answer, stop: () => session.destroy() }
}

/** Asks for a tunnel on a connection that stands. */
export function askOn(
  session: ClientHttp2Session,
  { method, authority = 'target.test:443', headers = {} }: Pick<TunnelRequest, 'method' | 'authority' | 'headers'>,
): Promise<TunnelAnswer> {
  return new Promise((resolve, reject) => {
    const head =
      method === 'CONNECT'
        ? { ':method': 'CONNECT', ':authority': authority, ...headers }
        : { ':method': 'POST', ':scheme': 'http', ':authority': authority, ':path': '/', ...headers }
    const stream: ClientHttp2Stream = session.request(head, { endStream: false })
    stream.on('error', reject)
    stream.on('response', (response) => {
      stream.off('error', reject)
      stream.on('error', () => undefined)
      const status = response[':status'] ?? 0
      resolve({
        status,
        headers: response,
        stream,
        reset: () => stream.close(constants.NGHTTP2_CANCEL),
        resetCode: () => (stream.closed ? stream.rstCode : undefined),
        stop: () => stream.close(),
      })
    })
  })
}
