// The application behind the three configurations of this folder: echoes WebSocket messages on 127.0.0.1:3000, and
// answers a health check at /health. Run it with `node examples/dialects/backend.mjs`.

import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const server = createServer((request, response) => {
  const ok = request.url === '/health'
  response.writeHead(ok ? 200 : 426, { 'content-type': 'text/plain' })
  response.end(ok ? 'ok\n' : 'This is a WebSocket server.\n')
})

const sockets = new WebSocketServer({ server })
sockets.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
})

const port = Number(process.argv[2] ?? 3000)
server.listen(port, '127.0.0.1', () => console.log(`ws://127.0.0.1:${server.address().port}`))
