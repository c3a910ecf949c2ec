// The server side of an HTTP/2 connection (RFC 9113): opens a stream for each request head, refuses what is malformed or
// too much, and goes away gracefully (§6.8). Called by connection/server-codecs.ts.

import { closeCause, type CloseCause } from '../../core/close-cause.ts'
import type { Timer } from '../../core/clock.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { ByteStream } from '../../transport/byte-stream.ts'
import { HeaderList } from '../header-list.ts'
import type { RequestHead, ServerConnection, ServerConnectionSink } from '../http-stream.ts'
import { isConnectUdp } from '../upgrade-translation.ts'
import { H2_ERROR } from './error-code.ts'
import { FlushWatch } from './flush-watch.ts'
import { MAX_STREAM_ID } from './frame.ts'
import { encodeResponse } from './head-encoding.ts'
import type { Http2Options } from './options.ts'
import { partialHead, refusalOf, requestHeadOf } from './request-head.ts'
import { Http2ServerStream, type ServerHost } from './server-stream.ts'
import { Session } from './session.ts'
import type { Http2Stream } from './stream.ts'
import type { StreamEnd } from './stream-host.ts'

/** Serves HTTP/2 on `stream`; the client's preface is still to come. */
export function serveHttp2(stream: ByteStream, sink: ServerConnectionSink, options: Http2Options): ServerConnection {
  return new ServerSession(stream, sink, options)
}

const DRAIN_PING = Buffer.from('sluice:d', 'latin1')

class ServerSession extends Session implements ServerConnection, ServerHost {
  readonly #sink: ServerConnectionSink
  /** Why no new streams are wanted; set by the first GOAWAY. */
  #draining: CloseCause | undefined
  /** The second GOAWAY named the last stream that is served. */
  #lastNamed = false
  /** Highest id the client used, also for streams beyond the last one that is served. */
  #highestId = 0
  #drainTimer: Timer | undefined
  readonly #flushing = new FlushWatch(this.options)

  constructor(stream: ByteStream, sink: ServerConnectionSink, options: Http2Options) {
    super('server', stream, options)
    this.#sink = sink
    this.open()
  }

  /** §6.8: first a GOAWAY that refuses nothing, then, when the client has surely seen it, one that names the last stream. */
  drain(cause: CloseCause): void {
    if (this.over || this.#draining !== undefined) return
    this.#draining = cause
    // Every id of a client stream is at most that.
    this.goaway(MAX_STREAM_ID, H2_ERROR.noError, '')
    this.writer.ping(DRAIN_PING, 0, false)
    this.#drainTimer = this.options.clock.after(this.options.drainTimeoutMs, () => this.#nameLast())
  }

  drainAfterResponse(): void {
    this.drain(closeCause('proxy', 'http2', 'drained', 'closed after a response'))
  }

  flushWaits(stream: Http2Stream): void {
    this.#flushing.add(stream)
  }

  protected override onHeaderBlock(
    streamId: number,
    endStream: boolean,
    block: Buffer,
    start: number,
    end: number,
  ): boolean {
    if (streamId % 2 === 0) return this.connectionError(H2_ERROR.protocolError, 'a request on an even stream id')
    const stream = this.streams.get(streamId)
    if (stream !== undefined) return this.onTrailers(stream, endStream, block, start, end)
    if (streamId <= this.#highestId) {
      return this.decode('ignored', block, start, end) && this.onHeadersClosed(streamId, endStream)
    }
    return this.#newStream(streamId, endStream, block, start, end)
  }

  protected override onGoaway(): void {
    // The client opens no stream that this side would have to refuse; what is open goes on.
  }

  protected override onPingAck(payload: Buffer, start: number): void {
    if (this.#draining !== undefined && payload.compare(DRAIN_PING, 0, 8, start, start + 8) === 0) this.#nameLast()
  }

  protected override onSettingsApplied(): void {
    // Windows and tables were moved by the session.
  }

  protected override isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || streamId > this.#highestId
  }

  protected override onStreamGone(stream: Http2Stream, end: StreamEnd): void {
    this.#flushing.delete(stream)
    const young = (end === 'resetByPeer' || end === 'fault') && this.#isYoung(stream)
    if (!this.guard.streamEnded(young)) {
      this.flood('streams that are reset at once')
      return
    }
    this.#closeWhenDone()
  }

  protected override onCodecFault(code: ErrorCode, detail: string): void {
    this.#sink.onCodecError(code, detail, partialHead(this.section))
  }

  protected override onGone(cause: CloseCause): void {
    this.#flushing.stop()
    this.#drainTimer?.cancel()
    this.#sink.onConnectionClose(cause)
  }

  #newStream(streamId: number, endStream: boolean, block: Buffer, start: number, end: number): boolean {
    const refused = this.#lastNamed || this.streams.size >= this.options.maxConcurrentStreams
    this.#highestId = streamId
    if (!this.#lastNamed) this.lastPeerStreamId = streamId
    this.guard.streamOpened()
    if (!this.decode(refused ? 'ignored' : 'request', block, start, end)) return false
    if (refused) return this.#refuse(streamId)
    const { section, options } = this
    if (section.overflow) {
      options.stats.header_overflow++
      return this.#answer(
        streamId,
        endStream,
        431,
        'http2_too_many_headers',
        'the header list is larger than the limits',
      )
    }
    if (section.underscoreRejected) {
      options.stats.requests_rejected_with_underscores_in_headers++
      return this.#answer(streamId, endStream, 400, 'unexpected_underscore', 'a header name has an underscore')
    }
    const head = requestHeadOf(section, options.allowConnect)
    if (typeof head === 'string') {
      const code = section.malformed === '' ? 'http2_protocol_violation' : 'http2_invalid_header_field'
      return this.malformed(undefined, streamId, head, code)
    }
    if (endStream && Number(section.contentLength ?? 0) > 0) {
      return this.malformed(undefined, streamId, 'content-length without content')
    }
    const refusal = refusalOf(head)
    if (refusal !== undefined) return this.#answer(streamId, endStream, 400, refusal.code, refusal.detail)
    this.#open(streamId, head, endStream, section.contentLength)
    return !this.over
  }

  #open(streamId: number, head: RequestHead, endStream: boolean, contentLength: string | undefined): void {
    const stream = new Http2ServerStream(streamId, this, this.peer.initialWindowSize, head.tunnel)
    this.streams.add(stream)
    this.options.stats.streams_active++
    if (contentLength !== undefined && head.tunnel === undefined) stream.incoming.expected = Number(contentLength)
    if (endStream) {
      stream.remoteEnded()
      // A tunnel hears of it as a half-close, once there is a tunnel.
      if (head.tunnel === undefined) stream.incoming.delivered = true
    }
    const continues =
      this.#sink.answersContinue &&
      head.tunnel === undefined &&
      head.headers.get('expect')?.toLowerCase() === '100-continue'
    // RFC 9110 §10.1.1: whoever answers the expectation here has dealt with it.
    if (continues) head.headers.remove('expect')
    // Datagrams need the stream open: here the end with the head is a fault, and the sink refuses it.
    const udp = head.tunnel?.kind === 'upgrade' && isConnectUdp(head.tunnel.type)
    this.#sink.onRequest(stream, head, endStream && (head.tunnel === undefined || udp))
    // Nothing is sent when the final answer is there already: see respondInformational.
    if (continues && !endStream) stream.respondInformational({ status: 100, reason: '', headers: new HeaderList() })
  }

  /** §8.7: beyond the limit, or after GOAWAY: certainly not processed, so it can be tried again. */
  #refuse(streamId: number): boolean {
    this.options.stats.stream_refused_errors++
    this.resetUnknown(streamId, H2_ERROR.refusedStream)
    return !this.over
  }

  /** A final answer to a request that has no stream. */
  #answer(streamId: number, endStream: boolean, status: number, code: ErrorCode, detail: string): boolean {
    const body = new HeaderList(['content-length', '0'])
    encodeResponse(this.encoder, this.writer.startBlock(), status, { status, reason: '', headers: body }, false)
    this.writer.headers(streamId, true)
    if (!endStream) this.resetUnknown(streamId, H2_ERROR.noError)
    this.onCodecFault(code, detail)
    return !this.over
  }

  #isYoung(stream: Http2Stream): boolean {
    if (!(stream instanceof Http2ServerStream) || stream.late) return false
    return this.options.clock.now() - stream.openedMs < this.options.prematureResetLifetimeMs
  }

  #nameLast(): void {
    this.#drainTimer?.cancel()
    if (this.over || this.#lastNamed) return
    this.#lastNamed = true
    this.goaway(this.lastPeerStreamId, H2_ERROR.noError, '')
    this.#closeWhenDone()
  }

  #closeWhenDone(): void {
    if (this.#lastNamed && this.streams.size === 0 && !this.over)
      this.finish(this.#draining ?? closeCause('proxy', 'http2', 'drained'))
  }
}
