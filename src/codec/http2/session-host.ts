// What an HTTP/2 connection is to its streams, on both sides, and how it ends: RST_STREAM for the fault of a stream,
// GOAWAY for the connection's (RFC 9113 §5.4). What frames mean is added by session.ts.

import { type CloseCause, closeCause } from '../../core/close-cause.ts'
import { type ErrorCode, errorEntry } from '../../core/errors.ts'
import type { ByteStream } from '../../transport/byte-stream.ts'
import type { HeaderList } from '../header-list.ts'
import { ClosedStreams } from './closed-streams.ts'
import { H2_ERROR, h2ErrorName, type Http2Role } from './error-code.ts'
import { FloodGuard } from './flood-guard.ts'
import { ReceiveWindow } from './flow-control.ts'
import { DEFAULT_WINDOW } from './frame.ts'
import { FrameWriter } from './frame-writer.ts'
import { encodeTrailers } from './head-encoding.ts'
import { HpackEncoder } from './hpack/encoder.ts'
import { Keepalive, type KeepaliveHost } from './keepalive.ts'
import type { Http2Options } from './options.ts'
import { SendTurns } from './send-turns.ts'
import { PeerSettings } from './settings.ts'
import type { Http2Stream } from './stream.ts'
import type { StreamEnd, StreamHost } from './stream-host.ts'
import { StreamTable } from './stream-table.ts'

const KEEPALIVE_PING = Buffer.from('sluice:k', 'latin1')

export abstract class SessionHost implements StreamHost, KeepaliveHost {
  readonly protocol = 'HTTP/2'
  readonly role: Http2Role
  readonly transport: ByteStream
  readonly options: Http2Options
  readonly writer: FrameWriter
  over = false
  readonly encoder: HpackEncoder
  protected readonly streams = new StreamTable()
  protected readonly peer: PeerSettings
  protected readonly guard: FloodGuard
  protected readonly closedStreams = new ClosedStreams()
  protected readonly keepalive: Keepalive | undefined
  protected readonly turns: SendTurns
  protected readonly receiveWindow: ReceiveWindow
  /** Highest id of a stream of the peer that was or may be served, which GOAWAY names. */
  protected lastPeerStreamId = 0
  readonly #wakes: Http2Stream[] = []
  readonly #runWakes = (): void => this.#wakeAll()

  constructor(role: Http2Role, transport: ByteStream, options: Http2Options) {
    this.role = role
    this.transport = transport
    this.options = options
    this.writer = new FrameWriter(transport)
    this.turns = new SendTurns(this.writer)
    this.peer = new PeerSettings(role)
    this.encoder = new HpackEncoder(options.hpackTableSize)
    this.guard = new FloodGuard(options)
    this.receiveWindow = new ReceiveWindow(Math.max(options.initialConnectionWindowSize, DEFAULT_WINDOW))
    const { connectionKeepalive } = options
    this.keepalive = connectionKeepalive && new Keepalive(this, options.clock, connectionKeepalive)
  }

  /** The stream is not in the table any more. */
  protected abstract onStreamGone(stream: Http2Stream, end: StreamEnd): void
  /** The peer broke the protocol outside of any stream's life. */
  protected abstract onCodecFault(code: ErrorCode, detail: string): void
  /** Bytes that come from now on are dropped. */
  protected abstract stopReading(): void

  get activeStreams(): number {
    return this.streams.size
  }

  // ── StreamHost ──────────────────────────────────────────────────────────────────────────────────────────────────────

  dataAllowance(wanted: number): number {
    return this.turns.waiting ? 0 : this.turnAllowance(wanted)
  }

  turnAllowance(wanted: number): number {
    return this.over ? 0 : this.turns.allowance(wanted)
  }

  writeData(streamId: number, buffer: Uint8Array, start: number, end: number, endStream: boolean): void {
    if (this.over) return
    this.turns.window -= end - start
    this.guard.dataFrameSent()
    this.writer.data(streamId, buffer, start, end, endStream)
  }

  writeTrailers(streamId: number, trailers: HeaderList): void {
    if (this.over) return
    encodeTrailers(this.encoder, this.writer.startBlock(), trailers)
    this.writer.headers(streamId, true)
  }

  enlist(stream: Http2Stream): void {
    this.turns.add(stream)
  }

  giveBack(bytes: number): void {
    this.receiveWindow.use(bytes)
    const increment = this.receiveWindow.increment()
    if (increment > 0 && !this.over) this.writer.windowUpdate(0, increment)
  }

  wakeLater(stream: Http2Stream): void {
    if (stream.waking) return
    stream.waking = true
    if (this.#wakes.push(stream) === 1) queueMicrotask(this.#runWakes)
  }

  streamClosed(stream: Http2Stream, end: StreamEnd): void {
    if (!this.streams.delete(stream.id)) return
    this.turns.delete(stream)
    this.options.stats.streams_active--
    if (end === 'resetByPeer') this.closedStreams.remember(stream.id, 'resetByPeer')
    else if (end === 'resetByUs' || end === 'fault') this.closedStreams.remember(stream.id, 'resetByUs')
    this.onStreamGone(stream, end)
  }

  // ── Keepalive ───────────────────────────────────────────────────────────────────────────────────────────────────────

  sendKeepalivePing(): void {
    this.writer.ping(KEEPALIVE_PING, 0, false)
    this.transport.flush()
  }

  keepaliveFailed(): void {
    this.options.stats.keepalive_timeout++
    const by = this.role === 'server' ? 'client' : 'upstream'
    const cause = closeCause(by, 'http2', 'http2_keepalive_timeout', 'a PING was not answered')
    this.endStreams((stream) => stream.lossCause('http2', 'lost', cause.detail))
    this.transport.reset(cause)
  }

  // ── Ends ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Ends now: GOAWAY, all streams reset with `cause`. */
  close(cause: CloseCause): void {
    if (this.over) return
    this.goaway(this.lastPeerStreamId, errorEntry(cause.code).http2, '')
    this.endStreams(() => cause)
    this.transport.close(cause)
  }

  /** Orderly end of a connection without streams. */
  protected finish(cause: CloseCause): void {
    if (this.role === 'client') this.goaway(this.lastPeerStreamId, H2_ERROR.noError, '')
    this.endStreams(() => cause)
    this.transport.close(cause)
  }

  /** RFC 9113 §5.4.1. Always answers false, for the frame that caused it. */
  protected connectionError(h2Code: number, detail: string, code: ErrorCode = 'http2_protocol_violation'): false {
    if (this.over) return false
    this.goaway(this.lastPeerStreamId, h2Code, detail)
    const text = `${h2ErrorName(h2Code)}: ${detail}`
    const fault = this.role === 'server' ? code : 'upstream_protocol_error'
    const cause = closeCause(this.role === 'server' ? 'client' : 'upstream', 'http2', fault, text)
    this.over = true
    this.onCodecFault(code, text)
    this.endStreams((stream) => (this.role === 'server' ? cause : stream.lossCause('http2', 'protocol', text)))
    this.transport.close(cause)
    return false
  }

  /** A message that breaks RFC 9113 §8.1.1; `stream` when it is one that lives. */
  protected malformed(
    stream: Http2Stream | undefined,
    streamId: number,
    reason: string,
    code: ErrorCode = 'http2_protocol_violation',
  ): boolean {
    this.options.stats.rx_messaging_error++
    if (!this.options.streamErrorOnInvalidMessage) return this.connectionError(H2_ERROR.protocolError, reason, code)
    if (stream === undefined) this.onCodecFault(code, reason)
    return this.streamFault(streamId, H2_ERROR.protocolError, reason)
  }

  /** RFC 9113 §5.4.2: RST_STREAM for a fault of the peer. Answers whether the connection goes on. */
  protected streamFault(streamId: number, code: number, detail: string): boolean {
    const stream = this.streams.get(streamId)
    if (stream !== undefined)
      stream.resetWith(code, stream.lossCause('http2', 'protocol', `${h2ErrorName(code)}: ${detail}`), true)
    else this.resetUnknown(streamId, code)
    return this.afterFrame()
  }

  /** RST_STREAM on a stream that has no object. */
  protected resetUnknown(streamId: number, code: number): void {
    this.closedStreams.remember(streamId, 'resetByUs')
    this.writer.rstStream(streamId, code, true)
    this.options.stats.tx_reset++
  }

  protected goaway(lastStreamId: number, code: number, detail: string): void {
    this.writer.goaway(lastStreamId, code, detail)
    this.options.stats.goaway_sent++
  }

  /** Nothing is sent or read any more; every stream hears its cause. */
  protected endStreams(causeOf: (stream: Http2Stream) => CloseCause): void {
    this.over = true
    this.stopReading()
    this.keepalive?.stop()
    for (const stream of this.streams.snapshot()) stream.lost(causeOf(stream))
  }

  /** Answers `stop`, for the frame that was one too many. */
  protected flood(what: string): 'stop' {
    this.connectionError(H2_ERROR.enhanceYourCalm, `too many or too large: ${what}`, 'http2_flood')
    return 'stop'
  }

  /** What a frame made this side send must not pile up (CVE-2019-9512 and its kin). Answers whether to go on. */
  protected afterFrame(): boolean {
    if (this.over) return false
    const { writer, options } = this
    if (writer.waitingReplies > options.maxOutboundControlFrames) {
      writer.refresh()
      if (writer.waitingReplies > options.maxOutboundControlFrames) {
        this.options.stats.outbound_control_flood++
        this.flood('control frames that wait for the socket')
      }
    } else if (writer.waitingFrames > options.maxOutboundFrames) {
      writer.refresh()
      if (writer.waitingFrames > options.maxOutboundFrames) {
        this.options.stats.outbound_flood++
        this.flood('frames that wait for the socket')
      }
    }
    return !this.over
  }

  #wakeAll(): void {
    const wakes = this.#wakes.splice(0)
    for (const stream of wakes) {
      stream.waking = false
      stream.wake()
    }
  }
}
