// A plain TCP application: keeps what every connection sent and how it ended, and lets a test speak and end as it likes.
// Half-open sockets are allowed; it never answers by itself.

import { createServer, type Socket } from 'node:net'
import { until } from './waiting.ts'

/** One accepted connection. */
export interface TcpVisitor {
  readonly socket: Socket
  received(): Buffer
  /** The peer's direction has ended (FIN). */
  readonly ended: boolean
  /** The socket is gone, and whether by a reset. */
  readonly closed: 'open' | 'closed' | 'reset'
  /** Waits until exactly this text, or so many bytes, arrived since the start. */
  has(expected: string | number): Promise<void>
  /** Waits for a reset. One that comes behind a FIN shows only to a peer that writes, so this writes. */
  isReset(): Promise<void>
}

export interface TcpApp {
  readonly port: number
  readonly visitors: readonly TcpVisitor[]
  /** The `n`th connection, once it is there. */
  visitor(n: number): Promise<TcpVisitor>
  stop(): Promise<void>
}

/** `onVisit` runs at each connection: a server that speaks first speaks there. */
export async function startTcpApp(onVisit: (socket: Socket) => void = () => undefined): Promise<TcpApp> {
  const visitors: Visitor[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    visitors.push(new Visitor(socket))
    onVisit(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    visitors,
    visitor: (n) => until(() => visitors[n], { what: `connection ${n} at the application`, ms: 5000 }),
    async stop() {
      for (const { socket } of visitors) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

class Visitor implements TcpVisitor {
  readonly socket: Socket
  ended = false
  closed: 'open' | 'closed' | 'reset' = 'open'
  readonly #chunks: Buffer[] = []

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => this.#chunks.push(chunk))
    socket.on('end', () => (this.ended = true))
    socket.on('error', () => (this.closed = 'reset'))
    socket.on('close', () => {
      if (this.closed === 'open') this.closed = 'closed'
    })
  }

  received(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  async isReset(): Promise<void> {
    const reset = (): true | undefined => {
      if (this.ended && this.closed === 'open') this.socket.write('.')
      return this.closed === 'reset' || undefined
    }
    await until(reset, { what: 'a reset at the application', ms: 5000, detail: () => `it is ${this.closed}` })
  }

  async has(expected: string | number): Promise<void> {
    const arrived = (): boolean =>
      typeof expected === 'string'
        ? this.received().toString('latin1') === expected
        : this.received().length === expected
    await until(() => arrived() || undefined, {
      what: `${JSON.stringify(expected)} at the application`,
      ms: 5000,
      detail: () =>
        `it has ${this.received().length}: ${JSON.stringify(this.received().toString('latin1').slice(0, 200))}`,
    })
  }
}
