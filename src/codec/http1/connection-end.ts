// How a server connection ends (RFC 9112 §9.6): the last response is sent, the write side ends, and what the client still
// sends is read and thrown away for a while, since closing with unread bytes would reset the connection under the response.

import { type CloseCause, closeCause } from '../../core/close-cause.ts'
import type { ByteStream } from '../../transport/byte-stream.ts'
import type { HeldBytes } from '../held-bytes.ts'
import type { Http1ServerOptions } from './options.ts'
import type { ReadGate } from './read-gate.ts'

export const FINISHED: CloseCause = closeCause('proxy', 'http1', 'finished')

export class ConnectionEnd {
  /** The first cause; undefined while the connection goes on. */
  cause: CloseCause | undefined
  readonly #stream: ByteStream
  readonly #gate: ReadGate
  readonly #held: HeldBytes
  readonly #options: Http1ServerOptions
  #discarded = 0

  constructor(stream: ByteStream, gate: ReadGate, held: HeldBytes, options: Http1ServerOptions) {
    this.#stream = stream
    this.#gate = gate
    this.#held = held
    this.#options = options
  }

  /** Sends what is queued, ends the write side and lingers; without hooks nobody would end that, so it closes. */
  linger(cause: CloseCause): void {
    if (this.cause !== undefined) return
    const { hooks } = this.#options
    if (hooks === undefined) return this.close(cause)
    this.cause = cause
    this.#discarded = this.#held.size
    this.#held.clear()
    this.#stream.endWriting()
    this.#gate.releaseAll()
    hooks.onClosing()
  }

  /** Counts bytes that came too late; too many of them end the lingering. */
  discard(bytes: number): void {
    this.#discarded += bytes
    if (this.#discarded > this.#options.lingerBytes) this.close(FINISHED)
  }

  /** Sends what is queued and closes both ways. */
  close(cause: CloseCause): void {
    this.cause ??= cause
    this.#held.clear()
    this.#stream.close(this.cause)
  }

  /** Cuts the connection off. */
  abort(cause: CloseCause): void {
    this.cause ??= cause
    this.#held.clear()
    this.#stream.reset(this.cause)
  }
}
