// One downstream connection under an HTTP connection manager: chooses the codec, makes an exchange of every request,
// keeps the connection's timers and statistics. Belongs to the listener that accepted it.

import { closeCause, type CloseCause } from '../core/close-cause.ts'
import { DenseSet } from '../core/dense-set.ts'
import { errorEntry, type ErrorCode } from '../core/errors.ts'
import type { ConnectionId } from '../core/ids.ts'
import type { Deadline } from '../core/timer-wheel.ts'
import type { RequestHead, ServerConnection, ServerConnectionSink, ServerStream } from '../codec/http-stream.ts'
import { HeaderList } from '../codec/header-list.ts'
import type { Http1ServerHooks } from '../codec/http1/options.ts'
import type { ServedConnection } from '../filter/network-filter.ts'
import { observe } from '../observe/stats/registry.ts'
import type { StreamInfo } from '../transport/byte-stream.ts'
import type { ReplayableStream } from '../transport/replay.ts'
import { chooseCodec } from './codec-choice.ts'
import { Exchange } from './exchange.ts'
import { addFlag, blankFacts } from '../format/blank-facts.ts'
import type { HcmRuntime } from './runtime.ts'

export class DownstreamConnection implements ServerConnectionSink, Http1ServerHooks, ServedConnection {
  denseIndex = -1
  readonly id: ConnectionId
  readonly runtime: HcmRuntime
  readonly info: StreamInfo
  readonly answersContinue: boolean
  readonly #stream: ReplayableStream
  readonly #onClose: (connection: DownstreamConnection) => void
  readonly #exchanges = new DenseSet<Exchange>()
  readonly #openedMs: number
  #codec: ServerConnection | undefined
  #requests = 0
  #idle: Deadline | undefined
  #duration: Deadline | undefined
  #headTimer: Deadline | undefined
  #closing: Deadline | undefined
  #closed = false
  /** Set when the proxy decided to end the connection, to tell its own closes from the client's. */
  #draining: CloseCause | undefined

  /** Takes over `stream`; `onClose` is called once when it is gone. Nothing happens before `start`. */
  constructor(
    runtime: HcmRuntime,
    id: ConnectionId,
    stream: ReplayableStream,
    onClose: (connection: DownstreamConnection) => void,
  ) {
    this.id = id
    this.runtime = runtime
    this.info = stream.info
    this.answersContinue = !runtime.config.proxy100Continue
    this.#stream = stream
    this.#onClose = onClose
    this.#openedMs = runtime.clock.now()
  }

  get scheme(): 'http' | 'https' {
    return this.info.tls === undefined ? 'http' : 'https'
  }

  get exchanges(): Iterable<Exchange> {
    return this.#exchanges
  }

  start(): void {
    const { runtime } = this
    const { stats, config } = runtime
    stats.cxTotal.value++
    stats.cxActive.value++
    if (this.info.tls !== undefined) {
      stats.cxSslTotal.value++
      stats.cxSslActive.value++
    }
    this.#stream.setHighWater(runtime.bufferLimitBytes)
    const { idleTimeoutMs, maxConnectionDurationMs } = config.common
    if (idleTimeoutMs !== undefined) this.#idle = runtime.wheel.arm(idleTimeoutMs, () => this.#idleExpired())
    if (maxConnectionDurationMs !== undefined)
      this.#duration = runtime.wheel.arm(maxConnectionDurationMs, () => this.#durationReached())
    chooseCodec(this.#stream, this)
  }

  /** The codec was chosen; called by `chooseCodec` at once or after the first bytes. */
  useCodec(codec: ServerConnection): void {
    this.#codec = codec
    const { stats } = this.runtime
    if (codec.protocol === 'HTTP/2') {
      stats.cxHttp2Total.value++
      stats.cxHttp2Active.value++
    } else {
      stats.cxHttp1Total.value++
      stats.cxHttp1Active.value++
    }
    if (this.#draining !== undefined) codec.drain(this.#draining)
  }

  /** The first byte of a request head arrived (HTTP/1) or a header block began (HTTP/2). */
  onHeadStart(): void {
    const { requestHeadersTimeoutMs } = this.runtime.config
    if (requestHeadersTimeoutMs === undefined || this.#headTimer !== undefined) return
    this.#headTimer = this.runtime.wheel.arm(requestHeadersTimeoutMs, () => this.#headExpired())
  }

  onHeadComplete(): void {
    this.#headTimer?.cancel()
    this.#headTimer = undefined
  }

  onIdle(): void {
    this.#idle?.touch()
  }

  /** The last answer is out and the client may still be sending: wait a little so that it can read it (RFC 9112 §9.6). */
  onClosing(): void {
    const { delayedCloseTimeoutMs } = this.runtime.config
    if (delayedCloseTimeoutMs === undefined) {
      this.#codec?.close(closeCause('proxy', 'http', 'finished'))
      return
    }
    this.#closing = this.runtime.wheel.arm(delayedCloseTimeoutMs, () => {
      this.runtime.stats.cxDelayedCloseTimeout.value++
      this.#codec?.close(closeCause('proxy', 'http', 'delayed_close_timeout'))
    })
  }

  onRequest(stream: ServerStream, head: RequestHead, endStream: boolean): void {
    const { stats, config } = this.runtime
    this.onHeadComplete()
    this.#requests++
    stats.rqTotal.value++
    stats.rqActive.value++
    if (head.protocol === 'HTTP/2') stats.rqHttp2Total.value++
    else stats.rqHttp1Total.value++
    const exchange = new Exchange(this, stream, head, endStream)
    this.#exchanges.add(exchange)
    const limit = config.common.maxRequestsPerConnection
    if (limit !== undefined && this.#requests === limit) {
      stats.cxMaxRequestsReached.value++
      stream.closeAfterResponse()
    }
    exchange.start()
  }

  onExchangeEnd(exchange: Exchange): void {
    if (!this.#exchanges.delete(exchange)) return
    this.runtime.stats.rqActive.value--
    this.#idle?.touch()
    const { facts } = exchange
    if (!facts.tunnelled) observe(this.runtime.stats.rqTime, (facts.times.end ?? facts.times.start) - facts.times.start)
  }

  onCodecError(code: ErrorCode, detail: string, head: Partial<RequestHead>): void {
    const { runtime } = this
    runtime.stats.cxProtocolError.value++
    const request = head.method === undefined ? undefined : partialHead(head)
    const facts = blankFacts(runtime.clock, this.id, this.info, runtime, request)
    const { status, flag, detail: words } = errorEntry(code)
    addFlag(facts, flag)
    facts.responseCode = status
    facts.responseCodeDetails = words
    facts.cause = closeCause('client', request?.protocol === 'HTTP/2' ? 'http2' : 'http1', code, detail)
    facts.times.end = facts.now
    facts.logType = 'DownstreamEnd'
    for (const logger of runtime.loggers) logger.log(facts)
  }

  onConnectionClose(cause: CloseCause): void {
    if (this.#closed) return
    this.#closed = true
    this.#idle?.cancel()
    this.#duration?.cancel()
    this.#headTimer?.cancel()
    this.#closing?.cancel()
    const active = this.#exchanges.size > 0
    for (const exchange of this.#exchanges.snapshot()) exchange.onReset(cause)
    this.#countClose(cause, active)
    this.#onClose(this)
  }

  /** Graceful end: no new requests; closes when the last exchange ended. */
  drain(cause: CloseCause): void {
    if (this.#draining !== undefined || this.#closed) return
    this.#draining = cause
    this.runtime.stats.cxDrainClose.value++
    if (this.#codec === undefined) this.#stream.close(cause)
    else this.#codec.drain(cause)
  }

  /** Ends it now, tunnels with it. */
  close(cause: CloseCause): void {
    for (const exchange of this.#exchanges.snapshot()) exchange.terminate(cause)
    if (this.#codec === undefined) this.#stream.close(cause)
    else this.#codec.close(cause)
  }

  #idleExpired(): void {
    if (this.#closed) return
    const { idleTimeoutMs } = this.runtime.config.common
    if (this.#exchanges.size > 0) {
      if (idleTimeoutMs !== undefined) this.#idle = this.runtime.wheel.arm(idleTimeoutMs, () => this.#idleExpired())
      return
    }
    this.runtime.stats.cxIdleTimeout.value++
    this.drain(closeCause('proxy', 'http', 'connection_idle', `no request for ${idleTimeoutMs ?? 0} ms`))
  }

  #durationReached(): void {
    this.runtime.stats.cxMaxDurationReached.value++
    this.drain(closeCause('proxy', 'http', 'drained', 'max_connection_duration was reached'))
  }

  #headExpired(): void {
    this.runtime.stats.rqHeaderTimeout.value++
    const cause = closeCause('proxy', 'http', 'request_header_timeout', 'the request head was not complete in time')
    // The HTTP/1 codec answers 408 and tells of it itself.
    if (this.#codec?.protocol !== 'HTTP/1.1') this.onCodecError('request_header_timeout', cause.detail, {})
    if (this.#codec === undefined) this.#stream.close(cause)
    else this.#codec.close(cause)
  }

  #countClose(cause: CloseCause, active: boolean): void {
    const { stats } = this.runtime
    const remote = cause.by === 'client'
    stats.cxActive.value--
    if (this.info.tls !== undefined) stats.cxSslActive.value--
    if (this.#codec !== undefined)
      (this.#codec.protocol === 'HTTP/2' ? stats.cxHttp2Active : stats.cxHttp1Active).value--
    stats.cxDestroy.value++
    const destroyed = remote ? stats.cxDestroyRemote : stats.cxDestroyLocal
    destroyed.value++
    if (active) {
      stats.cxDestroyActiveRq.value++
      const withActive = remote ? stats.cxDestroyRemoteActiveRq : stats.cxDestroyLocalActiveRq
      withActive.value++
    }
    stats.cxRxBytesTotal.value += this.#stream.bytesRead
    stats.cxTxBytesTotal.value += this.#stream.bytesWritten
    observe(stats.cxLengthMs, this.runtime.clock.now() - this.#openedMs)
  }
}

function partialHead(head: Partial<RequestHead>): RequestHead {
  return {
    method: head.method ?? '',
    scheme: head.scheme ?? 'http',
    authority: head.authority ?? '',
    path: head.path ?? '',
    protocol: head.protocol ?? 'HTTP/1.1',
    headers: head.headers ?? new HeaderList(),
    tunnel: undefined,
  }
}
