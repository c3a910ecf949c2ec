// The client side of an HTTP/2 connection (RFC 9113, RFC 8441): opens streams within the peer's limits, learns from its
// SETTINGS whether it takes extended CONNECT, and obeys its GOAWAY. Called by upstream/client-codecs.ts.

import { closeCause, type CloseCause } from '../../core/close-cause.ts'
import type { ErrorCode } from '../../core/errors.ts'
import { UPSTREAM_EARLY_RESETS, UPSTREAM_RESETS } from '../../core/limits.ts'
import type { ByteStream } from '../../transport/byte-stream.ts'
import { isConnectAuthority } from '../connect-target.ts'
import { isFieldValue } from '../header-list.ts'
import type {
  ClientConnection,
  ClientConnectionSink,
  ClientStream,
  ClientStreamSink,
  RequestHead,
} from '../http-stream.ts'
import { Http2ClientStream } from './client-stream.ts'
import { H2_ERROR, h2ErrorName } from './error-code.ts'
import { encodeRequest } from './head-encoding.ts'
import type { Http2Options } from './options.ts'
import { responseHeadOf } from './response-head.ts'
import { Session } from './session.ts'
import type { Http2Stream } from './stream.ts'
import type { StreamEnd } from './stream-host.ts'

/** Speaks HTTP/2 as a client on `stream`. */
export function http2Client(stream: ByteStream, sink: ClientConnectionSink, options: Http2Options): ClientConnection {
  return new ClientSession(stream, sink, options)
}

const NO_MORE_STREAMS = closeCause(
  'upstream',
  'http2',
  'upstream_refused_stream',
  'the connection takes no more streams',
)
const NOT_EXPRESSIBLE = closeCause('client', 'http2', 'invalid_authority', 'the tunnel request cannot be written')

const WORN_OUT = closeCause('proxy', 'http2', 'drained', 'many of its streams were reset')

/** Streams opened before the peer's SETTINGS are known (§6.5.2 recommends it to allow at least this many). */
const EARLY_STREAMS = 100

const LAST_STREAM_ID = 0x7fff_ffff

/**
 * Target and fields of a CONNECT may be made from formats and what a client sent (envoy.md §1.9); HPACK would carry any
 * byte of it, up to a peer that writes it into an HTTP/1 head.
 */
const canBeSent = ({ tunnel, authority, headers }: RequestHead): boolean =>
  tunnel?.kind !== 'connect' || (isConnectAuthority(authority) && headers.fields.every((text) => isFieldValue(text)))

class ClientSession extends Session implements ClientConnection {
  readonly #sink: ClientConnectionSink
  #nextId = 1
  /** No stream is opened any more: GOAWAY arrived, or the owner drains. */
  #leaving: CloseCause | undefined
  #streamsEnded = 0
  #earlyResets = 0

  constructor(stream: ByteStream, sink: ClientConnectionSink, options: Http2Options) {
    super('client', stream, options)
    this.#sink = sink
    this.open()
  }

  get availableStreams(): number {
    if (this.over || this.#leaving !== undefined || this.#nextId > LAST_STREAM_ID) return 0
    const theirs = this.settingsSeen ? (this.peer.maxConcurrentStreams ?? Number.POSITIVE_INFINITY) : EARLY_STREAMS
    return Math.max(0, Math.min(theirs, this.options.maxConcurrentStreams) - this.streams.size)
  }

  get extendedConnect(): boolean | undefined {
    return this.settingsSeen ? this.peer.enableConnectProtocol : undefined
  }

  request(head: RequestHead, endStream: boolean, sink: ClientStreamSink): ClientStream {
    const id = this.#nextId
    const refused = this.availableStreams === 0 ? NO_MORE_STREAMS : canBeSent(head) ? undefined : NOT_EXPRESSIBLE
    const stream = new Http2ClientStream(id, this, this.peer.initialWindowSize, head.tunnel, head.method, sink)
    if (refused !== undefined) {
      stream.refused(refused)
      return stream
    }
    this.keepalive?.beforeStream()
    this.#nextId += 2
    this.streams.add(stream)
    this.options.stats.streams_active++
    this.guard.streamOpened()
    encodeRequest(this.encoder, this.writer.startBlock(), head)
    const headOnly = endStream && head.tunnel === undefined
    this.writer.headers(id, headOnly)
    if (headOnly) stream.outgoing.endWithHead()
    return stream
  }

  drain(cause: CloseCause): void {
    if (this.over) return
    this.#leaving ??= cause
    this.#closeWhenDone()
  }

  protected override onHeaderBlock(
    streamId: number,
    endStream: boolean,
    block: Buffer,
    start: number,
    end: number,
  ): boolean {
    const stream = this.streams.get(streamId)
    if (stream === undefined) {
      if (this.isIdle(streamId)) return this.connectionError(H2_ERROR.protocolError, 'HEADERS on an idle stream')
      return this.decode('ignored', block, start, end) && this.onHeadersClosed(streamId, endStream)
    }
    if (stream.late || !(stream instanceof Http2ClientStream))
      return this.onTrailers(stream, endStream, block, start, end)
    return this.#responseHead(stream, endStream, block, start, end)
  }

  /** §6.8: streams above the last one named were not processed; the others go on. */
  protected override onGoaway(lastStreamId: number, code: number, detail: string): void {
    const words = `GOAWAY ${h2ErrorName(code)}${detail === '' ? '' : ` "${detail}"`}`
    this.#leaving ??= closeCause('upstream', 'http2', code === H2_ERROR.noError ? 'drained' : 'upstream_closed', words)
    for (const stream of this.streams.snapshot()) {
      if (stream.id > lastStreamId) stream.lost(closeCause('upstream', 'http2', 'upstream_refused_stream', words))
    }
    this.#sink.onAvailability()
    this.#closeWhenDone()
  }

  protected override onPingAck(): void {
    // Every byte counts as a sign of life: see keepalive.ts.
  }

  protected override onSettingsApplied(): void {
    this.#sink.onAvailability()
  }

  protected override isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || streamId >= this.#nextId
  }

  protected override onStreamGone(stream: Http2Stream, end: StreamEnd): void {
    if (this.over) return
    this.#streamsEnded++
    if (end === 'resetByUs' && !stream.late) this.#earlyResets++
    const leaving = this.#leaving !== undefined
    if (this.#wornOut()) this.#leaving ??= WORN_OUT
    if (!leaving) this.#sink.onAvailability()
    this.#closeWhenDone()
  }

  protected override onCodecFault(_code: ErrorCode, _detail: string): void {
    // Every stream hears it; the connection's end says the rest.
  }

  protected override onGone(cause: CloseCause): void {
    this.#sink.onConnectionClose(cause)
  }

  #responseHead(stream: Http2ClientStream, endStream: boolean, block: Buffer, start: number, end: number): boolean {
    if (!this.decode('response', block, start, end)) return false
    const { section } = this
    if (section.overflow) {
      this.options.stats.header_overflow++
      return this.streamFault(stream.id, H2_ERROR.enhanceYourCalm, 'the response head is larger than the limits')
    }
    const { contentLength } = section
    const head = responseHeadOf(section)
    if (typeof head === 'string') return this.malformed(stream, stream.id, head)
    if (endStream && head.status >= 200 && stream.lacksContent(head.status, contentLength)) {
      return this.malformed(stream, stream.id, 'content-length without content')
    }
    if (head.status >= 200) stream.response(head, endStream, contentLength)
    else if (endStream) return this.malformed(stream, stream.id, 'an informational response that ends the stream')
    else stream.informational(head)
    return !this.over
  }

  /**
   * Whether the peer might soon take this connection for an attack (CVE-2023-44487) and end it, with the tunnels of every
   * client that shares it, because one of them gives up its requests again and again.
   */
  #wornOut(): boolean {
    const often = this.#earlyResets >= UPSTREAM_EARLY_RESETS && this.#earlyResets * 4 >= this.#streamsEnded
    return often || this.writer.resets >= UPSTREAM_RESETS
  }

  #closeWhenDone(): void {
    const cause = this.#leaving
    if (cause !== undefined && this.streams.size === 0 && !this.over) this.finish(cause)
  }
}
