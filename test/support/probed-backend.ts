// A backend for health checks: it keeps what plain requests it got, with or without TLS, and speaks WebSocket when asked to.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { WebSocketServer } from 'ws'
import type { Leaf } from './certificates.ts'
import { listeningPort } from './listening-port.ts'

export interface Probed {
  readonly port: number
  /** Plain requests, as `GET /path host` with `https ` before it over TLS. */
  readonly seen: string[]
  /** When they came, by the monotonic clock. */
  readonly times: number[]
  stop(): Promise<void>
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface ProbedOptions {
  readonly ws?: boolean
  readonly tls?: Leaf | undefined
}

/** Listens on a free port of loopback. WebSockets are echoed. */
export async function startProbed(handler: Handler, { ws = false, tls }: ProbedOptions = {}): Promise<Probed> {
  const seen: string[] = []
  const times: number[] = []
  const server = tls === undefined ? createServer() : createHttpsServer({ cert: tls.certificate, key: tls.key })
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => open.delete(socket))
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    seen.push(`${tls === undefined ? '' : 'https '}${request.method} ${request.url} ${request.headers.host}`)
    times.push(performance.now())
    handler(request, response)
  })
  const sockets = ws ? new WebSocketServer({ server }) : undefined
  sockets?.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: listeningPort(server),
    seen,
    times,
    async stop() {
      sockets?.close()
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What a server that speaks only WebSocket says to anything else. */
export const upgradeRequired: Handler = (_, response) => response.writeHead(426, { connection: 'close' }).end()

/** Always the same. */
export const answer =
  (status: number, body = ''): Handler =>
  (_, response) =>
    response.writeHead(status).end(body)
