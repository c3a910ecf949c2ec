// The demo's application: a page and a WebSocket server that sends back what it gets. It is no part of the proxy, so it
// is built of node:http and the ws package, as an ordinary application would be.

import { createServer, type Server } from 'node:http'
import { WebSocketServer, type WebSocket } from 'ws'
import { demoPage } from './page.ts'

export interface EchoApp {
  readonly port: number
  stop(): Promise<void>
}

/** Starts the application on a free port of 127.0.0.1. */
export async function startEchoApp(): Promise<EchoApp> {
  const http = createServer((request, response) => {
    const found = request.url === '/'
    response.writeHead(found ? 200 : 404, { 'content-type': found ? 'text/html; charset=utf-8' : 'text/plain' })
    response.end(found ? demoPage : 'not found\n')
  })
  const sockets = new WebSocketServer({
    server: http,
    perMessageDeflate: true,
    handleProtocols: (offered) => [...offered][0] ?? false,
  })
  sockets.on('connection', (socket) =>
    socket.on('message', (data: Buffer, binary: boolean) => onMessage(socket, data, binary)),
  )
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return { port: portOf(http), stop: () => stop(http, sockets) }
}

/** `bye` makes the application close first, so that the demo can show who did. */
function onMessage(socket: WebSocket, data: Buffer, binary: boolean): void {
  if (!binary && data.toString() === 'bye') socket.close(4000, 'the app said goodbye')
  else socket.send(data, { binary })
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function stop(http: Server, sockets: WebSocketServer): Promise<void> {
  for (const socket of sockets.clients) socket.terminate()
  sockets.close()
  return new Promise((resolve) => {
    http.close(() => resolve())
    http.closeAllConnections()
  })
}
