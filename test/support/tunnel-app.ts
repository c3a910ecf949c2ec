// An HTTP/1.1 application for tunnels of any type, on bare sockets: it keeps every byte that reached it, before and after
// its answer, and lets a test decide what it answers and how it ends. Half-open sockets are allowed.

import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { parseHead } from './raw-client.ts'
import { until } from './waiting.ts'

/** One connection that sent a request head. */
export interface AppTunnel {
  readonly method: string
  readonly path: string
  readonly headers: ReadonlyMap<string, string>
  readonly head: string
  readonly socket: Socket
  /** Every byte after the first head. */
  received(): Buffer
  /** The client's direction has ended (FIN). */
  readonly ended: boolean
  /** The socket is gone, and whether by a reset. */
  readonly closed: 'open' | 'closed' | 'reset'
}

export interface TunnelApp {
  readonly port: number
  readonly tunnels: readonly AppTunnel[]
  tunnel(path: string): Promise<AppTunnel>
  stop(): Promise<void>
}

/** What to answer: text that is sent as it is, or undefined for silence. */
export type Answer = (tunnel: AppTunnel) => string | undefined

/** Accepts whatever type is asked for. */
export const accept: Answer = ({ headers }) =>
  `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${headers.get('upgrade') ?? ''}\r\n\r\n`

export async function startTunnelApp(answer: Answer = accept): Promise<TunnelApp> {
  const tunnels: Visitor[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    listen(socket, (visitor) => {
      tunnels.push(visitor)
      const text = answer(visitor)
      if (text !== undefined) socket.write(text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: portOf(server.address()),
    tunnels,
    tunnel: (path) =>
      until(() => tunnels.findLast((tunnel) => tunnel.path === path), {
        what: `a request for ${path} at the app`,
        ms: 5000,
      }),
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === 'object' && address !== null ? address.port : 0

function listen(socket: Socket, onHead: (visitor: Visitor) => void): void {
  let text = Buffer.alloc(0)
  let visitor: Visitor | undefined
  socket.on('data', (chunk: Buffer) => {
    if (visitor !== undefined) {
      visitor.add(chunk)
      return
    }
    text = Buffer.concat([text, chunk])
    const end = text.indexOf('\r\n\r\n')
    if (end < 0) return
    visitor = new Visitor(socket, text.subarray(0, end + 4).toString('latin1'))
    visitor.add(text.subarray(end + 4))
    onHead(visitor)
  })
  // A client without half-close is answered in kind only when the test says so; an idle connection just goes.
  socket.on('end', () => {
    if (visitor === undefined) socket.end()
  })
  socket.on('error', () => undefined)
}

class Visitor implements AppTunnel {
  readonly method: string
  readonly path: string
  readonly headers: ReadonlyMap<string, string>
  readonly head: string
  readonly socket: Socket
  ended = false
  closed: 'open' | 'closed' | 'reset' = 'open'
  readonly #chunks: Buffer[] = []

  constructor(socket: Socket, head: string) {
    const [method = '', path = ''] = head.split(' ')
    this.method = method
    this.path = path
    this.head = head
    this.headers = parseHead(head).headers
    this.socket = socket
    socket.on('end', () => (this.ended = true))
    socket.on('error', () => (this.closed = 'reset'))
    socket.on('close', () => {
      if (this.closed === 'open') this.closed = 'closed'
    })
  }

  add(chunk: Buffer): void {
    if (chunk.length > 0) this.#chunks.push(chunk)
  }

  received(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}
