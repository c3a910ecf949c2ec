// The backend that Gateway API tests talk to: it tells what reached it, as the conformance suite's echo server does, waits
// or fails when the query says so, and speaks WebSocket on the same port. node:http, node:http2 and the `ws` package.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

/** What a request looked like when it arrived. */
export interface Echo {
  readonly pod: string
  readonly path: string
  readonly host: string
  readonly method: string
  readonly proto: string
  readonly headers: Readonly<Record<string, string>>
}

export interface EchoBackend {
  readonly pod: string
  readonly port: number
  /** Everything that came, WebSocket handshakes among it. */
  readonly seen: Echo[]
  stop(): Promise<void>
}

/** HTTP/1.1 and WebSocket; `h2c` speaks HTTP/2 in the clear instead. `host` is the address it listens on. */
export async function startEcho(
  pod: string,
  { h2c = false, host = '127.0.0.1' }: { readonly h2c?: boolean; readonly host?: string } = {},
): Promise<EchoBackend> {
  const seen: Echo[] = []
  const tries = new Map<string, number>()
  const answer = (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): void => {
    const echo = echoOf(pod, request)
    seen.push(echo)
    obey(request, response, echo, tries)
  }
  return h2c ? http2Echo(pod, seen, answer, host) : http1Echo(pod, seen, answer, host)
}

type Answer = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => void

async function http1Echo(pod: string, seen: Echo[], answer: Answer, host: string): Promise<EchoBackend> {
  const server = createServer(answer)
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, request) => {
    seen.push(echoOf(pod, request))
    socket.on('message', (data, binary) => socket.send(data, { binary }))
  })
  const port = await listen(server, host)
  return {
    pod,
    port,
    seen,
    stop: async () => {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function http2Echo(pod: string, seen: Echo[], answer: Answer, host: string): Promise<EchoBackend> {
  const server = createHttp2Server(answer)
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  const port = await listen(server, host)
  return {
    pod,
    port,
    seen,
    stop: async () => {
      for (const session of sessions) session.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function listen(server: Server | Http2Server, host: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const address: AddressInfo | string | null = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the backend has no port')
  return address.port
}

function echoOf(pod: string, request: IncomingMessage | Http2ServerRequest): Echo {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers))
    headers[name] = Array.isArray(value) ? value.join(',') : (value ?? '')
  return {
    pod,
    path: request.url ?? '',
    host: headers['host'] ?? headers[':authority'] ?? '',
    method: request.method ?? '',
    proto: `HTTP/${request.httpVersion}`,
    headers,
  }
}

/**
 * `delay=500ms` waits. `id=x&fail=500&times=2` answers 500 to the first two tries of that id; `fail=reset` cuts the connection;
 * `slow=300` waits so many ms on the tries that fail, and answers 200 afterwards when `fail` is absent.
 */
function obey(
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
  echo: Echo,
  tries: Map<string, number>,
): void {
  const query = new URL(echo.path, 'http://echo').searchParams
  const id = query.get('id') ?? ''
  const before = tries.get(id) ?? 0
  tries.set(id, before + 1)
  const failing = before < Number(query.get('times') ?? 0)
  const fail = query.get('fail')
  const wait = Number(query.get('delay')?.replace('ms', '') ?? 0) + (failing ? Number(query.get('slow') ?? 0) : 0)
  const act = (): void => {
    if (failing && fail === 'reset') return void request.socket.destroy()
    const status = failing && fail !== null ? Number(fail) : 200
    const made = Object.fromEntries([...query].filter(([name]) => name.startsWith('x-')))
    // Both kinds of response have these two, but not in one type.
    response.statusCode = status
    for (const [name, value] of Object.entries({ 'content-type': 'application/json', ...made }))
      response.setHeader(name, value)
    response.end(JSON.stringify(echo))
  }
  if (wait === 0) return act()
  const timer = setTimeout(act, wait)
  response.once('close', () => clearTimeout(timer))
}
