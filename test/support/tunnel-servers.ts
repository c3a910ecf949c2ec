// HTTP servers of Node that open tunnels, as peers for a proxy that asks for them: CONNECT and POST, HTTP/1.1 and HTTP/2. They
// send every tunnel to one TCP port; a target `refuse-<status>.test` is refused with that status, and `over.test` (HTTP/2) is
// accepted and ended at once.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** What a server was asked for. */
export interface AskedTunnel {
  readonly method: string
  readonly authority: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** HTTP/2 only. */
  readonly stream: ServerHttp2Stream | undefined
}

export interface TunnelServer {
  readonly port: number
  readonly asked: readonly AskedTunnel[]
  /** Connections that were accepted. */
  readonly connections: number
  stop(): Promise<void>
}

const refusal = (authority: string): number => Number(/^refuse-(\d{3})\./.exec(authority)?.[1] ?? 0)

/** HTTP/1.1: CONNECT, and POST with both bodies as the tunnel. */
export async function startHttp1Tunnels(target: number): Promise<TunnelServer> {
  const asked: AskedTunnel[] = []
  const sockets = new Set<Duplex>()
  let connections = 0
  const note = ({ method = '', headers, url = '' }: IncomingMessage): string => {
    const authority = method === 'CONNECT' ? url : (headers.host ?? '')
    asked.push({ method, authority, path: method === 'CONNECT' ? '' : url, headers, stream: undefined })
    return authority
  }
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const status = refusal(note(request))
    if (status !== 0) return void response.writeHead(status).end('no')
    const far = dial(target, sockets)
    response.writeHead(200).flushHeaders()
    request.pipe(far)
    far.pipe(response)
  })
  server.on('connection', (socket: Socket) => {
    connections++
    keep(socket, sockets)
  })
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    const status = refusal(note(request))
    if (status !== 0) return void client.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 2\r\n\r\nno`)
    const far = dial(target, sockets)
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    if (head.length > 0) far.write(head)
    client.pipe(far)
    far.pipe(client)
    far.on('error', () => reset(client))
    client.on('error', () => far.resetAndDestroy())
  })
  const port = await listening(server)
  return {
    port,
    asked,
    get connections() {
      return connections
    },
    stop: () => stopped(server, sockets),
  }
}

/** HTTP/2 in the clear: CONNECT and POST. */
export async function startHttp2Tunnels(target: number): Promise<TunnelServer> {
  const asked: AskedTunnel[] = []
  const sockets = new Set<Duplex>()
  let connections = 0
  const server = createHttp2Server()
  server.on('connection', (socket: Socket) => {
    connections++
    keep(socket, sockets)
  })
  server.on('sessionError', () => undefined)
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const authority = String(headers[':authority'])
    const { ':method': method = '', ':path': path = '' } = headers
    asked.push({ method, authority, path, headers, stream })
    stream.on('error', () => undefined)
    const status = refusal(authority)
    if (status !== 0) {
      stream.respond({ ':status': status })
      return void stream.end('no')
    }
    if (authority.startsWith('over.')) return stream.respond({ ':status': 200 }, { endStream: true })
    const far = dial(target, sockets)
    stream.respond({ ':status': 200 })
    stream.pipe(far)
    far.pipe(stream)
    // Before its `end`, which would send a FIN first: a socket that is being shut down cannot be reset.
    stream.on('aborted', () => far.resetAndDestroy())
    far.on('error', (error) => stream.destroy(error))
  })
  const port = await listening(server)
  return {
    port,
    asked,
    get connections() {
      return connections
    },
    stop: () => stopped(server, sockets),
  }
}

function dial(port: number, sockets: Set<Duplex>): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  keep(socket, sockets)
  return socket
}

function keep(socket: Duplex, sockets: Set<Duplex>): void {
  sockets.add(socket)
  socket.on('error', () => undefined)
  socket.on('close', () => sockets.delete(socket))
}

function reset(stream: Duplex): void {
  if ('resetAndDestroy' in stream && typeof stream.resetAndDestroy === 'function') stream.resetAndDestroy()
  else stream.destroy()
}

interface Listening {
  listen(port: number, host: string, done: () => void): unknown
  address(): unknown
  close(done: () => void): unknown
}

async function listening(server: Listening): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null && 'port' in address ? Number(address.port) : 0
}

async function stopped(server: Listening, sockets: ReadonlySet<Duplex>): Promise<void> {
  for (const socket of sockets) socket.destroy()
  await new Promise<void>((resolve) => server.close(() => resolve()))
}
