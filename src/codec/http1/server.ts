// The server side of HTTP/1.1 and HTTP/1.0 on one downstream connection (RFC 9112): requests in, one at a time and in
// order, however they are split or pipelined. Whatever is refused ends the connection: no byte behind it is ever parsed.

import { type CloseCause, closeCause } from '../../core/close-cause.ts'
import { errorEntry } from '../../core/errors.ts'
import { PIPELINED_REQUEST_BYTES, READ_BUFFER_BYTES, TUNNEL_HELD_BYTES } from '../../core/limits.ts'
import { type ByteStream, type ByteStreamSink, PAUSE } from '../../transport/byte-stream.ts'
import type { HttpProtocol, RequestHead, ServerConnection, ServerConnectionSink } from '../http-stream.ts'
import { BodyReader } from './body-reader.ts'
import { ConnectionEnd, FINISHED } from './connection-end.ts'
import type { HeadFault } from './head-fault.ts'
import { INCOMPLETE, MALFORMED } from './head-scanner.ts'
import { HeldBytes } from '../held-bytes.ts'
import type { Http1ServerOptions } from './options.ts'
import { ReadGate } from './read-gate.ts'
import { type ParsedRequest, parseRequestHead, type RefusedRequest } from './request-head.ts'
import { RequestIntake } from './request-intake.ts'
import { ServerExchange, type ServerExchangeHost } from './server-exchange.ts'
import { writeRefusal } from './refusal.ts'
import { parseTrailers } from './trailer-section.ts'
import { TunnelStream, type TunnelOwner } from './tunnel-stream.ts'

/** Speaks HTTP/1 on `stream`, an accepted connection, and tells `sink` of its requests. Never throws on input. */
export function serveHttp1(
  stream: ByteStream,
  sink: ServerConnectionSink,
  options: Http1ServerOptions,
): ServerConnection {
  const connection = new Http1ServerConnection(stream, sink, options)
  stream.setSink(connection)
  return connection
}

/**
 *   head ─► body ─► responding ─► head …      a request without a body skips `body`
 *     │       └──────────┴─► over             what still arrives is thrown away
 *     └─► tunnel                              bytes are held until the tunnel is accepted, then pass it
 */
type Phase = 'head' | 'body' | 'responding' | 'tunnel' | 'over'

class Http1ServerConnection implements ServerConnection, ByteStreamSink, ServerExchangeHost, TunnelOwner {
  readonly stream: ByteStream
  readonly options: Http1ServerOptions
  readonly gate: ReadGate
  protocol: HttpProtocol = 'HTTP/1.1'
  closesAfterExchange = false
  readonly #sink: ServerConnectionSink
  readonly #intake: RequestIntake
  readonly #body: BodyReader
  /** The part of a head that has arrived, a pipelined request, or early tunnel payload: at most one of them. */
  readonly #held = new HeldBytes()
  #phase: Phase = 'head'
  #exchange: ServerExchange | undefined
  #tunnel: TunnelStream | undefined
  /** `#consume` is on the call stack, and goes on by itself. */
  #consuming = false
  /** An exchange is over and its end not yet told to the hooks. */
  #wentIdle = false
  /** A write was answered false and the stream has not drained since. */
  #blocked = false
  readonly #end: ConnectionEnd

  constructor(stream: ByteStream, sink: ServerConnectionSink, options: Http1ServerOptions) {
    this.stream = stream
    this.options = options
    this.#sink = sink
    this.gate = new ReadGate(stream)
    this.#intake = new RequestIntake(options)
    this.#body = new BodyReader(options.maxHeaders)
    this.#end = new ConnectionEnd(stream, this.gate, this.#held, options)
  }

  get activeStreams(): number {
    return this.#exchange === undefined ? 0 : 1
  }

  get requestIncomplete(): boolean {
    return this.#phase === 'body'
  }

  // ── bytes in ──────────────────────────────────────────────────────────────────────────────────────────────────────

  onData(buffer: Buffer, start: number, end: number): void {
    if (this.#held.size === 0) return this.#consume(buffer, start, end)
    this.#hold(buffer, start, end)
    if (this.#phase === 'head' && this.#exchange === undefined) this.#consumeHeld()
  }

  /** Takes the held bytes up again; a head that is still incomplete stays held without being copied. */
  #consumeHeld(): void {
    const held = this.#held
    const intake = this.#intake
    if (this.#consuming || held.size === 0) return
    const readAnew = intake.beginsBlank(held.bytes, held.size)
    if (!readAnew && intake.scan(held.bytes, 0, held.size) === INCOMPLETE) return
    const bytes = held.take()
    this.#consume(bytes, 0, bytes.length)
  }

  #consume(buffer: Buffer, start: number, end: number): void {
    this.#consuming = true
    let position = start
    while (position < end) {
      switch (this.#phase) {
        case 'head':
          position = this.#readHead(buffer, position, end)
          break
        case 'body':
          position = this.#readBody(buffer, position, end)
          break
        case 'responding':
          this.gate.pauseForCodec(PAUSE.pipeline)
          this.#hold(buffer, position, end)
          position = end
          break
        case 'tunnel':
          this.#readTunnel(buffer, position, end)
          position = end
          break
        case 'over':
          this.#end.discard(end - position)
          position = end
      }
    }
    this.#consuming = false
    this.#tellIdle()
  }

  /** Copies aside what must wait. Reading is paused by then; what still comes is what the transport had already read. */
  #hold(buffer: Buffer, start: number, end: number): void {
    this.#held.append(buffer, start, end)
    const bound = this.#phase === 'tunnel' ? TUNNEL_HELD_BYTES : PIPELINED_REQUEST_BYTES
    if (this.#phase !== 'head' && this.#held.size > bound + READ_BUFFER_BYTES) {
      this.close(closeCause('client', 'http1', 'http1_codec_error', 'more bytes than may wait'))
    }
  }

  #readHead(buffer: Buffer, start: number, end: number): number {
    // A client that pipelines but does not read its answers is not served further until it does.
    if (this.#blocked) {
      this.gate.pauseForCodec(PAUSE.pipeline)
      this.#held.append(buffer, start, end)
      return end
    }
    const intake = this.#intake
    const stop = intake.scan(buffer, start, end)
    if (stop === INCOMPLETE) {
      this.#held.append(buffer, intake.headStart, end)
      return end
    }
    intake.reset()
    this.options.hooks?.onHeadComplete()
    if (stop === MALFORMED) {
      this.#refuse(intake.fault, {}, false)
      return end
    }
    const parsed = parseRequestHead(buffer, intake.headStart, stop - 2, this.options)
    if (parsed.kind === 'request') this.#begin(parsed, stop === end)
    else this.#refuseParsed(parsed)
    return stop
  }

  #begin(request: ParsedRequest, nothingFollows: boolean): void {
    const { head, framing } = request
    this.protocol = head.protocol
    if (!request.keepAlive) this.closesAfterExchange = true
    this.#body.begin(framing)
    const exchange = new ServerExchange(this, head)
    this.#exchange = exchange
    if (framing.kind === 'tunnel') this.#phase = 'tunnel'
    else this.#phase = this.#body.ended ? 'responding' : 'body'
    const continues = request.expectsContinue && this.#sink.answersContinue
    // RFC 9110 §10.1.1: HTTP/1.0 cannot be told to continue, and whoever answers continue here has dealt with it.
    if (continues || head.protocol === 'HTTP/1.0') head.headers.remove('expect')
    this.#sink.onRequest(exchange, head, this.#phase === 'responding')
    // Not sent when the answer or the body is there already.
    if (continues && nothingFollows && this.#phase === 'body' && !exchange.responded) {
      this.stream.writeLatin1('HTTP/1.1 100 Continue\r\n\r\n')
      this.stream.flush()
    }
  }

  #readBody(buffer: Buffer, start: number, end: number): number {
    const body = this.#body
    const exchange = this.#exchange
    const position = body.advance(buffer, start, end)
    if (body.fault !== undefined) {
      this.#refuseBody(body.fault)
      return end
    }
    if (!body.ended) {
      if (body.dataEnd > body.dataStart) exchange?.sink?.onData(buffer, body.dataStart, body.dataEnd, false)
      return position
    }
    const trailers = body.trailers === undefined ? undefined : parseTrailers(body.trailers, this.options)
    if (trailers !== undefined && 'detail' in trailers) {
      this.#refuseBody(trailers)
      return end
    }
    this.#phase = 'responding'
    // A response of separate directions may have ended before.
    const answered = exchange?.ended === true
    if (trailers === undefined || trailers.size === 0 || !this.options.enableTrailers) {
      exchange?.sink?.onData(buffer, body.dataStart, body.dataEnd, true)
    } else exchange?.sink?.onTrailers(trailers)
    if (answered && exchange !== undefined) this.#finishExchange(exchange)
    return position
  }

  #readTunnel(buffer: Buffer, start: number, end: number): void {
    if (this.#tunnel !== undefined) return this.#tunnel.onData(buffer, start, end)
    this.gate.pauseForCodec(PAUSE.notReady)
    this.#hold(buffer, start, end)
    this.#exchange?.bytesHeld(end - start)
  }

  // ── the end of an exchange ────────────────────────────────────────────────────────────────────────────────────────

  closeAfterExchange(): void {
    this.closesAfterExchange = true
  }

  onResponseEnd(exchange: ServerExchange): void {
    if (exchange !== this.#exchange) return
    if (this.#phase === 'body' && exchange.separate) {
      if (exchange.lastsUntilClose) this.stream.endWriting()
      return
    }
    if (this.#phase === 'body') {
      // Answered before it was asked in full: the rest is thrown away, and the stream hears that it will not come.
      queueMicrotask(() =>
        this.#forget(exchange, closeCause('proxy', 'http1', 'finished', 'answered before the request ended')),
      )
      return this.#linger(FINISHED)
    }
    this.#finishExchange(exchange)
  }

  /** Both messages are complete. */
  #finishExchange(exchange: ServerExchange): void {
    if (exchange !== this.#exchange || exchange.closed !== undefined) return
    exchange.closed = FINISHED
    this.#exchange = undefined
    this.gate.releaseExchange()
    if (exchange.separate) exchange.sink?.onFinished?.()
    if (this.closesAfterExchange) return this.#linger(FINISHED)
    this.#phase = 'head'
    this.#wentIdle = true
    if (!this.#consuming) this.#goOn()
  }

  /** The turn of a pipelined request has come, if one waits. */
  #goOn(): void {
    if (this.#blocked && this.#held.size > 0) return
    this.#consumeHeld()
    if (this.#phase !== 'responding' || this.#held.size === 0) this.gate.resumeForCodec(PAUSE.pipeline)
    this.#tellIdle()
  }

  #tellIdle(): void {
    if (!this.#wentIdle || this.#phase !== 'head' || this.#held.size > 1) return
    this.#wentIdle = false
    this.options.hooks?.onIdle()
  }

  onWrite(writable: boolean): void {
    if (!writable) this.#blocked = true
  }

  becomeTunnel(exchange: ServerExchange): ByteStream {
    const early = this.#held.take()
    this.#tunnel ??= new TunnelStream(this.stream, this, early)
    this.gate.handOver(early.length > 0 ? PAUSE.notReady : 0)
    if (!exchange.accepted)
      exchange.reset(closeCause('proxy', 'http1', 'internal', 'a tunnel was taken before it was accepted'))
    return this.#tunnel
  }

  onTunnelClose(cause: CloseCause): void {
    if (this.#exchange !== undefined) this.#exchange.closed = cause
    this.#exchange = undefined
    this.#phase = 'over'
    this.#sink.onConnectionClose(cause)
  }

  // ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #refuseParsed(refused: RefusedRequest): void {
    this.#refuse(refused.fault, refused.head, refused.recoverable && this.options.streamErrorOnInvalidMessage)
  }

  /** Answers a request that never existed. The connection closes unless `stays`. */
  #refuse(fault: HeadFault, head: Partial<RequestHead>, stays: boolean): void {
    const keeps = stays && !this.closesAfterExchange
    this.onWrite(this.stream.writeLatin1(writeRefusal(fault, this.options, !keeps, head.method === 'HEAD')))
    if (keeps) this.#wentIdle = true
    else this.#linger(causeOf(fault))
    this.#sink.onCodecError(fault.code, fault.detail, head)
  }

  /** The body is malformed: the request existed, so its stream is reset, answered for it when it was not. */
  #refuseBody(fault: HeadFault): void {
    const exchange = this.#exchange
    if (exchange !== undefined && !exchange.responded)
      this.stream.writeLatin1(writeRefusal(fault, this.options, true, false))
    const cutOff = exchange?.endsByClose === true
    if (cutOff) this.#cutOff(causeOf(fault))
    else this.#linger(causeOf(fault))
    if (exchange !== undefined) this.#forget(exchange, causeOf(fault))
  }

  // ── closing ───────────────────────────────────────────────────────────────────────────────────────────────────────

  abort(exchange: ServerExchange, cause: CloseCause): void {
    if (exchange.closed !== undefined) return
    if (exchange.endsByClose || exchange.separate) this.#cutOff(cause)
    else this.#closeNow(cause)
    this.#forget(exchange, cause)
  }

  closeAfterSending(exchange: ServerExchange, cause: CloseCause): void {
    exchange.endMessage()
    if (exchange.closed !== undefined) return
    // What is left is the client's message, which nobody reads.
    this.#linger(cause)
    this.#forget(exchange, cause)
  }

  /** Ends an exchange that did not come to its end, and tells it so. */
  #forget(exchange: ServerExchange, cause: CloseCause): void {
    if (exchange.closed !== undefined) return
    exchange.closed = cause
    if (this.#exchange === exchange) this.#exchange = undefined
    exchange.sink?.onReset(cause)
  }

  drain(cause: CloseCause): void {
    this.closesAfterExchange = true
    const idle = this.#phase === 'head' && !this.#intake.started && this.#held.size === 0
    if (idle && !this.#consuming) this.#linger(cause)
  }

  close(cause: CloseCause): void {
    const exchange = this.#exchange
    // A head that did not come in time is answered like one that is wrong (RFC 9110 §15.5.9).
    if (cause.code === 'request_header_timeout' && this.#intake.started && exchange === undefined) {
      this.#refuse({ code: cause.code, detail: cause.detail }, {}, false)
      return
    }
    this.#closeNow(cause)
    if (exchange !== undefined && this.#tunnel === undefined) this.#forget(exchange, cause)
  }

  #linger(cause: CloseCause): void {
    this.#phase = 'over'
    this.#end.linger(cause)
  }

  #closeNow(cause: CloseCause): void {
    // An agreed tunnel passes its bytes on until the transport is gone.
    if (this.#tunnel === undefined) this.#phase = 'over'
    this.#end.close(cause)
  }

  #cutOff(cause: CloseCause): void {
    this.#phase = 'over'
    this.#end.abort(cause)
  }

  // ── the transport's events ────────────────────────────────────────────────────────────────────────────────────────

  // Deviation: a half-closed client is taken for gone, as Envoy does: almost always it is, and its work is called off.
  onEnd(): void {
    const exchange = this.#exchange
    // Of separate directions the client's has ended in order; the other goes on.
    if (exchange?.separate === true && this.#phase === 'responding') return
    const cause = exchange === undefined && !this.#intake.started ? ENDED : LEFT
    this.#closeNow(cause)
    if (exchange !== undefined) this.#forget(exchange, cause)
  }

  onDrain(): void {
    const exchange = this.#exchange
    this.#blocked = false
    if (exchange !== undefined) exchange.sink?.onDrain()
    else if (this.#phase === 'head' && this.#held.size > 0) this.#goOn()
  }

  onClose(cause: CloseCause): void {
    const exchange = this.#exchange
    this.#phase = 'over'
    this.#held.clear()
    if (exchange !== undefined) this.#forget(exchange, cause)
    this.#sink.onConnectionClose(this.#end.cause ?? cause)
  }
}

const ENDED = closeCause('client', 'http1', 'end_of_stream')
const LEFT = closeCause('client', 'http1', 'client_disconnect')

const causeOf = (fault: HeadFault): CloseCause =>
  closeCause(errorEntry(fault.code).fault === 'client' ? 'client' : 'proxy', 'http1', fault.code, fault.detail)
