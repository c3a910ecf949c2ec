// Accepts TCP and Unix-socket connections and hands each out as a byte stream that nobody has read from yet.

import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { type ListenOptions, type Server, type Socket, connect, createServer } from 'node:net'
import { pipeAddress, tcpAddress } from './address.ts'
import type { StreamAddress } from './byte-stream.ts'
import { netOptions, systemPath } from './dial.ts'
import { containFault } from './fault.ts'
import { type LibuvHandle, libuv } from './libuv-handle.ts'
import { LibuvWire } from './libuv-wire.ts'
import { NetWire } from './net-wire.ts'
import type { ReplayableStream } from './replay.ts'
import { errnoText } from './socket-cause.ts'
import { SocketStream } from './socket-stream.ts'
import type { SocketWire } from './socket-wire.ts'
import type { SocketOptions } from './tcp.ts'

export interface ListenTcpOptions extends SocketOptions {
  /** A literal address; `0.0.0.0` and `::` are every one. */
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Connections the system holds until they are accepted; the runtime's default when absent. */
  readonly backlog?: number
  /** Several processes may share the port; the system spreads connections over them. */
  readonly reusePort?: boolean
  /** An IPv6 socket takes no IPv4 connections. True unless set. */
  readonly ipv6Only?: boolean
}

export interface ListenPipeOptions {
  /** Path, or `@name` for an abstract socket. A socket file that nobody listens on is replaced. */
  readonly path: string
  /** Permission bits of the socket file; those of the process when absent or 0. */
  readonly mode?: number
  readonly backlog?: number
}

/** A listening socket. */
export interface StreamListener {
  /** With the real port. */
  readonly address: StreamAddress
  /** Accepts no more; streams that were accepted live on. Calls `done` when the socket is free. */
  close(done?: () => void): void
}

/** Receives accepted streams. Methods are called on the sink, never detached. */
export interface AcceptSink {
  /** A client connected. Nothing is read before the callee sets the stream's sink. */
  onAccept(stream: ReplayableStream): void
  /** The system could not accept (too many open files); listening goes on. */
  onAcceptError(error: Error): void
}

/** Listens on a TCP port. Rejects with the system's error (`EADDRINUSE`, …). */
export async function listenTcp(options: ListenTcpOptions, sink: AcceptSink): Promise<StreamListener> {
  const { host, port, backlog, reusePort = false, ipv6Only = true } = options
  const acceptor = new Acceptor(options, undefined, sink)
  const listening = { host, port, reusePort, ipv6Only, exclusive: true, ...(backlog === undefined ? {} : { backlog }) }
  await acceptor.listen(listening)
  return acceptor
}

/** Listens on a Unix socket. Rejects with the system's error. */
export async function listenPipe(options: ListenPipeOptions, sink: AcceptSink): Promise<StreamListener> {
  const { path, mode = 0, backlog } = options
  if (!path.startsWith('@')) await removeStale(path)
  const acceptor = new Acceptor({}, pipeAddress(path), sink)
  await acceptor.listen({ path: systemPath(path), exclusive: true, ...(backlog === undefined ? {} : { backlog }) })
  if (mode !== 0 && !path.startsWith('@')) chmodSync(path, mode)
  return acceptor
}

/** Removes a socket file whose owner is gone; leaves a file of any other kind, and one that is answered, to `listen`'s error. */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined || !found.isSocket()) return
  const answered = await new Promise<boolean>((resolve) => {
    const probe = connect({ path })
    probe.once('connect', () => resolve(true))
    probe.once('error', (error) => resolve(!('code' in error) || error.code !== 'ECONNREFUSED'))
    probe.once('close', () => probe.removeAllListeners())
    probe.once('connect', () => probe.destroy())
  })
  if (!answered) unlinkSync(path)
}

class Acceptor implements StreamListener {
  address: StreamAddress
  readonly #server: Server
  readonly #options: SocketOptions
  /** Address of every accepted stream of a pipe. */
  readonly #pipe: StreamAddress | undefined
  readonly #sink: AcceptSink
  /** Local address of every accepted stream, where it is one and the same. */
  #local: StreamAddress | undefined

  constructor(options: SocketOptions, pipe: StreamAddress | undefined, sink: AcceptSink) {
    this.#options = options
    this.#pipe = pipe
    this.#sink = sink
    this.address = pipe ?? tcpAddress('', 0)
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, ...netOptions(options) })
  }

  async listen(options: ListenOptions): Promise<void> {
    const server = this.#server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options, () => {
        server.off('error', reject)
        resolve()
      })
      server.once('listening', () => this.#takeConnections())
    })
    server.on('error', (error) => this.#sink.onAcceptError(error))
    const bound = server.address()
    if (bound !== null && typeof bound === 'object') this.address = tcpAddress(bound.address, bound.port)
    this.#local = this.address.ip === '0.0.0.0' || this.address.ip === '::' ? undefined : this.address
  }

  close(done?: () => void): void {
    // The server would wait for the streams it accepted; the port is free as soon as its handle is closed.
    this.#server.close()
    if (done !== undefined) setImmediate(done)
  }

  /** Takes bare handles from the server's own handle, or whole sockets where it has none. */
  #takeConnections(): void {
    const handle: unknown = Reflect.get(this.#server, '_handle')
    const parts = libuv
    if (parts === undefined || !hasConnectionCallback(handle)) {
      this.#server.on('connection', (socket) => this.#acceptSocket(socket))
      return
    }
    handle.onconnection = (errno, client) => {
      if (errno !== 0 || client === undefined) {
        this.#sink.onAcceptError(new Error(`accept failed: ${errnoText(errno)}`))
        return
      }
      if (this.#options.noDelay !== false) client.setNoDelay?.(true)
      if (this.#options.keepAliveSeconds !== undefined) client.setKeepAlive?.(true, this.#options.keepAliveSeconds)
      this.#accepted(new LibuvWire(parts, client, this.#local, this.#pipe && pipeAddress('')))
    }
  }

  #acceptSocket(socket: Socket): void {
    this.#accepted(new NetWire(socket, this.#local, this.#pipe && pipeAddress('')))
  }

  #accepted(wire: SocketWire): void {
    const stream = new SocketStream(wire, 'client')
    try {
      this.#sink.onAccept(stream)
    } catch (error) {
      stream.reset(containFault(error))
    }
  }
}

interface ServerHandle {
  onconnection: (errno: number, client: LibuvHandle | undefined) => void
}

/** Whether `handle` is a server handle as this file knows it. */
function hasConnectionCallback(handle: unknown): handle is ServerHandle {
  return typeof Object(handle).onconnection === 'function'
}
