// One HTTP/2 connection (RFC 9113), as both sides have it: takes frames from the reader, keeps streams, windows and
// limits, and ends with GOAWAY. What heads mean is added by server.ts and client.ts.

import { type CloseCause, closeCause } from '../../core/close-cause.ts'
import { type ErrorCode, errorEntry } from '../../core/errors.ts'
import type { ByteStream, ByteStreamSink } from '../../transport/byte-stream.ts'
import type { HeaderList } from '../header-list.ts'
import { ClosedStreams } from './closed-streams.ts'
import { H2_ERROR, h2ErrorName, type Http2Role } from './error-code.ts'
import { FieldSection, type SectionKind } from './field-section.ts'
import { FloodGuard } from './flood-guard.ts'
import { grownWindow, ReceiveWindow, WINDOW_OVERFLOW } from './flow-control.ts'
import { DEFAULT_WINDOW, FLAG, FRAME } from './frame.ts'
import { FrameReader, type FrameSink } from './frame-reader.ts'
import { frameFault } from './frame-rules.ts'
import { FrameWriter } from './frame-writer.ts'
import { encodeTrailers } from './head-encoding.ts'
import { HeaderBlock } from './header-block.ts'
import { DEFAULT_TABLE_SIZE } from './hpack/dynamic-table.ts'
import { HpackDecoder } from './hpack/decoder.ts'
import { HpackEncoder } from './hpack/encoder.ts'
import { Keepalive } from './keepalive.ts'
import type { Http2Options } from './options.ts'
import { ownSettings, PeerSettings } from './settings.ts'
import type { Http2Stream } from './stream.ts'
import type { StreamEnd, StreamHost } from './stream-host.ts'
import { remoteOpen } from './stream-state.ts'
import { StreamTable } from './stream-table.ts'

/** Largest DATA frame sent, whatever the peer takes: others want their turn. */
const LARGEST_DATA_FRAME = 64 * 1024

const KEEPALIVE_PING = Buffer.from('sluice:k', 'latin1')

export abstract class Session implements ByteStreamSink, FrameSink, StreamHost {
  readonly protocol = 'HTTP/2'
  readonly role: Http2Role
  readonly transport: ByteStream
  readonly options: Http2Options
  readonly writer: FrameWriter
  over = false
  protected readonly streams = new StreamTable()
  protected readonly peer: PeerSettings
  readonly encoder: HpackEncoder
  protected readonly section: FieldSection
  protected readonly guard: FloodGuard
  protected readonly closedStreams = new ClosedStreams()
  protected readonly keepalive: Keepalive | undefined
  /** Highest id of a stream the peer opened, which GOAWAY names. */
  protected lastPeerStreamId = 0
  protected settingsSeen = false
  protected settingsAcknowledged = false
  readonly #reader: FrameReader
  readonly #decoder = new HpackDecoder()
  readonly #block: HeaderBlock
  readonly #receiveWindow: ReceiveWindow
  #sendWindow = DEFAULT_WINDOW
  /** Streams with something to send, in the order of their turns. */
  readonly #turns = new Set<Http2Stream>()
  #takingTurns = false
  readonly #wakes: Http2Stream[] = []
  readonly #runWakes = (): void => this.#wakeAll()
  // The DATA frame at hand.
  #dataStream: Http2Stream | undefined
  #dataEndStream = false

  constructor(role: Http2Role, transport: ByteStream, options: Http2Options) {
    this.role = role
    this.transport = transport
    this.options = options
    this.writer = new FrameWriter(transport)
    this.peer = new PeerSettings(role)
    this.encoder = new HpackEncoder(options.hpackTableSize)
    this.section = new FieldSection(options)
    this.guard = new FloodGuard(options)
    this.#reader = new FrameReader(this, role === 'server')
    this.#block = new HeaderBlock(options)
    this.#receiveWindow = new ReceiveWindow(Math.max(options.initialConnectionWindowSize, DEFAULT_WINDOW))
    const { connectionKeepalive } = options
    this.keepalive = connectionKeepalive && new Keepalive(this, options.clock, connectionKeepalive)
    // Raised now, because the peer may use a larger table as soon as it reads our SETTINGS; lowered at their ACK (§4.2).
    if (options.hpackTableSize > DEFAULT_TABLE_SIZE) this.#decoder.setLimit(options.hpackTableSize)
  }

  /** A complete header block; answers false when the connection is over. */
  protected abstract onHeaderBlock(streamId: number, endStream: boolean, block: Buffer, start: number, end: number): boolean
  protected abstract onGoaway(lastStreamId: number, code: number, detail: string): void
  protected abstract onPingAck(payload: Buffer, start: number): void
  protected abstract onSettingsApplied(first: boolean): void
  /** A frame on a stream of this kind of id that was never opened (RFC 9113 §5.1 "idle"). */
  protected abstract isIdle(streamId: number): boolean
  protected abstract onStreamGone(stream: Http2Stream, end: StreamEnd): void
  protected abstract onCodecFault(code: ErrorCode, detail: string): void
  protected abstract onGone(cause: CloseCause): void

  get activeStreams(): number {
    return this.streams.size
  }

  get #stats() {
    return this.options.stats
  }

  /** Sends the connection preface (RFC 9113 §3.4) and starts reading. */
  protected open(): void {
    if (this.role === 'client') this.writer.preface()
    this.writer.settings(ownSettings(this.role, this.options))
    const more = this.#receiveWindow.left - DEFAULT_WINDOW
    if (more > 0) this.writer.windowUpdate(0, more)
    this.transport.setSink(this)
    this.keepalive?.start()
  }

  // ── ByteStreamSink ──────────────────────────────────────────────────────────────────────────────────────────────────

  onData(buffer: Buffer, start: number, end: number): void {
    if (this.over) return
    this.keepalive?.onRead()
    this.writer.refresh()
    this.#reader.read(buffer, start, end)
    this.#takeTurns()
  }

  /** A peer that cannot send cannot open windows either: the connection is as good as gone. */
  onEnd(): void {
    if (this.over) return
    const idle = this.streams.size === 0
    const by = this.role === 'server' ? 'client' : 'upstream'
    const code = idle ? 'finished' : this.role === 'server' ? 'client_disconnect' : 'upstream_closed'
    const cause = closeCause(by, 'tcp', code, 'the peer ended the connection')
    this.#endStreams((stream) => stream.lossCause('tcp', 'lost', cause.detail))
    this.transport.close(cause)
  }

  onDrain(): void {
    this.writer.unblock()
    this.#takeTurns()
  }

  onClose(cause: CloseCause): void {
    this.keepalive?.stop()
    const lost = cause.by === 'client' || cause.by === 'upstream'
    this.#endStreams((stream) => (lost ? stream.lossCause(cause.layer, 'lost', cause.detail) : cause))
    this.onGone(cause)
  }

  // ── FrameSink ───────────────────────────────────────────────────────────────────────────────────────────────────────

  onBadPreface(): void {
    this.connectionError(H2_ERROR.protocolError, 'the connection does not begin with the HTTP/2 preface')
  }

  onBadPadding(): void {
    this.connectionError(H2_ERROR.protocolError, 'padding longer than the frame')
  }

  onFrameHeader(type: number, flags: number, streamId: number, length: number): 'take' | 'skip' | 'stop' {
    if (!this.#frameAllowed(type, flags, streamId, length)) return 'stop'
    switch (type) {
      case FRAME.headers:
      case FRAME.continuation: {
        const empty = length === 0 && (type === FRAME.continuation || (flags & FLAG.endStream) === 0)
        return this.guard.messageFrame(empty) ? 'take' : this.#flood('empty frames')
      }
      case FRAME.priority:
        // RFC 9113 §5.3.2: priority signals are read over.
        if (!this.guard.priorityFrame()) return this.#flood('PRIORITY frames')
        return this.guard.controlFrame() ? 'skip' : this.#flood('control frames')
      case FRAME.windowUpdate:
        return this.guard.windowUpdateFrame() ? 'take' : this.#flood('WINDOW_UPDATE frames')
      case FRAME.rstStream:
        return 'take'
      case FRAME.settings:
      case FRAME.ping:
      case FRAME.goaway:
        return this.guard.controlFrame() ? 'take' : this.#flood('control frames')
      default:
        // §4.1, §5.5: unknown types are dropped unread.
        return this.guard.controlFrame() ? 'skip' : this.#flood('control frames')
    }
  }

  onFrame(type: number, flags: number, streamId: number, payload: Buffer, start: number, end: number): boolean {
    this.#handle(type, flags, streamId, payload, start, end)
    return this.#afterFrame()
  }

  onDataFrame(flags: number, streamId: number, length: number): boolean {
    this.#dataStream = undefined
    if (!this.#frameAllowed(FRAME.data, flags, streamId, length)) return false
    const endStream = (flags & FLAG.endStream) !== 0
    if (length > 0 && !this.#receiveWindow.take(length)) {
      return this.connectionError(H2_ERROR.flowControlError, 'DATA beyond the connection window')
    }
    const padded = (flags & FLAG.padded) !== 0
    // With padding the payload is known only with the next byte: see onDataPadding.
    if (!padded && !this.guard.messageFrame(length === 0 && !endStream)) {
      this.#flood('empty frames')
      return false
    }
    const stream = this.streams.get(streamId)
    this.#dataEndStream = endStream
    if (stream === undefined) return this.#dataOnClosed(streamId, endStream)
    if (!remoteOpen(stream.state)) return this.#streamFault(streamId, H2_ERROR.streamClosed, 'DATA after END_STREAM')
    if (!stream.mayReceiveData) return this.malformed(stream, streamId, 'DATA before the response head')
    if (!stream.incoming.window.take(length)) {
      return this.#streamFault(streamId, H2_ERROR.flowControlError, 'DATA beyond the stream window')
    }
    this.#dataStream = stream
    return true
  }

  onDataPadding(bytes: number, payload: number): boolean {
    if (!this.guard.messageFrame(payload === 0 && !this.#dataEndStream)) {
      this.#flood('empty frames')
      return false
    }
    const stream = this.#dataStream
    if (stream === undefined) this.giveBack(bytes)
    else stream.incoming.useUnseen(bytes)
    return true
  }

  onDataBytes(buffer: Buffer, start: number, end: number, last: boolean): boolean {
    const stream = this.#dataStream
    if (stream === undefined || stream.state === 'closed') {
      // Nobody wants it, but the connection's window must not leak (RFC 9113 §5.1, "closed").
      this.giveBack(end - start)
      return this.#afterFrame()
    }
    const endStream = last && this.#dataEndStream
    if (!stream.incoming.countsAgree(end - start, endStream)) {
      this.giveBack(end - start)
      this.#dataStream = undefined
      return this.malformed(stream, stream.id, 'DATA disagrees with content-length')
    }
    if (endStream) stream.remoteEnded()
    stream.incoming.receive(buffer, start, end, endStream)
    if (endStream) stream.afterRemoteEnd()
    return !this.over
  }

  // ── StreamHost ──────────────────────────────────────────────────────────────────────────────────────────────────────

  dataAllowance(wanted: number): number {
    return this.#turns.size > 0 ? 0 : this.turnAllowance(wanted)
  }

  turnAllowance(wanted: number): number {
    if (this.over || this.writer.blocked) return 0
    return Math.min(wanted, this.#sendWindow, this.writer.maxFrameSize, LARGEST_DATA_FRAME)
  }

  writeData(streamId: number, buffer: Uint8Array, start: number, end: number, endStream: boolean): void {
    if (this.over) return
    this.#sendWindow -= end - start
    this.guard.dataFrameSent()
    this.writer.data(streamId, buffer, start, end, endStream)
  }

  writeTrailers(streamId: number, trailers: HeaderList): void {
    if (this.over) return
    encodeTrailers(this.encoder, this.writer.startBlock(), trailers)
    this.writer.headers(streamId, true)
  }

  enlist(stream: Http2Stream): void {
    this.#turns.add(stream)
  }

  giveBack(bytes: number): void {
    this.#receiveWindow.use(bytes)
    const increment = this.#receiveWindow.increment()
    if (increment > 0 && !this.over) this.writer.windowUpdate(0, increment)
  }

  wakeLater(stream: Http2Stream): void {
    if (stream.waking) return
    stream.waking = true
    if (this.#wakes.push(stream) === 1) queueMicrotask(this.#runWakes)
  }

  streamClosed(stream: Http2Stream, end: StreamEnd): void {
    if (!this.streams.delete(stream.id)) return
    this.#turns.delete(stream)
    this.#stats.streams_active--
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
    this.#stats.keepalive_timeout++
    const by = this.role === 'server' ? 'client' : 'upstream'
    const cause = closeCause(by, 'http2', 'http2_keepalive_timeout', 'a PING was not answered')
    this.#endStreams((stream) => stream.lossCause('http2', 'lost', cause.detail))
    this.transport.reset(cause)
  }

  // ── Ends ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Ends now: GOAWAY, all streams reset with `cause`. */
  close(cause: CloseCause): void {
    if (this.over) return
    this.goaway(this.lastPeerStreamId, errorEntry(cause.code).http2, '')
    this.#endStreams(() => cause)
    this.transport.close(cause)
  }

  /** Orderly end of a connection without streams. */
  protected finish(cause: CloseCause): void {
    if (this.role === 'client') this.goaway(this.lastPeerStreamId, H2_ERROR.noError, '')
    this.#endStreams(() => cause)
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
    this.#endStreams((stream) => (this.role === 'server' ? cause : stream.lossCause('http2', 'protocol', text)))
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
    this.#stats.rx_messaging_error++
    if (!this.options.streamErrorOnInvalidMessage) return this.connectionError(H2_ERROR.protocolError, reason, code)
    if (stream === undefined) this.onCodecFault(code, reason)
    return this.#streamFault(streamId, H2_ERROR.protocolError, reason)
  }

  /** RFC 9113 §5.4.2: RST_STREAM for a fault of the peer. Answers whether the connection goes on. */
  #streamFault(streamId: number, code: number, detail: string): boolean {
    const stream = this.streams.get(streamId)
    if (stream !== undefined) stream.resetWith(code, stream.lossCause('http2', 'protocol', `${h2ErrorName(code)}: ${detail}`), true)
    else this.resetUnknown(streamId, code)
    return this.#afterFrame()
  }

  /** RST_STREAM on a stream that has no object. */
  protected resetUnknown(streamId: number, code: number): void {
    this.closedStreams.remember(streamId, 'resetByUs')
    this.writer.rstStream(streamId, code, true)
    this.#stats.tx_reset++
  }

  protected streamFault(streamId: number, code: number, detail: string): boolean {
    return this.#streamFault(streamId, code, detail)
  }

  protected goaway(lastStreamId: number, code: number, detail: string): void {
    this.writer.goaway(lastStreamId, code, detail)
    this.#stats.goaway_sent++
  }

  /** Nothing is sent or read any more; every stream hears its cause. */
  #endStreams(causeOf: (stream: Http2Stream) => CloseCause): void {
    this.over = true
    this.#reader.stop()
    this.#block.clear()
    this.keepalive?.stop()
    for (const stream of this.streams.snapshot()) stream.lost(causeOf(stream))
  }

  // ── Frames ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #frameAllowed(type: number, flags: number, streamId: number, length: number): boolean {
    if (length > this.options.maxFrameSize) return this.connectionError(H2_ERROR.frameSizeError, 'a frame larger than MAX_FRAME_SIZE')
    // §3.4: SETTINGS come first, from both sides.
    if (!this.settingsSeen && (type !== FRAME.settings || (flags & FLAG.ack) !== 0)) {
      return this.connectionError(H2_ERROR.protocolError, 'the first frame is not SETTINGS')
    }
    // §6.10: nothing comes between the frames of a header block.
    const blockOf = this.#block.streamId
    if (blockOf !== 0 && (type !== FRAME.continuation || streamId !== blockOf)) {
      return this.connectionError(H2_ERROR.protocolError, 'a header block is interrupted')
    }
    if (blockOf === 0 && type === FRAME.continuation) {
      return this.connectionError(H2_ERROR.protocolError, 'CONTINUATION without HEADERS')
    }
    const fault = frameFault(type, flags, streamId, length)
    return fault === undefined || this.connectionError(fault.code, fault.detail)
  }

  #handle(type: number, flags: number, streamId: number, payload: Buffer, start: number, end: number): void {
    switch (type) {
      case FRAME.headers:
        return this.#headersFrame(flags, streamId, payload, start, end)
      case FRAME.continuation:
        return this.#addToBlock(flags, payload, start, end)
      case FRAME.rstStream:
        return this.#rstStreamFrame(streamId, payload.readUInt32BE(start))
      case FRAME.settings:
        return this.#settingsFrame(flags, payload, start, end)
      case FRAME.ping:
        if ((flags & FLAG.ack) !== 0) this.onPingAck(payload, start)
        else this.writer.ping(payload, start, true)
        return
      case FRAME.goaway:
        // §6.8: the reserved bit is ignored. Debug data is the peer's words: shortened, and printable only.
        return this.onGoaway(
          payload.readUInt32BE(start) & 0x7fff_ffff,
          payload.readUInt32BE(start + 4),
          payload.toString('latin1', start + 8, Math.min(end, start + 8 + 100)).replace(/[^\x20-\x7e]/g, '?'),
        )
      case FRAME.windowUpdate:
        this.#windowUpdateFrame(streamId, payload.readUInt32BE(start) & 0x7fff_ffff)
    }
  }

  /** §6.2: padding and priority around the fragment. */
  #headersFrame(flags: number, streamId: number, payload: Buffer, start: number, end: number): void {
    let from = start
    let to = end
    if ((flags & FLAG.padded) !== 0) {
      to -= payload[from++] ?? 0
      if (from > end) to = -1
    }
    if ((flags & FLAG.priority) !== 0) from += 5
    if (from > to) {
      this.connectionError(from > end ? H2_ERROR.frameSizeError : H2_ERROR.protocolError, 'HEADERS shorter than padding and priority')
      return
    }
    const endStream = (flags & FLAG.endStream) !== 0
    if ((flags & FLAG.endHeaders) !== 0) {
      this.onHeaderBlock(streamId, endStream, payload, from, to)
      return
    }
    this.#block.begin(streamId, endStream)
    this.#addToBlock(0, payload, from, to)
  }

  #addToBlock(flags: number, payload: Buffer, start: number, end: number): void {
    const block = this.#block
    if (!block.add(payload, start, end)) {
      this.#stats.inbound_continuation_flood++
      this.#flood('header block')
      return
    }
    if ((flags & FLAG.endHeaders) === 0) return
    const { streamId, endStream, bytes, length } = block
    block.clear()
    this.onHeaderBlock(streamId, endStream, bytes, 0, length)
  }

  /** Decodes into the section; false when the connection is over (RFC 9113 §4.3). */
  protected decode(kind: SectionKind, block: Buffer, start: number, end: number): boolean {
    this.section.begin(kind)
    if (!this.#decoder.decode(block, start, end, this.section)) {
      return this.connectionError(H2_ERROR.compressionError, 'a header block cannot be decoded')
    }
    this.section.end()
    return true
  }

  /** A header block on a stream whose head is there already (RFC 9113 §8.1). */
  protected onTrailers(stream: Http2Stream, endStream: boolean, block: Buffer, start: number, end: number): boolean {
    const open = remoteOpen(stream.state)
    if (!this.decode(open ? 'trailers' : 'ignored', block, start, end)) return false
    if (!open) return this.#streamFault(stream.id, H2_ERROR.streamClosed, 'HEADERS after END_STREAM')
    const { section } = this
    if (section.overflow) {
      this.#stats.header_overflow++
      return this.#streamFault(stream.id, H2_ERROR.enhanceYourCalm, 'trailers larger than the limits')
    }
    if (!endStream) return this.malformed(stream, stream.id, 'HEADERS in the middle of a message')
    if (section.malformed !== '') return this.malformed(stream, stream.id, section.malformed, 'http2_invalid_header_field')
    if (!stream.incoming.countsAgree(0, true)) return this.malformed(stream, stream.id, 'DATA disagrees with content-length')
    // Deviation: RFC 9113 §8.5 has no HEADERS on a tunnel. As in Envoy trailers with END_STREAM just end it.
    this.#stats.trailers++
    stream.remoteEnded()
    stream.incoming.receiveTrailers(section.takeHeaders())
    stream.afterRemoteEnd()
    return !this.over
  }

  /** A header block on a stream that is closed. It went through HPACK only. */
  protected onHeadersClosed(streamId: number, endStream: boolean): boolean {
    this.#stats.headers_cb_no_stream++
    return this.#onClosed(streamId, 'HEADERS', endStream)
  }

  #dataOnClosed(streamId: number, endStream: boolean): boolean {
    if (this.isIdle(streamId)) return this.connectionError(H2_ERROR.protocolError, 'DATA on an idle stream')
    return this.#onClosed(streamId, 'DATA', endStream)
  }

  /** §5.1 "closed". */
  #onClosed(streamId: number, name: string, endStream: boolean): boolean {
    switch (this.closedStreams.howEnded(streamId)) {
      case 'resetByUs':
        if (endStream) this.closedStreams.peerDone(streamId, 'ended')
        return true
      case 'resetByPeer':
        return this.#streamFault(streamId, H2_ERROR.streamClosed, `${name} after RST_STREAM`)
      case 'ended':
        return this.connectionError(H2_ERROR.streamClosed, `${name} on a closed stream`)
    }
  }

  #rstStreamFrame(streamId: number, code: number): void {
    const stream = this.streams.get(streamId)
    if (stream !== undefined) {
      this.#stats.rx_reset++
      stream.peerReset(code)
    } else if (this.isIdle(streamId)) {
      this.connectionError(H2_ERROR.protocolError, 'RST_STREAM on an idle stream')
    } else {
      this.closedStreams.peerDone(streamId, 'reset')
    }
  }

  #settingsFrame(flags: number, payload: Buffer, start: number, end: number): void {
    if ((flags & FLAG.ack) !== 0) {
      this.settingsAcknowledged = true
      if (this.options.hpackTableSize < DEFAULT_TABLE_SIZE) this.#decoder.setLimit(this.options.hpackTableSize)
      return
    }
    const { peer } = this
    const windowBefore = peer.initialWindowSize
    const fault = peer.read(payload, start, end)
    if (fault !== undefined) {
      this.connectionError(fault.code, fault.detail, fault.code === H2_ERROR.enhanceYourCalm ? 'http2_flood' : undefined)
      return
    }
    const first = !this.settingsSeen
    this.settingsSeen = true
    this.encoder.setPeerLimit(peer.headerTableSize)
    this.writer.maxFrameSize = peer.maxFrameSize
    if (!this.#moveWindows(peer.initialWindowSize - windowBefore)) return
    this.writer.settingsAck()
    this.onSettingsApplied(first)
  }

  /** §6.9.2: a new initial size moves the window of every stream, below zero if need be. */
  #moveWindows(delta: number): boolean {
    if (delta === 0) return true
    for (const stream of this.streams.snapshot()) {
      const window = grownWindow(stream.outgoing.window, delta)
      if (window === WINDOW_OVERFLOW) return this.connectionError(H2_ERROR.flowControlError, 'SETTINGS overflow a window')
      stream.outgoing.window = window
      if (stream.outgoing.ready) this.enlist(stream)
    }
    return true
  }

  #windowUpdateFrame(streamId: number, increment: number): void {
    if (streamId === 0) {
      const window = grownWindow(this.#sendWindow, increment)
      if (increment === 0) this.connectionError(H2_ERROR.protocolError, 'WINDOW_UPDATE of 0')
      else if (window === WINDOW_OVERFLOW) this.connectionError(H2_ERROR.flowControlError, 'the connection window overflows')
      else this.#sendWindow = window
      return
    }
    const stream = this.streams.get(streamId)
    if (stream === undefined) {
      if (this.isIdle(streamId)) this.connectionError(H2_ERROR.protocolError, 'WINDOW_UPDATE on an idle stream')
      return
    }
    const window = grownWindow(stream.outgoing.window, increment)
    if (increment === 0) this.#streamFault(streamId, H2_ERROR.protocolError, 'WINDOW_UPDATE of 0')
    else if (window === WINDOW_OVERFLOW) this.#streamFault(streamId, H2_ERROR.flowControlError, 'the stream window overflows')
    else {
      stream.outgoing.window = window
      if (stream.outgoing.ready) this.enlist(stream)
    }
  }

  #flood(what: string): 'stop' {
    this.connectionError(H2_ERROR.enhanceYourCalm, `too many or too large: ${what}`, 'http2_flood')
    return 'stop'
  }

  protected flood(what: string): void {
    this.#flood(what)
  }

  /** What a frame made this side send must not pile up (CVE-2019-9512 and its kin). Answers whether to go on. */
  #afterFrame(): boolean {
    if (this.over) return false
    const { writer, options } = this
    if (writer.waitingReplies > options.maxOutboundControlFrames) {
      writer.refresh()
      if (writer.waitingReplies > options.maxOutboundControlFrames) {
        this.#stats.outbound_control_flood++
        this.#flood('control frames that wait for the socket')
      }
    } else if (writer.waitingFrames > options.maxOutboundFrames) {
      writer.refresh()
      if (writer.waitingFrames > options.maxOutboundFrames) {
        this.#stats.outbound_flood++
        this.#flood('frames that wait for the socket')
      }
    }
    return !this.over
  }

  // ── Turns ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** One frame for each stream that waits, again and again, while windows and socket last. */
  #takeTurns(): void {
    if (this.#takingTurns || this.#turns.size === 0) return
    this.#takingTurns = true
    // A stream that is added again during the walk comes up again behind the others: that is the round-robin.
    for (const stream of this.#turns) {
      if (this.over || this.writer.blocked || this.#sendWindow <= 0) break
      this.#turns.delete(stream)
      stream.outgoing.takeTurn()
      if (stream.outgoing.ready && stream.state !== 'closed') this.#turns.add(stream)
    }
    this.#takingTurns = false
  }

  #wakeAll(): void {
    const wakes = this.#wakes.splice(0)
    for (const stream of wakes) {
      stream.waking = false
      stream.wake()
    }
  }
}
