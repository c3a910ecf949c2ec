// The HTTP/1 codec between independent peers on real sockets: node:http, node:net and ws on both sides of a relay.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import net from 'node:net'
import { after, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { systemClock } from '../../src/core/clock.ts'
import { closeCause } from '../../src/core/close-cause.ts'
import type { ByteStream } from '../../src/transport/byte-stream.ts'
import { dialTcp, listenTcp } from '../../src/transport/tcp.ts'
import { relay } from '../support/http1-relay.ts'

const open = new Set<ByteStream>()
const origin = http.createServer({ keepAliveTimeout: 5000 }, answer)
const sockets = new Set<net.Socket>()
origin.on('connection', (socket) => {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
})
origin.on('checkContinue', (request, reply) => {
  reply.writeContinue()
  answer(request, reply)
})
origin.on('connect', (_request, socket: net.Socket) => {
  socket.write('HTTP/1.1 200 Go\r\n\r\nhello ')
  socket.pipe(socket)
})
const webSockets = new WebSocketServer({ server: origin, perMessageDeflate: true })
webSockets.on('connection', (socket) => {
  socket.send('first')
  socket.on('message', (data, binary) => socket.send(data, { binary }))
})
await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
const originPort = portOf(origin)

const listener = await listenTcp(
  { host: '127.0.0.1', port: 0 },
  {
    onAccept: (stream) => relay(stream, dialOrigin, open),
    onAcceptError: (error) => assert.fail(error),
  },
)
const port = listener.address.port
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })

after(async () => {
  agent.destroy()
  webSockets.close()
  for (const stream of open) stream.close(closeCause('proxy', 'tcp', 'shutdown'))
  for (const socket of sockets) socket.destroy()
  origin.close()
  await new Promise<void>((resolve) => listener.close(resolve))
  await until(() => open.size === 0)
})

function dialOrigin(ready: (stream: ByteStream) => void): void {
  dialTcp(
    { host: '127.0.0.1', port: originPort, clock: systemClock, connectTimeoutMs: 5000 },
    { onConnect: ready, onConnectError: (cause) => assert.fail(cause.detail) },
  )
}

function portOf(server: net.Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** The origin: tells what it heard, and the hash of the body. */
function answer(request: http.IncomingMessage, reply: http.ServerResponse): void {
  const hash = createHash('sha256')
  request.on('data', (chunk: Buffer) => hash.update(chunk))
  request.on('end', () => {
    if (request.url === '/early') reply.writeEarlyHints({ link: '</style.css>; rel=preload' })
    reply.setHeader('x-hash', hash.digest('hex'))
    reply.setHeader('x-method', request.method ?? '')
    reply.setHeader('x-trailers', JSON.stringify(request.trailers))
    if (request.url === '/204') return reply.writeHead(204).end()
    if (request.url === '/big') return void reply.end(BIG)
    if (request.url === '/trailers') {
      reply.setHeader('trailer', 'x-sum')
      reply.write('body')
      reply.addTrailers({ 'x-sum': '42' })
    }
    reply.end('ok')
  })
}

const BIG = randomBytes(8 * 1024 * 1024)

interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly trailers: NodeJS.Dict<string>
  readonly body: Buffer
  readonly localPort: number
}

function ask(
  options: http.RequestOptions,
  body?: Buffer | readonly Buffer[],
  trailers?: Record<string, string>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, agent, ...options }, (reply) => {
      const chunks: Buffer[] = []
      const localPort = request.socket?.localPort ?? 0
      reply.on('data', (chunk: Buffer) => chunks.push(chunk))
      reply.on('end', () => {
        const { statusCode: status = 0, headers, trailers: tail } = reply
        resolve({ status, headers, trailers: tail, body: Buffer.concat(chunks), localPort })
      })
      reply.on('error', reject)
    })
    request.on('error', reject)
    if (Array.isArray(body)) for (const chunk of body) request.write(chunk)
    if (trailers !== undefined) request.addTrailers(trailers)
    request.end(Buffer.isBuffer(body) ? body : undefined)
  })
}

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

test('requests of node:http go through on one connection', async () => {
  const first = await ask({ path: '/' })
  const second = await ask({ path: '/', method: 'POST' }, Buffer.from('hello'))
  assert.equal(first.body.toString(), 'ok')
  assert.equal(second.headers['x-hash'], sha(Buffer.from('hello')))
  assert.equal(second.localPort, first.localPort)
})

test('a chunked upload and a large download arrive byte for byte', async () => {
  const chunks = Array.from({ length: 64 }, () => randomBytes(64 * 1024 + 7))
  const up = await ask({ path: '/', method: 'PUT' }, chunks)
  assert.equal(up.headers['x-hash'], sha(Buffer.concat(chunks)))
  const down = await ask({ path: '/big' })
  assert.equal(sha(down.body), sha(BIG))
})

test('HEAD, 204, 1xx, Expect and trailers are what node:http understands', async () => {
  const head = await ask({ path: '/', method: 'HEAD' })
  assert.equal(head.body.length, 0)
  assert.equal((await ask({ path: '/204' })).status, 204)
  assert.equal((await ask({ path: '/early' })).body.toString(), 'ok')
  const expecting = await ask({ path: '/', method: 'POST', headers: { expect: '100-continue' } }, Buffer.from('x'))
  assert.equal(expecting.headers['x-hash'], sha(Buffer.from('x')))
  const trailers = await ask({ path: '/trailers', method: 'POST', headers: { trailer: 'x-up' } }, [Buffer.from('a')], {
    'x-up': '1',
  })
  assert.equal(trailers.trailers['x-sum'], '42')
  assert.equal(trailers.headers['x-trailers'], '{"x-up":"1"}')
})

test('ws exchanges messages of every kind through an upgrade', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`)
  const received: Buffer[] = []
  socket.on('message', (data: Buffer) => received.push(data))
  await new Promise((resolve) => socket.once('open', resolve))
  const large = randomBytes(1024 * 1024)
  socket.send('text')
  socket.send(large)
  await until(() => received.length === 3)
  assert.deepEqual([received[0]?.toString(), received[1]?.toString()], ['first', 'text'])
  assert.equal(sha(received[2] ?? Buffer.alloc(0)), sha(large))
  socket.close(4000, 'done')
  const [code, reason] = await new Promise<[number, Buffer]>((resolve) =>
    socket.once('close', (...all) => resolve(all)),
  )
  assert.deepEqual([code, reason.toString()], [4000, 'done'])
})

test('CONNECT tunnels bytes both ways with half-close', async () => {
  const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
  socket.write('CONNECT b:443 HTTP/1.1\r\nhost: b:443\r\n\r\nearly ')
  await until(() => text.endsWith('early '))
  socket.end('late')
  await new Promise((resolve) => socket.once('end', resolve))
  assert.equal(text, 'HTTP/1.1 200 Go\r\n\r\nhello early late')
})

test('pipelined requests are answered in order', async () => {
  const socket = net.connect({ host: '127.0.0.1', port })
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
  const one = (method: string): string => `${method} / HTTP/1.1\r\nhost: a\r\n\r\n`
  socket.write(['GET', 'DELETE', 'OPTIONS', 'GET'].map(one).join(''))
  await until(() => text.split('HTTP/1.1 200').length === 5)
  assert.deepEqual(
    [...text.matchAll(/x-method: (\w+)/g)].map((match) => match[1]),
    ['GET', 'DELETE', 'OPTIONS', 'GET'],
  )
  socket.destroy()
})

test('a malformed request is answered, and the answer can be read although more was sent', async () => {
  const socket = net.connect({ host: '127.0.0.1', port })
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
  socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n')
  await new Promise((resolve) => socket.once('close', resolve))
  assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n/)
  assert.match(text, /both Content-Length and Transfer-Encoding/)
})
