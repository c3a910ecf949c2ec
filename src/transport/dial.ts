// Opens TCP and Unix-socket connections to literal addresses; names were resolved before.

import { Socket } from 'node:net'
import { type CloseCause, closeCause } from '../core/close-cause.ts'
import type { Clock, Timer } from '../core/clock.ts'
import { NO_ADDRESS, pipeAddress, tcpAddress } from './address.ts'
import type { StreamAddress } from './byte-stream.ts'
import { type LibuvHandle, type LibuvParts, type LibuvRequest, libuv } from './libuv-handle.ts'
import { LibuvWire } from './libuv-wire.ts'
import { NetWire, errnoOf } from './net-wire.ts'
import type { ReplayableStream } from './replay.ts'
import { dialFailure } from './socket-cause.ts'
import { SocketStream } from './socket-stream.ts'
import type { SocketWire } from './socket-wire.ts'
import type { SocketOptions } from './tcp.ts'

/** How long a dial may take; `clock` measures it. */
export interface DialLimits {
  readonly clock: Clock
  /** Milliseconds until the attempt fails; 0 waits as long as the system does. */
  readonly connectTimeoutMs: number
}

export interface DialTcpOptions extends DialLimits, SocketOptions {
  /** A literal IPv4 or IPv6 address. */
  readonly host: string
  readonly port: number
  /** Address, and port unless 0, the connection comes from. */
  readonly localAddress?: string
  readonly localPort?: number
}

export interface DialPipeOptions extends DialLimits {
  /** Path, or `@name` for an abstract socket. */
  readonly path: string
}

/** Receives the outcome of a dial, exactly one, in a later turn; none after `cancel`. Methods are called on the sink. */
export interface DialSink {
  onConnect(stream: ReplayableStream): void
  onConnectError(cause: CloseCause): void
}

/** A dial under way. */
export interface Dial {
  /** Gives up; no callback follows. Does nothing after the outcome. */
  cancel(): void
}

/** Dials a TCP connection. */
export function dialTcp(options: DialTcpOptions, sink: DialSink): Dial {
  const attempt = new Attempt(options, sink, undefined, remoteAddress(options))
  if (libuv === undefined) attempt.useSocket(options, tcpTarget(options))
  else {
    const handle = new libuv.TCP(libuv.socketType)
    const request = new libuv.TCPConnectWrap()
    attempt.useHandle(libuv, handle, request, startTcp(handle, request, options))
  }
  return attempt
}

let lastRemote = NO_ADDRESS

/** Most dials go where the last one went: their streams share the address. */
function remoteAddress({ host, port }: DialTcpOptions): StreamAddress {
  if (lastRemote.ip !== host || lastRemote.port !== port) lastRemote = tcpAddress(host, port)
  return lastRemote
}

/** Dials a Unix socket. */
export function dialPipe(options: DialPipeOptions, sink: DialSink): Dial {
  const attempt = new Attempt(options, sink, pipeAddress(''), pipeAddress(options.path))
  const path = systemPath(options.path)
  if (libuv === undefined) attempt.useSocket({}, { path })
  else {
    const handle = new libuv.Pipe(libuv.socketType)
    const request = new libuv.PipeConnectWrap()
    attempt.useHandle(libuv, handle, request, handle.connect?.(request, path) ?? 0)
  }
  return attempt
}

/** The path as the system wants it: an abstract name begins with NUL instead of `@`. */
export const systemPath = (path: string): string => (path.startsWith('@') ? `\0${path.slice(1)}` : path)

/** Answers 0 or a negative errno. */
function startTcp(handle: LibuvHandle, request: LibuvRequest, options: DialTcpOptions): number {
  const bound = bind(handle, options)
  if (bound !== 0) return bound
  const { host, port } = options
  const errno = isIPv6(host) ? handle.connect6?.(request, host, port) : handle.connect?.(request, host, port)
  if (options.noDelay !== false) handle.setNoDelay?.(true)
  if (options.keepAliveSeconds !== undefined) handle.setKeepAlive?.(true, options.keepAliveSeconds)
  return errno ?? 0
}

/** Of a literal address. */
const isIPv6 = (host: string): boolean => host.includes(':')

function bind(handle: LibuvHandle, options: DialTcpOptions): number {
  const { localAddress, localPort = 0 } = options
  if (localAddress === undefined) return 0
  if (isIPv6(localAddress)) return handle.bind6?.(localAddress, localPort, 0) ?? 0
  return handle.bind?.(localAddress, localPort) ?? 0
}

function tcpTarget(options: DialTcpOptions): { host: string; port: number; localAddress?: string; localPort?: number } {
  const { host, port, localAddress, localPort } = options
  return {
    host,
    port,
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(localPort === undefined ? {} : { localPort }),
  }
}

class Attempt implements Dial {
  readonly #sink: DialSink
  readonly #local: StreamAddress | undefined
  readonly #remote: StreamAddress
  readonly #timer: Timer | undefined
  readonly #timeoutMs: number
  #parts: LibuvParts | undefined
  #handle: LibuvHandle | undefined
  #socket: Socket | undefined
  #over = false

  constructor(limits: DialLimits, sink: DialSink, local: StreamAddress | undefined, remote: StreamAddress) {
    this.#sink = sink
    this.#local = local
    this.#remote = remote
    this.#timeoutMs = limits.connectTimeoutMs
    if (limits.connectTimeoutMs > 0) this.#timer = limits.clock.after(limits.connectTimeoutMs, () => this.#timedOut())
  }

  cancel(): void {
    if (this.#over) return
    this.#end()
    this.#abandon()
  }

  /** `errno` is that of a connect that failed at once, or 0. */
  useHandle(parts: LibuvParts, handle: LibuvHandle, request: LibuvRequest, errno: number): void {
    this.#parts = parts
    this.#handle = handle
    request.sluiceOwner = this
    request.oncomplete = onConnectDone
    if (errno !== 0) process.nextTick(() => this.#failed(errno))
  }

  /** Called by the shared function of finished connects. */
  connectDone(status: number): void {
    if (status < 0) this.#failed(status)
    else if (this.#parts !== undefined && this.#handle !== undefined) {
      this.#connected(new LibuvWire(this.#parts, this.#handle, this.#local, this.#remote))
    }
  }

  useSocket(options: SocketOptions, target: { host: string; port: number } | { path: string }): void {
    const socket = new Socket({ allowHalfOpen: true, ...netOptions(options) })
    this.#socket = socket
    const onError = (error: Error): void => this.#failed(errnoOf(error))
    socket.on('error', onError)
    socket.connect(target, () => {
      this.#connected(new NetWire(socket, this.#local, this.#remote))
      socket.off('error', onError)
    })
  }

  #connected(wire: SocketWire): void {
    if (this.#over) return
    this.#end()
    this.#sink.onConnect(new SocketStream(wire, 'upstream'))
  }

  #failed(errno: number): void {
    if (this.#over) return
    this.#end()
    this.#abandon()
    this.#sink.onConnectError(dialFailure(errno, this.#remote.text))
  }

  #timedOut(): void {
    if (this.#over) return
    this.#end()
    this.#abandon()
    const detail = `${this.#remote.text}: no connection within ${this.#timeoutMs} ms`
    this.#sink.onConnectError(closeCause('upstream', 'tcp', 'upstream_connection_timeout', detail))
  }

  #abandon(): void {
    this.#handle?.close()
    this.#socket?.destroy()
  }

  #end(): void {
    this.#over = true
    this.#timer?.cancel()
  }
}

function onConnectDone(this: LibuvRequest, status: number): void {
  if (this.sluiceOwner instanceof Attempt) this.sluiceOwner.connectDone(status)
}

/** Socket options in `net`'s spelling. */
export function netOptions(options: SocketOptions): {
  noDelay: boolean
  keepAlive: boolean
  keepAliveInitialDelay: number
} {
  const seconds = options.keepAliveSeconds
  return {
    noDelay: options.noDelay !== false,
    keepAlive: seconds !== undefined,
    keepAliveInitialDelay: (seconds ?? 0) * 1000,
  }
}
