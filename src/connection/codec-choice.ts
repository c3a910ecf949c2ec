// Which codec a downstream connection gets: as configured, by ALPN, or by its first bytes (RFC 9113 §3.3, prior knowledge).

import { Buffer } from 'node:buffer'
import type { CloseCause } from '../core/close-cause.ts'
import type { ByteStreamSink } from '../transport/byte-stream.ts'
import type { ReplayableStream } from '../transport/replay.ts'
import { beginsWithPreface, sniff, type SniffedFacts, type SniffSink } from '../transport/sniff.ts'
import type { DownstreamConnection } from './connection.ts'

/** Puts the codec on `stream`, at once or after its first bytes, and tells `connection`. */
export function chooseCodec(stream: ReplayableStream, connection: DownstreamConnection): void {
  const { codecs, config } = connection.runtime
  const alpn = connection.info.tls?.alpn ?? ''
  if (config.codec === 'http2' || (config.codec === 'auto' && alpn === 'h2'))
    connection.useCodec(codecs.http2(stream, connection))
  else if (config.codec === 'http1' || alpn !== '') connection.useCodec(codecs.http1(stream, connection))
  else stream.setSink(new PrefaceWait(stream, connection))
}

/** Decides by the first read, which nearly always suffices: the codec then reads on within the same call. */
class PrefaceWait implements ByteStreamSink, SniffSink {
  readonly #stream: ReplayableStream
  readonly #connection: DownstreamConnection

  constructor(stream: ReplayableStream, connection: DownstreamConnection) {
    this.#stream = stream
    this.#connection = connection
  }

  onData(buffer: Buffer, start: number, end: number): void {
    const http2 = beginsWithPreface(buffer, start, end)
    if (http2 === undefined) {
      this.#stream.unread(Buffer.from(buffer.subarray(start, end)))
      sniff(this.#stream, { clock: this.#connection.runtime.clock, timeoutMs: 0, tls: false, http2: true }, this)
      return
    }
    this.#use(http2)
    this.#stream.passOn(buffer, start, end)
  }

  onEnd(): void {
    this.#stream.unread(Buffer.alloc(0))
    this.#use(false)
  }

  onDrain(): void {
    // Nothing is written here.
  }

  onClose(cause: CloseCause): void {
    this.#connection.onConnectionClose(cause)
  }

  onSniffed(facts: SniffedFacts): void {
    this.#use(facts.kind === 'plain' && facts.http2)
  }

  onSniffFailed(cause: CloseCause): void {
    this.#connection.onConnectionClose(cause)
  }

  #use(http2: boolean): void {
    const { codecs } = this.#connection.runtime
    const codec = http2 ? codecs.http2(this.#stream, this.#connection) : codecs.http1(this.#stream, this.#connection)
    this.#connection.useCodec(codec)
  }
}
