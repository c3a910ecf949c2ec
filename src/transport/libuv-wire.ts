// A socket wire on the runtime's own handle: no stream object, no event, no allocation per read or completed write.

import { Socket } from 'node:net'
import { NO_ADDRESS, tcpAddress } from './address.ts'
import type { StreamAddress } from './byte-stream.ts'
import { END_OF_FILE, type LibuvHandle, type LibuvParts, type LibuvRequest } from './libuv-handle.ts'
import { sharedReadBuffer } from './read-buffer.ts'
import type { SocketWire, WireOwner } from './socket-wire.ts'

/** `addresses` are given for pipes and for the remote end of a dialled socket; the rest is asked of the system. */
export class LibuvWire implements SocketWire {
  owner: WireOwner | undefined
  readonly swapsBuffers = true
  readonly #handle: LibuvHandle
  readonly #parts: LibuvParts
  #buffer: Buffer = sharedReadBuffer
  #local: StreamAddress | undefined
  #remote: StreamAddress | undefined
  #prepared = false
  /** A write that ended at once leaves its request untouched, so it serves the next one. */
  #request: LibuvRequest | undefined

  constructor(parts: LibuvParts, handle: LibuvHandle, local?: StreamAddress, remote?: StreamAddress) {
    this.#parts = parts
    this.#handle = handle
    this.#local = local
    this.#remote = remote
    handle.sluiceWire = this
  }

  get local(): StreamAddress {
    return (this.#local ??= ask(this.#handle, 'getsockname'))
  }

  get remote(): StreamAddress {
    return (this.#remote ??= ask(this.#handle, 'getpeername'))
  }

  start(): void {
    this.take()
    this.#handle.readStart()
  }

  /** Directs what the handle reads here. */
  take(): void {
    if (this.#prepared) return
    this.#prepared = true
    this.#handle.onread = onRead
    this.#handle.useUserBuffer(this.#buffer)
  }

  stop(): void {
    this.#handle.readStop()
  }

  write(buffer: Uint8Array): number {
    const parts = this.#parts
    const request = (this.#request ??= this.#newRequest())
    const failed = this.#handle.writeBuffer(request, buffer)
    if (failed !== 0) return failed
    if (parts.state[parts.wasAsyncIndex] === 0) return 0
    this.#request = undefined
    // Under TLS the records may all have left while the write still waits for its turn to be called done.
    return Math.max(1, this.#handle.writeQueueSize)
  }

  pendingBytes(): number {
    return this.#handle.writeQueueSize
  }

  shutdown(): void {
    const request = new this.#parts.ShutdownWrap()
    request.oncomplete = ignore
    this.#handle.shutdown(request)
  }

  close(): void {
    this.#keepAddresses()
    this.#handle.close(() => this.owner?.onWireClosed())
  }

  reset(): void {
    this.#keepAddresses()
    const closed = (): void => this.owner?.onWireClosed()
    // A pipe has no reset, and libuv refuses one while a FIN is on its way.
    if (this.#handle.reset === undefined || this.#handle.reset(closed) !== 0) this.#handle.close(closed)
  }

  unref(): void {
    this.#handle.unref()
  }

  detach(): Socket {
    this.#handle.readStop()
    this.#handle.sluiceWire = undefined
    const socket: unknown = Reflect.construct(Socket, [{ handle: this.#handle, allowHalfOpen: true }])
    if (!(socket instanceof Socket)) throw new TypeError('net.Socket is not what it was')
    return socket
  }

  /** Called by the shared read function. */
  received(): Buffer | undefined {
    const parts = this.#parts
    const count = parts.state[parts.readResultIndex] ?? 0
    const owner = this.owner
    if (owner === undefined || count === 0) return undefined
    if (count < 0) {
      owner.onReadEnd(count === END_OF_FILE ? 0 : count)
      return undefined
    }
    const next = owner.onRead(this.#buffer, count)
    if (next !== undefined) this.#buffer = next
    return next
  }

  /** Logs are written when the socket is gone. */
  #keepAddresses(): void {
    this.#local = this.local
    this.#remote = this.remote
  }

  #newRequest(): LibuvRequest {
    const request = new this.#parts.WriteWrap()
    request.sluiceOwner = this
    request.oncomplete = onWritten
    return request
  }
}

function onRead(this: LibuvHandle): Buffer | undefined {
  return this.sluiceWire instanceof LibuvWire ? this.sluiceWire.received() : undefined
}

function onWritten(this: LibuvRequest, status: number): void {
  if (this.sluiceOwner instanceof LibuvWire) this.sluiceOwner.owner?.onWritten(status)
}

function ignore(): void {
  // A FIN that cannot be sent shows as a read error.
}

function ask(handle: LibuvHandle, question: 'getsockname' | 'getpeername'): StreamAddress {
  const out: { address?: string; port?: number } = {}
  if (handle[question]?.(out) !== 0) return NO_ADDRESS
  return tcpAddress(out.address ?? '', out.port ?? 0)
}
