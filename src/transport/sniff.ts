// Looks at the first bytes of an accepted stream without taking them: TLS with its server name and ALPN list, or plain with
// or without the HTTP/2 preface (RFC 9113 §3.4). The stream then stands as if nothing had been read.

import { Buffer } from 'node:buffer'
import { type CloseCause, closeCause } from '../core/close-cause.ts'
import type { Clock, Timer } from '../core/clock.ts'
import type { ByteStreamSink } from './byte-stream.ts'
import { readClientHello } from './client-hello.ts'
import type { ReplayableStream } from './replay.ts'

/** What a stream begins with. */
export type SniffedFacts =
  | { readonly kind: 'tls'; readonly serverName: string; readonly alpn: readonly string[] }
  /** `http2`: it begins with the HTTP/2 preface; only looked for when asked. */
  | { readonly kind: 'plain'; readonly http2: boolean }

export interface SniffOptions {
  readonly clock: Clock
  /** Milliseconds to wait for enough bytes; 0 = for ever. */
  readonly timeoutMs: number
  /** Looks for a ClientHello. */
  readonly tls: boolean
  /** Looks for the HTTP/2 preface. */
  readonly http2: boolean
}

/** Receives the outcome, exactly one unless cancelled. The stream has no sink then. Methods are called on the sink. */
export interface SniffSink {
  onSniffed(facts: SniffedFacts): void
  /**
   * No answer: time is over (`listener_filter_timeout`), the ClientHello cannot be read (`tls_handshake_failed`) or the
   * client is gone. Unless it is gone the stream still has all its bytes, so the callee may go on without facts.
   */
  onSniffFailed(cause: CloseCause): void
}

/** A look under way. */
export interface Sniff {
  /** Stops; no callback follows, the stream keeps its bytes and has no sink. */
  cancel(): void
}

/** Begins to look. */
export function sniff(stream: ReplayableStream, options: SniffOptions, sink: SniffSink): Sniff {
  const sniffer = new Sniffer(stream, options, sink)
  stream.setSink(sniffer)
  return sniffer
}

/** RFC 9113 §3.4. */
export const HTTP2_PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** Whether a connection that begins with `bytes[start, end)` is HTTP/2; undefined while they are only a part of the preface. */
export function beginsWithPreface(bytes: Uint8Array, start: number, end: number): boolean | undefined {
  const count = Math.min(end - start, HTTP2_PREFACE.length)
  for (let i = 0; i < count; i++) if (bytes[start + i] !== HTTP2_PREFACE[i]) return false
  return count === HTTP2_PREFACE.length ? true : undefined
}

class Sniffer implements Sniff, ByteStreamSink {
  readonly #stream: ReplayableStream
  readonly #options: SniffOptions
  readonly #sink: SniffSink
  readonly #timer: Timer | undefined
  #bytes: Buffer = Buffer.alloc(0)
  #over = false

  constructor(stream: ReplayableStream, options: SniffOptions, sink: SniffSink) {
    this.#stream = stream
    this.#options = options
    this.#sink = sink
    if (options.timeoutMs > 0) this.#timer = options.clock.after(options.timeoutMs, () => this.#timedOut())
  }

  cancel(): void {
    this.#end()
  }

  onData(buffer: Buffer, start: number, end: number): void {
    if (this.#over) return
    this.#bytes = Buffer.concat([this.#bytes, buffer.subarray(start, end)])
    this.#look(false)
  }

  onEnd(): void {
    if (!this.#over) this.#look(true)
  }

  onDrain(): void {
    // Nothing is written here.
  }

  onClose(cause: CloseCause): void {
    if (this.#end()) this.#sink.onSniffFailed(cause)
  }

  #look(last: boolean): void {
    if (this.#options.tls) {
      const result = readClientHello(this.#bytes)
      if (result.kind === 'incomplete') {
        if (last) this.#failed('the client ended before its ClientHello was complete')
        return
      }
      if (result.kind === 'malformed') return this.#failed(result.reason)
      if (result.kind === 'hello') {
        const { serverName, alpn } = result
        return this.#done({ kind: 'tls', serverName, alpn })
      }
    }
    const http2 = this.#options.http2 ? beginsWithPreface(this.#bytes, 0, this.#bytes.length) : false
    if (http2 !== undefined || last) this.#done({ kind: 'plain', http2: http2 === true })
  }

  #done(facts: SniffedFacts): void {
    if (this.#end()) this.#sink.onSniffed(facts)
  }

  #failed(reason: string): void {
    if (this.#end()) this.#sink.onSniffFailed(closeCause('client', 'tls', 'tls_handshake_failed', reason))
  }

  #timedOut(): void {
    const detail = `no greeting within ${this.#options.timeoutMs} ms`
    if (this.#end()) this.#sink.onSniffFailed(closeCause('client', 'tcp', 'listener_filter_timeout', detail))
  }

  /** Gives the bytes back; false when that was done before. */
  #end(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#timer?.cancel()
    this.#stream.unread(this.#bytes)
    return true
  }
}
