// A socket wire on `net.Socket`, for runtimes whose handles cannot be used directly.

import type { Socket } from 'node:net'
import { constants } from 'node:os'
import { TLSSocket } from 'node:tls'
import { NO_ADDRESS, tcpAddress } from './address.ts'
import type { StreamAddress } from './byte-stream.ts'
import type { SocketWire, WireOwner } from './socket-wire.ts'

/** `addresses` as for a libuv wire. The socket must have been made with `allowHalfOpen`. */
export class NetWire implements SocketWire {
  owner: WireOwner | undefined
  readonly swapsBuffers = false
  readonly #socket: Socket
  #local: StreamAddress | undefined
  #remote: StreamAddress | undefined
  #started = false
  #turn = 0
  /** The write that has not finished; 0 = none. */
  #pending = 0

  constructor(socket: Socket, local?: StreamAddress, remote?: StreamAddress) {
    this.#socket = socket
    this.#local = local
    this.#remote = remote
    wires.set(socket, this)
    socket.on('error', onError)
    socket.on('close', onClose)
  }

  get local(): StreamAddress {
    return (this.#local ??= known(this.#socket.localAddress, this.#socket.localPort))
  }

  get remote(): StreamAddress {
    return (this.#remote ??= known(this.#socket.remoteAddress, this.#socket.remotePort))
  }

  get descriptor(): number {
    const { fd } = Object(Reflect.get(this.#socket, '_handle'))
    return typeof fd === 'number' ? fd : -1
  }

  start(): void {
    if (!this.#started) {
      this.#started = true
      this.#socket.on('data', onData)
      this.#socket.on('end', onEnd)
    }
    this.#socket.resume()
  }

  stop(): void {
    this.#socket.pause()
  }

  write(buffer: Uint8Array): number {
    const turn = ++this.#turn
    // The stream counts a write as done as soon as the system took it, though it calls back later: perhaps during the next.
    this.#socket.write(buffer, (error) => turn === this.#pending && this.#written(error))
    const left = this.#socket.writableLength
    this.#pending = left > 0 ? turn : 0
    return left
  }

  pendingBytes(): number {
    return this.#socket.writableLength
  }

  shutdown(): void {
    this.#socket.end()
  }

  close(): void {
    this.#keepAddresses()
    this.#socket.destroy()
  }

  reset(): void {
    this.#keepAddresses()
    // Only TCP has a reset, and the runtime throws for the rest.
    const socket = this.#socket
    if (socket.remotePort === undefined || socket instanceof TLSSocket) socket.destroy()
    // While a FIN is on its way libuv refuses a reset, and the socket would stay half destroyed for ever.
    else if (socket.writableEnded && !socket.writableFinished) socket.once('finish', () => socket.resetAndDestroy())
    else socket.resetAndDestroy()
  }

  unref(): void {
    this.#socket.unref()
  }

  detach(): Socket {
    const socket = this.#socket
    socket.pause()
    wires.delete(socket)
    socket.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
    return socket
  }

  /** Logs are written when the socket is gone. */
  #keepAddresses(): void {
    this.#local = this.local
    this.#remote = this.remote
  }

  #written(error: Error | null | undefined): void {
    this.#pending = 0
    this.owner?.onWritten(error === null || error === undefined ? 0 : errnoOf(error))
  }
}

const wires = new WeakMap<Socket, NetWire>()

function onData(this: Socket, chunk: Buffer): void {
  wires.get(this)?.owner?.onRead(chunk, chunk.length)
}

function onEnd(this: Socket): void {
  wires.get(this)?.owner?.onReadEnd(0)
}

function onError(this: Socket, error: Error): void {
  wires.get(this)?.owner?.onReadEnd(errnoOf(error))
}

function onClose(this: Socket): void {
  wires.get(this)?.owner?.onWireClosed()
}

/** The negative errno of a socket error. */
export function errnoOf(error: Error): number {
  if ('errno' in error && typeof error.errno === 'number') return error.errno
  return -constants.errno.ECONNRESET
}

function known(ip: string | undefined, port: number | undefined): StreamAddress {
  return ip === undefined || port === undefined ? NO_ADDRESS : tcpAddress(ip, port)
}
