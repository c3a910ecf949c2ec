// An endpoint of its own process, so that it can die, freeze and come back: echoes WebSocket messages on the port that it
// is given. Message `reset` over IPC resets every connection; `count` asks how many there are.

import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const server = createServer((_, response) => response.writeHead(426).end())
const sockets = new Set()
server.on('connection', (socket) => {
  sockets.add(socket)
  socket.on('error', () => undefined)
  socket.on('close', () => sockets.delete(socket))
})
const webSockets = new WebSocketServer({ server })
webSockets.on('connection', (socket) => {
  socket.on('error', () => undefined)
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
})
process.on('message', (message) => {
  if (message === 'reset') for (const socket of sockets) socket.resetAndDestroy()
  if (message === 'count') process.send?.({ count: webSockets.clients.size })
})
process.on('disconnect', () => process.exit())
server.listen(Number(process.argv[2]), '127.0.0.1', 4096, () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : 0 })
})
