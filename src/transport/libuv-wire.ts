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
  readonly #dialled: boolean
  #local: StreamAddress | undefined
  #remote: StreamAddress | undefined
  #prepared = false
  /** A write that ended at once leaves its request untouched, so it serves the next one. */
  #request: LibuvRequest | undefined
  #writing = false
  #finUnderWay = false
  #resetAfterFin = false

  constructor(parts: LibuvParts, handle: LibuvHandle, local?: StreamAddress, remote?: StreamAddress) {
    this.#parts = parts
    this.#handle = handle
    this.#local = local
    this.#remote = remote
    this.#dialled = remote !== undefined
    handle.sluiceWire = this
  }

  get local(): StreamAddress {
    return (this.#local ??= ask(this.#handle, 'getsockname'))
  }

  get remote(): StreamAddress {
    return (this.#remote ??= ask(this.#handle, 'getpeername'))
  }

  get descriptor(): number {
    return this.#handle.fd ?? -1
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
    this.#writing = true
    // Under TLS the records may all have left while the write still waits for its turn to be called done.
    return Math.max(1, this.#handle.writeQueueSize)
  }

  pendingBytes(): number {
    return this.#handle.writeQueueSize
  }

  shutdown(): void {
    const request = new this.#parts.ShutdownWrap()
    request.sluiceOwner = this
    request.oncomplete = onShutDown
    this.#finUnderWay = this.#handle.shutdown(request) === 0
  }

  close(): void {
    this.#keepAddresses()
    // Nothing is under way that must end first, so the runtime need not call back.
    if (this.#writing || this.#finUnderWay) this.#handle.close(onClosed)
    else {
      this.#handle.close()
      tellSoon(this)
    }
  }

  /**
   * A pipe has no reset. libuv refuses one while a FIN is on its way, and the runtime would then never close the handle,
   * nor end the process.
   */
  reset(): void {
    this.#keepAddresses()
    if (this.#handle.reset === undefined) this.#handle.close(onClosed)
    else if (this.#finUnderWay) this.#resetAfterFin = true
    else this.#handle.reset(onClosed)
  }

  unref(): void {
    this.#handle.unref()
  }

  detach(): Socket {
    this.#local = this.local
    this.#remote = this.remote
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

  /** Called by the shared function of finished writes. */
  written(status: number): void {
    this.#writing = false
    this.owner?.onWritten(status)
  }

  /** Called when the FIN left or could not. */
  shutDown(): void {
    this.#finUnderWay = false
    if (this.#resetAfterFin) this.#handle.reset?.(onClosed)
  }

  /**
   * Logs are written when the socket is gone. Whoever logs a dialled socket's own end has asked for it before: to ask for
   * all of them would be one more system call for each connection.
   */
  #keepAddresses(): void {
    this.#remote = this.remote
    if (!this.#dialled) this.#local = this.local
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
  if (this.sluiceOwner instanceof LibuvWire) this.sluiceOwner.written(status)
}

function onShutDown(this: LibuvRequest): void {
  // A FIN that cannot be sent shows as a read error.
  if (this.sluiceOwner instanceof LibuvWire) this.sluiceOwner.shutDown()
}

function onClosed(this: LibuvHandle): void {
  if (this.sluiceWire instanceof LibuvWire) this.sluiceWire.owner?.onWireClosed()
}

/** Wires that are closed and must still tell so, in a later turn. */
let closed: LibuvWire[] = []

function tellSoon(wire: LibuvWire): void {
  if (closed.push(wire) === 1) process.nextTick(tellClosed)
}

function tellClosed(): void {
  const wires = closed
  closed = []
  for (const wire of wires) wire.owner?.onWireClosed()
}

function ask(handle: LibuvHandle, question: 'getsockname' | 'getpeername'): StreamAddress {
  const out: { address?: string; port?: number } = {}
  if (handle[question]?.(out) !== 0) return NO_ADDRESS
  return tcpAddress(out.address ?? '', out.port ?? 0)
}
