// The client side of HTTP/1.1 on one upstream connection (RFC 9112): one request at a time, never pipelined. The
// response is read as strictly as a request, and bytes that answer nothing end the connection.

import { type CloseCause, closeCause } from '../../core/close-cause.ts'
import type { ErrorCode } from '../../core/errors.ts'
import { READ_BUFFER_BYTES, TUNNEL_HELD_BYTES } from '../../core/limits.ts'
import { type ByteStream, type ByteStreamSink, PAUSE } from '../../transport/byte-stream.ts'
import type {
  ClientConnection,
  ClientConnectionSink,
  ClientStream,
  ClientStreamSink,
  RequestHead,
} from '../http-stream.ts'
import { BodyReader } from './body-reader.ts'
import { ClientExchange, type ClientExchangeHost } from './client-exchange.ts'
import { FAULT, type HeadFault } from './head-fault.ts'
import { HeadScanner, INCOMPLETE, MALFORMED } from './head-scanner.ts'
import { HeldBytes } from '../held-bytes.ts'
import type { Http1ClientOptions } from './options.ts'
import { ReadGate } from './read-gate.ts'
import { type ParsedResponse, parseResponseHead } from './response-head.ts'
import { parseTrailers } from './trailer-section.ts'
import { TunnelStream, type TunnelOwner } from './tunnel-stream.ts'

/** Speaks HTTP/1.1 on `stream`, a dialled connection, on behalf of `sink`. Never throws on input. */
export function http1Client(
  stream: ByteStream,
  sink: ClientConnectionSink,
  options: Http1ClientOptions,
): ClientConnection {
  const connection = new Http1ClientConnection(stream, sink, options)
  stream.setSink(connection)
  return connection
}

/**
 *   idle ─► head ─► body ─► idle …       a response without a body skips `body`
 *             │       └──► sending ─►    the response is complete, the request is not yet
 *             └─► tunnel                 bytes are held until somebody takes the byte stream
 */
type Phase = 'idle' | 'head' | 'body' | 'sending' | 'tunnel' | 'closed'

class Http1ClientConnection implements ClientConnection, ByteStreamSink, ClientExchangeHost, TunnelOwner {
  readonly protocol = 'HTTP/1.1'
  readonly extendedConnect = true
  readonly stream: ByteStream
  readonly options: Http1ClientOptions
  readonly gate: ReadGate
  readonly #sink: ClientConnectionSink
  readonly #scanner = new HeadScanner()
  readonly #body: BodyReader
  /** The part of a head that has arrived, or early tunnel bytes. */
  readonly #held = new HeldBytes()
  #phase: Phase = 'idle'
  #exchange: ClientExchange | undefined
  #tunnel: TunnelStream | undefined
  /** No other request may follow the current one. */
  #last = false
  #cause: CloseCause | undefined

  constructor(stream: ByteStream, sink: ClientConnectionSink, options: Http1ClientOptions) {
    this.stream = stream
    this.options = options
    this.#sink = sink
    this.gate = new ReadGate(stream)
    this.#body = new BodyReader(options.maxHeaders)
  }

  get activeStreams(): number {
    return this.#exchange === undefined ? 0 : 1
  }

  get availableStreams(): number {
    return this.#phase === 'idle' && !this.#last && this.stream.closed === undefined ? 1 : 0
  }

  // ── the request ───────────────────────────────────────────────────────────────────────────────────────────────────

  request(head: RequestHead, endStream: boolean, sink: ClientStreamSink): ClientStream {
    const exchange = new ClientExchange(this, head, sink)
    if (this.availableStreams === 0) return refuseLater(exchange, this.#cause ?? NOT_AVAILABLE)
    this.#exchange = exchange
    this.#phase = 'head'
    // RFC 9110 §7.8: whether the answer switches is known only then; envoy.md §2.5: such a connection is not used again.
    if (head.tunnel !== undefined) this.#last = true
    if (exchange.start(head, endStream)) return exchange
    this.#exchange = undefined
    this.#phase = 'idle'
    return refuseLater(exchange, NOT_EXPRESSIBLE)
  }

  onRequestEnd(exchange: ClientExchange): void {
    if (exchange === this.#exchange && exchange.responseEnded) this.#finishExchange(exchange)
  }

  // ── bytes in ──────────────────────────────────────────────────────────────────────────────────────────────────────

  onData(buffer: Buffer, start: number, end: number): void {
    const held = this.#held
    if (held.size === 0 || this.#phase !== 'head') return this.#consume(buffer, start, end)
    held.append(buffer, start, end)
    if (
      this.#scanner.scan(held.bytes, 0, held.size, this.options.maxHeadBytes, this.options.maxHeaders + 1) ===
      INCOMPLETE
    )
      return
    const bytes = held.take()
    this.#consume(bytes, 0, bytes.length)
  }

  #consume(buffer: Buffer, start: number, end: number): void {
    let position = start
    while (position < end) {
      switch (this.#phase) {
        case 'head':
          position = this.#readHead(buffer, position, end)
          break
        case 'body':
          position = this.#readBody(buffer, position, end)
          break
        case 'tunnel':
          this.#readTunnel(buffer, position, end)
          position = end
          break
        case 'idle':
        case 'sending':
          // Taken for the next answer it would be one that its request did not cause (response splitting).
          this.#break(FAULT.unsolicited)
          position = end
          break
        case 'closed':
          position = end
      }
    }
  }

  #readHead(buffer: Buffer, start: number, end: number): number {
    const exchange = this.#exchange
    const stop = this.#scanner.scan(buffer, start, end, this.options.maxHeadBytes, this.options.maxHeaders + 1)
    if (stop === INCOMPLETE) {
      this.#held.append(buffer, start, end)
      return end
    }
    const fault = stop === MALFORMED ? (this.#scanner.fault ?? FAULT.bareCr) : undefined
    this.#scanner.reset()
    if (exchange === undefined || fault !== undefined) {
      this.#break(fault ?? FAULT.unsolicited)
      return end
    }
    const parsed = parseResponseHead(buffer, start, stop - 2, exchange, this.options)
    if (parsed.kind === 'broken') this.#break(parsed.fault)
    else this.#respond(exchange, parsed)
    return stop
  }

  #respond(exchange: ClientExchange, response: ParsedResponse): void {
    const { head, framing } = response
    if (head.status < 200 && head.status !== 101) return exchange.sink.onInformational(head)
    exchange.responded = true
    if (framing.kind === 'tunnel') {
      exchange.accepted = true
      this.#phase = 'tunnel'
      return exchange.sink.onResponse(head, false)
    }
    if (!response.keepAlive || framing.kind === 'until-close') this.#last = true
    this.#body.begin(framing)
    if (!this.#body.ended) {
      this.#phase = 'body'
      return exchange.sink.onResponse(head, false)
    }
    this.#endResponse(exchange)
    exchange.sink.onResponse(head, true)
    this.#settle(exchange)
  }

  #readBody(buffer: Buffer, start: number, end: number): number {
    const body = this.#body
    const exchange = this.#exchange
    const position = body.advance(buffer, start, end)
    if (exchange === undefined || body.fault !== undefined) {
      this.#break(body.fault ?? FAULT.unsolicited)
      return end
    }
    if (!body.ended) {
      if (body.dataEnd > body.dataStart) exchange.sink.onData(buffer, body.dataStart, body.dataEnd, false)
      return position
    }
    const trailers = body.trailers === undefined ? undefined : parseTrailers(body.trailers, this.options)
    if (trailers !== undefined && 'detail' in trailers) {
      this.#break(trailers)
      return end
    }
    this.#endResponse(exchange)
    if (trailers === undefined || trailers.size === 0 || !this.options.enableTrailers) {
      exchange.sink.onData(buffer, body.dataStart, body.dataEnd, true)
    } else exchange.sink.onTrailers(trailers)
    this.#settle(exchange)
    return position
  }

  #readTunnel(buffer: Buffer, start: number, end: number): void {
    if (this.#tunnel !== undefined) return this.#tunnel.onData(buffer, start, end)
    this.gate.pauseForCodec(PAUSE.notReady)
    this.#held.append(buffer, start, end)
    if (this.#held.size > TUNNEL_HELD_BYTES + READ_BUFFER_BYTES) this.#break(FAULT.unsolicited)
  }

  // ── the end of an exchange ────────────────────────────────────────────────────────────────────────────────────────

  /** The response is complete; its last part has not been told yet, and in that call the sink may do anything. */
  #endResponse(exchange: ClientExchange): void {
    exchange.responseEnded = true
    this.#phase = 'sending'
  }

  /** After the response's last part was told. */
  #settle(exchange: ClientExchange): void {
    if (exchange !== this.#exchange) return
    // An upgrade or CONNECT that was refused has sent nothing but its head: its request is over too.
    const over = exchange.tunnel !== undefined || (this.#last && !exchange.separate)
    if (exchange.requestEnded || over) this.#finishExchange(exchange)
  }

  #finishExchange(exchange: ClientExchange): void {
    if (exchange.closed !== undefined) return
    exchange.closed = FINISHED
    exchange.requestEnded = true
    this.#exchange = undefined
    this.gate.releaseExchange()
    if (exchange.separate) exchange.sink.onFinished?.()
    if (this.#last) return this.#closeNow(FINISHED)
    this.#phase = 'idle'
    this.#sink.onAvailability()
  }

  becomeTunnel(exchange: ClientExchange): ByteStream {
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
    this.#phase = 'closed'
    this.#sink.onConnectionClose(cause)
  }

  // ── failures and closing ──────────────────────────────────────────────────────────────────────────────────────────

  /** The upstream broke the protocol: nothing it sends from here on means anything. */
  #break(fault: HeadFault): void {
    const exchange = this.#exchange
    const code: ErrorCode = exchange?.responded === true ? 'upstream_protocol_error_late' : 'upstream_protocol_error'
    const cause = closeCause('upstream', 'http1', code, fault.detail)
    this.#closeNow(cause)
    if (exchange !== undefined) this.#forget(exchange, cause)
  }

  abort(exchange: ClientExchange, cause: CloseCause): void {
    if (exchange.closed !== undefined) return
    if (exchange === this.#exchange) this.#closeNow(cause)
    if (exchange.separate) this.stream.reset(cause)
    this.#forget(exchange, cause)
  }

  separate(exchange: ClientExchange): void {
    // envoy.md §2.8: a connection that carried a tunnel carries nothing else.
    if (exchange === this.#exchange) this.#last = true
  }

  closeAfterSending(exchange: ClientExchange, cause: CloseCause): void {
    exchange.endMessage()
    if (exchange.closed !== undefined) return
    this.#closeNow(cause)
    this.#forget(exchange, cause)
  }

  #forget(exchange: ClientExchange, cause: CloseCause): void {
    if (exchange.closed !== undefined) return
    exchange.closed = cause
    if (this.#exchange === exchange) this.#exchange = undefined
    exchange.sink.onReset(cause)
  }

  drain(cause: CloseCause): void {
    this.#last = true
    if (this.#phase === 'idle') this.#closeNow(cause)
    else this.#sink.onAvailability()
  }

  close(cause: CloseCause): void {
    const exchange = this.#exchange
    this.#closeNow(cause)
    if (exchange !== undefined && this.#tunnel === undefined) this.#forget(exchange, cause)
  }

  #closeNow(cause: CloseCause): void {
    if (this.#phase === 'closed') return
    if (this.#tunnel === undefined) this.#phase = 'closed'
    this.#cause ??= cause
    this.#held.clear()
    this.stream.close(this.#cause)
  }

  // ── the transport's events ────────────────────────────────────────────────────────────────────────────────────────

  onEnd(): void {
    const exchange = this.#exchange
    if (exchange !== undefined && this.#phase === 'body' && this.#body.endsAtClose()) {
      this.#endResponse(exchange)
      exchange.sink.onData(NOTHING, 0, 0, true)
      return this.#settle(exchange)
    }
    // Of separate directions the upstream's has ended in order; the other goes on.
    if (exchange?.separate === true && this.#phase === 'sending') return
    const cause = exchange === undefined ? ENDED : closedBy(exchange, '')
    this.#closeNow(cause)
    if (exchange !== undefined) this.#forget(exchange, cause)
  }

  onDrain(): void {
    this.#exchange?.sink.onDrain()
  }

  onClose(cause: CloseCause): void {
    const exchange = this.#exchange
    this.#phase = 'closed'
    this.#held.clear()
    if (exchange !== undefined) this.#forget(exchange, this.#cause ?? lost(exchange, cause))
    this.#sink.onConnectionClose(this.#cause ?? cause)
  }
}

const NOTHING = Buffer.alloc(0)
const FINISHED = closeCause('proxy', 'http1', 'finished')
const ENDED = closeCause('upstream', 'http1', 'end_of_stream')
const NOT_AVAILABLE = closeCause(
  'proxy',
  'http1',
  'upstream_closed_before_response',
  'the connection takes no more requests',
)
const NOT_EXPRESSIBLE = closeCause('client', 'http1', 'invalid_path', 'the request cannot be written as HTTP/1.1')

const closedBy = (exchange: ClientExchange, detail: string): CloseCause =>
  closeCause('upstream', 'http1', exchange.responded ? 'upstream_closed' : 'upstream_closed_before_response', detail)

/** What the loss of the connection is to its exchange; who closed it on purpose is kept. */
const lost = (exchange: ClientExchange, cause: CloseCause): CloseCause =>
  cause.by === 'upstream' ? closedBy(exchange, cause.detail) : cause

/** A stream that never began: its sink hears it after `request` has returned. */
function refuseLater(exchange: ClientExchange, cause: CloseCause): ClientStream {
  exchange.closed = cause
  queueMicrotask(() => exchange.sink.onReset(cause))
  return exchange
}
