// A runtime's stream on top of a byte stream, so that TLS can run over what is not a plain socket: over another TLS session,
// or over a connection within this process. Used by tls.ts only.

import { constants } from 'node:os'
import { Duplex } from 'node:stream'
import { type CloseCause, closeCause } from '../core/close-cause.ts'
import { type ByteStreamSink, PAUSE } from './byte-stream.ts'
import type { ReplayableStream } from './replay.ts'

type Done = (error?: Error | null) => void

/** `stream` as a Duplex, put-back bytes first. `stream` must have no sink and is given away. */
export function duplexOver(stream: ReplayableStream): StreamDuplex {
  const duplex = new StreamDuplex(stream)
  stream.setSink(duplex)
  return duplex
}

export class StreamDuplex extends Duplex implements ByteStreamSink {
  readonly #stream: ReplayableStream
  /** Called when the byte stream takes more. */
  #blocked: Done | undefined

  constructor(stream: ReplayableStream) {
    super({ allowHalfOpen: true })
    this.#stream = stream
  }

  /** As a TCP handle's: drops what is queued and resets the connection. */
  reset(done: () => void): void {
    this.#stream.reset(closeCause('proxy', 'tls', 'finished', 'the TLS session was reset'))
    this.destroy()
    done()
  }

  onData(buffer: Buffer, start: number, end: number): void {
    if (!this.push(Buffer.from(buffer.subarray(start, end)))) this.#stream.pauseReading(PAUSE.peerSlow)
  }

  onEnd(): void {
    this.push(null)
  }

  onDrain(): void {
    const blocked = this.#blocked
    this.#blocked = undefined
    blocked?.()
  }

  onClose(cause: CloseCause): void {
    // After an orderly end what was pushed is still to be read; the runtime destroys the stream when it was.
    if (cause.code !== 'finished') this.destroy(connectionReset(cause))
  }

  override _read(): void {
    this.#stream.resumeReading(PAUSE.peerSlow)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    if (this.#stream.closed !== undefined) done(connectionReset(this.#stream.closed))
    else if (this.#stream.write(chunk, 0, chunk.length)) done()
    else this.#blocked = done
  }

  override _final(done: Done): void {
    this.#stream.endWriting()
    done()
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#stream.close(closeCause('proxy', 'tls', 'finished'))
    this.onDrain()
    done(error)
  }
}

function connectionReset(cause: CloseCause): Error {
  const message = cause.detail === '' ? cause.code : cause.detail
  return Object.assign(new Error(message), { code: 'ECONNRESET', errno: -constants.errno.ECONNRESET })
}
