// Which codec a downstream connection gets: as configured, by ALPN, or by its first bytes (RFC 9113 §3.3, prior knowledge).

import type { CloseCause } from '../core/close-cause.ts'
import type { ReplayableStream } from '../transport/replay.ts'
import { sniff, type SniffedFacts, type SniffSink } from '../transport/sniff.ts'
import type { DownstreamConnection } from './connection.ts'

/** Puts the codec on `stream`, at once or after its first bytes, and tells `connection`. */
export function chooseCodec(stream: ReplayableStream, connection: DownstreamConnection): void {
  const { codecs, config } = connection.runtime
  const alpn = connection.info.tls?.alpn ?? ''
  if (config.codec === 'http2' || (config.codec === 'auto' && alpn === 'h2')) connection.useCodec(codecs.http2(stream, connection))
  else if (config.codec === 'http1' || alpn !== '') connection.useCodec(codecs.http1(stream, connection))
  else sniff(stream, { clock: connection.runtime.clock, timeoutMs: 0, tls: false, http2: true }, new PrefaceWait(stream, connection))
}

class PrefaceWait implements SniffSink {
  readonly #stream: ReplayableStream
  readonly #connection: DownstreamConnection

  constructor(stream: ReplayableStream, connection: DownstreamConnection) {
    this.#stream = stream
    this.#connection = connection
  }

  onSniffed(facts: SniffedFacts): void {
    const { codecs } = this.#connection.runtime
    const http2 = facts.kind === 'plain' && facts.http2
    const codec = http2 ? codecs.http2(this.#stream, this.#connection) : codecs.http1(this.#stream, this.#connection)
    this.#connection.useCodec(codec)
  }

  onSniffFailed(cause: CloseCause): void {
    this.#connection.onConnectionClose(cause)
  }
}
