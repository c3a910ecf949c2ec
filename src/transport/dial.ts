// Opens TCP and Unix-socket connections to literal addresses; names were resolved before.

import { Socket } from 'node:net'
import { type CloseCause, closeCause } from '../core/close-cause.ts'
import type { Clock, Timer } from '../core/clock.ts'
import { pipeAddress, tcpAddress } from './address.ts'
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
  const remote = tcpAddress(options.host, options.port)
  const attempt = new Attempt(options, sink, undefined, remote)
  if (libuv !== undefined)
    attempt.useHandle(libuv, new libuv.TCPConnectWrap(), (parts, request) => startTcp(parts, request, options))
  else attempt.useSocket(options, tcpTarget(options))
  return attempt
}

/** Dials a Unix socket. */
export function dialPipe(options: DialPipeOptions, sink: DialSink): Dial {
  const attempt = new Attempt(options, sink, pipeAddress(''), pipeAddress(options.path))
  const path = systemPath(options.path)
  if (libuv !== undefined)
    attempt.useHandle(libuv, new libuv.PipeConnectWrap(), (parts, request) => startPipe(parts, request, path))
  else attempt.useSocket({}, { path })
  return attempt
}

/** The path as the system wants it: an abstract name begins with NUL instead of `@`. */
export const systemPath = (path: string): string => (path.startsWith('@') ? `\0${path.slice(1)}` : path)

interface Started {
  readonly handle: LibuvHandle
  readonly errno: number
}

function startTcp(parts: LibuvParts, request: LibuvRequest, options: DialTcpOptions): Started {
  const handle = new parts.TCP(parts.socketType)
  const bound = bind(handle, options)
  if (bound !== 0) return { handle, errno: bound }
  const { host, port } = options
  const errno = isIPv6(host) ? handle.connect6?.(request, host, port) : handle.connect?.(request, host, port)
  if (options.noDelay !== false) handle.setNoDelay?.(true)
  if (options.keepAliveSeconds !== undefined) handle.setKeepAlive?.(true, options.keepAliveSeconds)
  return { handle, errno: errno ?? 0 }
}

/** Of a literal address. */
const isIPv6 = (host: string): boolean => host.includes(':')

function bind(handle: LibuvHandle, options: DialTcpOptions): number {
  const { localAddress, localPort = 0 } = options
  if (localAddress === undefined) return 0
  if (isIPv6(localAddress)) return handle.bind6?.(localAddress, localPort, 0) ?? 0
  return handle.bind?.(localAddress, localPort) ?? 0
}

function startPipe(parts: LibuvParts, request: LibuvRequest, path: string): Started {
  const handle = new parts.Pipe(parts.socketType)
  return { handle, errno: handle.connect?.(request, path) ?? 0 }
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
  #abandon: (() => void) | undefined
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
    this.#abandon?.()
  }

  useHandle(
    parts: LibuvParts,
    request: LibuvRequest,
    start: (parts: LibuvParts, request: LibuvRequest) => Started,
  ): void {
    const { handle, errno } = start(parts, request)
    this.#abandon = () => handle.close()
    request.oncomplete = (status) => {
      if (status < 0) this.#failed(status)
      else this.#connected(new LibuvWire(parts, handle, this.#local, this.#remote))
    }
    if (errno !== 0) process.nextTick(() => this.#failed(errno))
  }

  useSocket(options: SocketOptions, target: { host: string; port: number } | { path: string }): void {
    const socket = new Socket({ allowHalfOpen: true, ...netOptions(options) })
    this.#abandon = () => socket.destroy()
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
    this.#abandon?.()
    this.#sink.onConnectError(dialFailure(errno, this.#remote.text))
  }

  #timedOut(): void {
    if (this.#over) return
    this.#end()
    this.#abandon?.()
    const detail = `${this.#remote.text}: no connection within ${this.#timeoutMs} ms`
    this.#sink.onConnectError(closeCause('upstream', 'tcp', 'upstream_connection_timeout', detail))
  }

  #end(): void {
    this.#over = true
    this.#timer?.cancel()
  }
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
