// WebSocket applications behind the proxy: the `ws` package on node:http for HTTP/1.1 and on node:http2 for RFC 8441, plain
// or with TLS. They echo messages, follow a few spoken commands, and keep what they saw of each visit.

import { createServer, type Server } from 'node:http'
import {
  createSecureServer,
  createServer as createHttp2Server,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { createServer as createSecureHttp1 } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Duplex } from 'node:stream'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import type { Leaf } from './certificates.ts'
import { type ByteTrace, traceBytes } from './byte-trace.ts'
import { acceptHttp2WebSocket } from './http2-websocket.ts'
import { until } from './waiting.ts'

/** What the app saw of one WebSocket. */
export interface Visit {
  readonly path: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly extensions: string
  readonly trace: ByteTrace
  pings: string[]
  pongs: string[]
  closed: { readonly code: number; readonly reason: string } | undefined
  readonly socket: WebSocket
}

export interface EchoApp {
  readonly port: number
  readonly visits: readonly Visit[]
  /** The visit of that path (with its query), once it has come. */
  visit(path: string): Promise<Visit>
  stop(): Promise<void>
}

export interface EchoAppOptions {
  readonly tls?: Leaf
  readonly deflate?: boolean
  readonly port?: number
}

const MAX_PAYLOAD = 64 * 1024 * 1024

/** An HTTP/1.1 WebSocket server of the `ws` package. Plain requests get `app` and their path. */
export async function startEchoApp({ tls, deflate = true, port = 0 }: EchoAppOptions = {}): Promise<EchoApp> {
  const server: Server = tls === undefined ? createServer() : createSecureHttp1({ key: tls.key, cert: tls.certificate })
  server.on('request', (request, response) => response.end(`app ${request.url}`))
  const visits: Visit[] = []
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: deflate ? { threshold: 0 } : false,
    maxPayload: MAX_PAYLOAD,
  })
  sockets.on('connection', (socket, request) => {
    const stream: unknown = Reflect.get(socket, '_socket')
    if (!(stream instanceof Duplex)) throw new Error('ws keeps its socket elsewhere now')
    visits.push(serve(socket, { path: request.url ?? '', headers: request.headers, trace: traceBytes(stream) }))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return app(server, visits, async () => {
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
    server.closeAllConnections()
  })
}

/** An HTTP/2 WebSocket server: extended CONNECT only. */
export async function startHttp2EchoApp({ tls, deflate = true }: EchoAppOptions = {}): Promise<EchoApp> {
  const settings = { enableConnectProtocol: true, initialWindowSize: 1024 * 1024 }
  const server: Http2Server =
    tls === undefined
      ? createHttp2Server({ settings })
      : createSecureServer({ key: tls.key, cert: tls.certificate, settings })
  const visits: Visit[] = []
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => undefined)
  })
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => undefined)
    const path = headers[':path'] ?? ''
    if (headers[':method'] !== 'CONNECT' || headers[':protocol'] !== 'websocket') {
      stream.respond({ ':status': 200 })
      stream.end(`app ${path}`)
      return
    }
    const socket = acceptHttp2WebSocket(stream, headers, deflate)
    visits.push(serve(socket, { path, headers, trace: traceBytes(stream) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return app(server, visits, async () => {
    for (const session of sessions) session.destroy()
  })
}

interface Listening {
  address(): AddressInfo | string | null
  close(done: () => void): unknown
}

function app(server: Listening, visits: readonly Visit[], cut: () => Promise<void>): EchoApp {
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    visits,
    visit: (path) =>
      until(() => visits.findLast((visit) => visit.path === path), { what: `a visit of ${path}`, ms: 5000 }),
    async stop() {
      await cut()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function serve(socket: WebSocket, known: Pick<Visit, 'path' | 'headers' | 'trace'>): Visit {
  const visit: Visit = { ...known, extensions: socket.extensions, pings: [], pongs: [], closed: undefined, socket }
  socket.on('message', (data, binary) => {
    if (binary || !obey(socket, text(data))) socket.send(data, { binary })
  })
  socket.on('ping', (data) => visit.pings.push(data.toString()))
  socket.on('pong', (data) => visit.pongs.push(data.toString()))
  socket.on('close', (code, reason) => (visit.closed = { code, reason: reason.toString() }))
  socket.on('error', () => undefined)
  return visit
}

/** `close CODE REASON`, `ping PAYLOAD`, `parts A B C` (a fragmented answer); false = an ordinary message. */
function obey(socket: WebSocket, message: string): boolean {
  if (message.length > 200) return false
  const [command, first = '', ...rest] = message.split(' ')
  if (command === 'close') socket.close(Number(first), rest.join(' '))
  else if (command === 'ping') socket.ping(first)
  else if (command === 'vanish') socket.terminate()
  else if (command === 'parts')
    for (const [index, part] of [first, ...rest].entries()) socket.send(part, { fin: index === rest.length })
  else return false
  return true
}

function text(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString()
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString()
}
