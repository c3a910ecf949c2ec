// A socket wire on a TLS session: `node:tls` shakes hands, then bytes go through its handle as they do for plain TCP.

import { constants } from 'node:os'
import type { TLSSocket } from 'node:tls'
import type { StreamInfo } from './byte-stream.ts'
import { type LibuvHandle, libuv } from './libuv-handle.ts'
import { LibuvWire } from './libuv-wire.ts'
import { NetWire } from './net-wire.ts'
import type { SocketWire } from './socket-wire.ts'

/** A wire on `socket`, whose handshake is just over; `under` has the addresses, `raw` is the connection below, for resets. */
export function tlsWire(socket: TLSSocket, under: StreamInfo, raw: unknown): SocketWire {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (libuv === undefined || !isStreamHandle(handle)) return new TlsNetWire(socket, under, raw)
  return new TlsWire(socket, handle, under, raw)
}

/** The same on `net`: what is below is reset here too, as ending the session would look like an end in order. */
class TlsNetWire extends NetWire {
  readonly #socket: TLSSocket
  readonly #raw: unknown
  #closed = false

  constructor(socket: TLSSocket, under: StreamInfo, raw: unknown) {
    super(socket, under.local, under.remote)
    this.#socket = socket
    this.#raw = raw
    socket.on('close', () => (this.#closed = true))
  }

  override reset(): void {
    setImmediate(() => {
      const raw = this.#raw
      // The session does not tell of its end when what carries it went first.
      if (!this.#closed && isResettable(raw)) raw.reset(() => this.#gone())
      this.#socket.destroy()
    })
  }

  #gone(): void {
    if (!this.#closed) this.owner?.onWireClosed()
    this.#closed = true
  }
}

class TlsWire extends LibuvWire {
  readonly #socket: TLSSocket
  readonly #raw: unknown
  #closed = false

  constructor(socket: TLSSocket, handle: LibuvHandle, under: StreamInfo, raw: unknown) {
    if (libuv === undefined) throw new TypeError('no handles')
    super(libuv, handle, under.local, under.remote)
    this.#socket = socket
    this.#raw = raw
    this.take()
    socket.on('error', (error) => this.owner?.onReadEnd(errnoWithin(error) ?? -constants.errno.EPROTO))
    socket.on('close', () => this.#gone())
  }

  override close(): void {
    this.#socket.destroy()
  }

  /** RST is the TCP connection's; the session above it is then torn down without a word. */
  override reset(): void {
    // Not within a callback of the session, which would go on using the connection.
    setImmediate(() => {
      const raw = this.#raw
      if (!this.#closed && isResettable(raw)) raw.reset(() => this.#gone())
      this.#socket.destroy()
    })
  }

  #gone(): void {
    if (this.#closed) return
    this.#closed = true
    this.owner?.onWireClosed()
  }
}

/** Of an error of the connection below; those of TLS have none. */
function errnoWithin(error: Error): number | undefined {
  return 'errno' in error && typeof error.errno === 'number' ? error.errno : undefined
}

function isStreamHandle(handle: unknown): handle is LibuvHandle {
  const { useUserBuffer, readStart, writeBuffer, shutdown } = Object(handle)
  return [useUserBuffer, readStart, writeBuffer, shutdown].every((method) => typeof method === 'function')
}

function isResettable(handle: unknown): handle is { reset(done: () => void): number } {
  return typeof Object(handle).reset === 'function'
}
