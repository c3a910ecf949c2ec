// What a tunnel leads to: a TCP server that hands each connection to the test, half-open ones allowed.

import { createServer, type Server, type Socket } from 'node:net'
import { within } from './waiting.ts'

export interface TcpTarget {
  readonly port: number
  /** The next connection that nobody took yet. */
  next(): Promise<Socket>
  /** Connections so far. */
  readonly accepted: number
  stop(): Promise<void>
}

export async function startTcpTarget(): Promise<TcpTarget> {
  const waiting: ((socket: Socket) => void)[] = []
  const arrived: Socket[] = []
  const open = new Set<Socket>()
  let accepted = 0
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted++
    open.add(socket)
    // A reset is what some tests wait for; without a listener it would end the process.
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    const taker = waiting.shift()
    if (taker === undefined) arrived.push(socket)
    else taker(socket)
  })
  const port = await listen(server)
  return {
    port,
    get accepted() {
      return accepted
    },
    next() {
      const socket = arrived.shift()
      if (socket !== undefined) return Promise.resolve(socket)
      return within(new Promise<Socket>((resolve) => waiting.push(resolve)), 'a connection at the target')
    },
    stop() {
      for (const socket of open) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}
