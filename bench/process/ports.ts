// Free ports below the ephemeral range, so that no outgoing connection of a busy run takes one first.
import { createServer, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

let next = 20000 + ((process.pid * 7) % 8000)

export async function freePort(): Promise<number> {
  for (;;) {
    const port = next++
    if (await canListen(port)) return port
  }
}

async function canListen(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => {
      resolve(false)
    })
    server.listen({ port, host: '127.0.0.1' }, () =>
      server.close(() => {
        resolve(true)
      }),
    )
  })
}

/** Waits until something accepts connections; false when `gaveUp` says so first or 15 seconds pass. */
export async function accepts(port: number, gaveUp: () => boolean): Promise<boolean> {
  const limit = Date.now() + 15_000
  while (Date.now() < limit && !gaveUp()) {
    if (await canConnect(port)) return !gaveUp()
    await sleep(50)
  }
  return false
}

async function canConnect(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
}
