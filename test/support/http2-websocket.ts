// WebSockets over HTTP/2 (RFC 8441) with two implementations that are not ours: node:http2 makes the extended CONNECT, the
// `ws` package speaks the frames on its stream. Both sides, with permessage-deflate when both want it.

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Duplex } from 'node:stream'
import * as ws from 'ws'
import { within } from './waiting.ts'

/** The parts of `ws` that its types leave out. */
interface Deflate {
  accept(offers: readonly unknown[]): object
  offer(): object
}
const PerMessageDeflate: new (options: object) => Deflate = Reflect.get(ws, 'PerMessageDeflate')
const extension: { parse(header: string): Record<string, unknown[] | undefined>; format(extensions: object): string } =
  Reflect.get(ws, 'extension')

const DEFLATE = 'permessage-deflate'
const MAX_PAYLOAD = 64 * 1024 * 1024

/** A `ws` WebSocket that speaks on any stream; nothing is handshaken. */
export function webSocketOver(stream: Duplex, role: 'client' | 'server', deflate: Deflate | undefined): ws.WebSocket {
  const options = { autoPong: true, closeTimeout: 5000, maxPayload: MAX_PAYLOAD, allowSynchronousEvents: true }
  const socket: ws.WebSocket = Reflect.construct(ws.WebSocket, [null, undefined, options])
  Reflect.set(socket, '_isServer', role === 'server')
  if (deflate !== undefined) Reflect.set(socket, '_extensions', { [DEFLATE]: deflate })
  const setSocket: (...args: unknown[]) => void = Reflect.get(socket, 'setSocket')
  setSocket.call(socket, stream, Buffer.alloc(0), options)
  return socket
}

export interface Http2Session {
  readonly session: ClientHttp2Session
  /** Opens a WebSocket; rejects with the status when it is refused. */
  open(path: string, options?: Http2OpenOptions): Promise<Http2WebSocket>
  /** An extended CONNECT of any type, accepted or not. */
  tunnel(path: string, type: string, headers?: Readonly<Record<string, string>>): Promise<Http2Tunnel>
  close(): Promise<void>
}

export interface Http2OpenOptions {
  readonly deflate?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

export interface Http2Tunnel {
  readonly stream: ClientHttp2Stream
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

export interface Http2WebSocket extends Http2Tunnel {
  readonly socket: ws.WebSocket
}

/** Connects by prior knowledge (`http:`) or ALPN (`https:`) and waits for the peer's SETTINGS. */
export async function http2Session(
  url: string,
  tls: { readonly ca?: string; readonly servername?: string } = {},
): Promise<Http2Session> {
  const session = connect(url, { ...tls, settings: { initialWindowSize: 1024 * 1024 } })
  await within(
    new Promise<void>((resolve, reject) => {
      session.once('remoteSettings', () => resolve())
      session.once('error', reject)
    }),
    `SETTINGS of ${url}`,
  )
  session.on('error', () => undefined)
  return {
    session,
    open: (path, options = {}) => openWebSocket(session, path, options),
    tunnel: (path, type, headers = {}) => openTunnel(session, path, type, headers),
    close: () =>
      new Promise((resolve) => {
        if (session.closed) resolve()
        else session.close(() => resolve())
        session.destroy()
      }),
  }
}

async function openWebSocket(
  session: ClientHttp2Session,
  path: string,
  { deflate = false, headers = {} }: Http2OpenOptions,
): Promise<Http2WebSocket> {
  const offered = deflate
    ? new PerMessageDeflate({ isServer: false, maxPayload: MAX_PAYLOAD, threshold: 0 })
    : undefined
  const offer: Record<string, string> =
    offered === undefined ? {} : { 'sec-websocket-extensions': extension.format({ [DEFLATE]: offered.offer() }) }
  const tunnel = await openTunnel(session, path, 'websocket', { 'sec-websocket-version': '13', ...offer, ...headers })
  if (tunnel.status !== 200) {
    tunnel.stream.destroy()
    throw new Error(`refused with ${tunnel.status}`)
  }
  const agreed = offered !== undefined && acceptAnswer(offered, tunnel.headers['sec-websocket-extensions'])
  return { ...tunnel, socket: webSocketOver(tunnel.stream, 'client', agreed ? offered : undefined) }
}

function acceptAnswer(offered: Deflate, answer: string | undefined): boolean {
  const params = answer === undefined ? undefined : extension.parse(answer)[DEFLATE]
  if (params === undefined) return false
  offered.accept(params)
  return true
}

async function openTunnel(
  session: ClientHttp2Session,
  path: string,
  type: string,
  headers: Readonly<Record<string, string>>,
): Promise<Http2Tunnel> {
  const stream = session.request({
    ':method': 'CONNECT',
    ':protocol': type,
    ':path': path,
    ':scheme': session.encrypted === true ? 'https' : 'http',
    ...headers,
  })
  // A reset after the answer belongs to the test; without a listener it would end the process.
  stream.on('error', () => undefined)
  const answer = await within(
    new Promise<IncomingHttpHeaders & { ':status'?: number }>((resolve, reject) => {
      stream.once('response', resolve)
      stream.once('error', reject)
      stream.once('close', () =>
        reject(new Error(`the stream was closed with code ${stream.rstCode} before an answer`)),
      )
    }),
    `the answer to an extended CONNECT for ${path}`,
  )
  return { stream, status: answer[':status'] ?? 0, headers: answer }
}

/** Accepts a WebSocket on a server stream. `deflate` takes permessage-deflate when it is offered. */
export function acceptHttp2WebSocket(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  deflate: boolean,
): ws.WebSocket {
  const offers = headers['sec-websocket-extensions']
  const params = deflate && offers !== undefined ? extension.parse(offers)[DEFLATE] : undefined
  if (params === undefined) {
    stream.respond({ ':status': 200 })
    return webSocketOver(stream, 'server', undefined)
  }
  const agreed = new PerMessageDeflate({ isServer: true, maxPayload: MAX_PAYLOAD, threshold: 0 })
  const accepted = agreed.accept(params)
  stream.respond({ ':status': 200, 'sec-websocket-extensions': extension.format({ [DEFLATE]: [accepted] }) })
  return webSocketOver(stream, 'server', agreed)
}
