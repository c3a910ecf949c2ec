// WebSocket clients for scenarios: the `ws` package over HTTP/1.1, or over HTTP/2 through node:http2, behind one face.

import { Duplex } from 'node:stream'
import { type RawData, WebSocket } from 'ws'
import { type ByteTrace, traceBytes } from './byte-trace.ts'
import { http2Session, type Http2Session } from './http2-websocket.ts'
import { nextEvent, within } from './waiting.ts'

export interface Message {
  readonly data: Buffer
  readonly binary: boolean
}

export interface WebSocketClient {
  readonly socket: WebSocket
  /** Extensions the server agreed to, such as `permessage-deflate`. */
  readonly extensions: string
  readonly trace: ByteTrace
  /** The next message. */
  next(ms?: number): Promise<Message>
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  /** Closes with a code and waits for the end; also ends an HTTP/2 connection of its own. */
  close(code?: number, reason?: string): Promise<{ readonly code: number; readonly reason: string }>
  /** Cuts it without a word. */
  destroy(): Promise<void>
}

export interface ClientRequest {
  readonly protocol: 'http1' | 'http2'
  readonly port: number
  readonly path: string
  readonly ca?: string
  readonly deflate?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

const MAX_PAYLOAD = 64 * 1024 * 1024

/** Opens a WebSocket; rejects with the status in the message when it is refused. */
export async function webSocket(request: ClientRequest): Promise<WebSocketClient> {
  return request.protocol === 'http1' ? overHttp1(request) : overHttp2(request)
}

async function overHttp1({ port, path, ca, deflate = false, headers = {} }: ClientRequest): Promise<WebSocketClient> {
  const socket = new WebSocket(`${ca === undefined ? 'ws' : 'wss'}://127.0.0.1:${port}${path}`, {
    perMessageDeflate: deflate ? { threshold: 0 } : false,
    maxPayload: MAX_PAYLOAD,
    headers,
    ...(ca === undefined ? {} : { ca }),
  })
  let trace: ByteTrace | undefined
  socket.once('upgrade', (response) => (trace = traceBytes(response.socket)))
  await nextEvent(socket, 'open')
  if (trace === undefined) throw new Error('ws opened without the event upgrade')
  return face(socket, trace, undefined)
}

async function overHttp2({ port, path, ca, deflate = false, headers = {} }: ClientRequest): Promise<WebSocketClient> {
  const session = await http2Session(
    `${ca === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    ca === undefined ? {} : { ca },
  )
  try {
    const { socket, stream } = await session.open(path, { deflate, headers })
    return face(socket, traceBytes(stream), session)
  } catch (error) {
    await session.close()
    throw error
  }
}

function face(socket: WebSocket, trace: ByteTrace, session: Http2Session | undefined): WebSocketClient {
  const messages: Message[] = []
  const waiting: ((message: Message) => void)[] = []
  socket.on('message', (data, binary) => {
    const message = { data: bytes(data), binary }
    const waiter = waiting.shift()
    if (waiter === undefined) messages.push(message)
    else waiter(message)
  })
  socket.on('error', () => undefined)
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })
  const end = async (): Promise<void> => {
    await session?.close()
  }
  return {
    socket,
    extensions: socket.extensions,
    trace,
    next: (ms = 20_000) => within(take(messages, waiting), 'a message', ms),
    closed,
    async close(code = 1000, reason = '') {
      socket.close(code, reason)
      const answer = await within(closed, 'the closing handshake')
      await end()
      return answer
    },
    async destroy() {
      const stream: unknown = Reflect.get(socket, '_socket')
      if (stream instanceof Duplex) stream.destroy()
      socket.terminate()
      await end()
    },
  }
}

function take(messages: Message[], waiting: ((message: Message) => void)[]): Promise<Message> {
  const message = messages.shift()
  if (message !== undefined) return Promise.resolve(message)
  return new Promise((resolve) => waiting.push(resolve))
}

function bytes(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data)
  return Buffer.isBuffer(data) ? data : Buffer.from(data)
}
