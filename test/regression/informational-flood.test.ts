// Informational responses that an origin sends without end to a client that does not read: nothing held them back, so all
// of them waited in memory. They are dropped while more than the buffer limit waits; the final response still arrives.

import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient } from '../support/raw-client.ts'
import { until } from '../support/waiting.ts'

const HINT = `HTTP/1.1 103 Early Hints\r\nlink: <${'x'.repeat(950)}>\r\n\r\n`
const HINTS = 60_000
const BATCH = 500

let origin: Server
let proxy: ProxyProcess
let sent = 0

before(async () => {
  origin = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => hint(socket))
  })
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  const address = origin.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const limit = { per_connection_buffer_limit_bytes: 65_536 }
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'web', routes: [route('/', 'origin')], more: limit })],
      [cluster({ name: 'origin', port })],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await new Promise<void>((resolve) => origin.close(() => resolve()))
  await nothingLeft()
})

function hint(socket: Socket): void {
  while (sent < HINTS) {
    sent += BATCH
    if (!socket.write(HINT.repeat(BATCH))) return void socket.once('drain', () => hint(socket))
  }
  socket.end('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone')
}

test('a client that does not read is not sent more of them than the buffer takes', async () => {
  const client = await rawClient(proxy.port('web'))
  client.socket.pause()
  client.write('GET / HTTP/1.1\r\nhost: app.example\r\nconnection: close\r\n\r\n')
  await until(() => (sent >= HINTS ? true : undefined), {
    what: 'the origin to have sent all',
    ms: 15_000,
    detail: () => `${sent} of ${HINTS}`,
  })
  await proxy.statBecomes('http.web.downstream_rq_active', 0)
  client.socket.resume()
  const seen = (await client.rest()).toString('latin1')
  client.close()
  assert.match(seen, /HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\ndone$/)
  const all = HINTS * HINT.length
  assert.ok(seen.length < all / 3, `${seen.length} of ${all} bytes were kept for a client that did not read`)
})
