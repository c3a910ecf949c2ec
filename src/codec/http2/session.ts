// One HTTP/2 connection (RFC 9113), as both sides have it: takes frames from the reader and does to streams, windows and
// settings what they say. What heads mean is added by server.ts and client.ts.

import { type CloseCause, closeCause } from '../../core/close-cause.ts'
import type { ByteStream, ByteStreamSink } from '../../transport/byte-stream.ts'
import { H2_ERROR, type Http2Role } from './error-code.ts'
import { FieldSection, type SectionKind } from './field-section.ts'
import { grownWindow, WINDOW_OVERFLOW } from './flow-control.ts'
import { DEFAULT_WINDOW, FLAG, FRAME } from './frame.ts'
import { FrameReader, type FrameSink } from './frame-reader.ts'
import { frameFault } from './frame-rules.ts'
import { HeaderBlock } from './header-block.ts'
import { DEFAULT_TABLE_SIZE } from './hpack/dynamic-table.ts'
import { HpackDecoder } from './hpack/decoder.ts'
import type { Http2Options } from './options.ts'
import { SessionHost } from './session-host.ts'
import { ownSettings } from './settings.ts'
import type { Http2Stream } from './stream.ts'
import { remoteOpen } from './stream-state.ts'

export abstract class Session extends SessionHost implements ByteStreamSink, FrameSink {
  protected readonly section: FieldSection
  protected settingsSeen = false
  readonly #reader: FrameReader
  readonly #decoder = new HpackDecoder()
  readonly #block: HeaderBlock
  // The DATA frame at hand.
  #dataStream: Http2Stream | undefined
  #dataEndStream = false

  constructor(role: Http2Role, transport: ByteStream, options: Http2Options) {
    super(role, transport, options)
    this.section = new FieldSection(options)
    this.#reader = new FrameReader(this, role === 'server')
    this.#block = new HeaderBlock(options)
    // Raised now, because the peer may use a larger table as soon as it reads our SETTINGS; lowered at their ACK (§4.2).
    if (options.hpackTableSize > DEFAULT_TABLE_SIZE) this.#decoder.setLimit(options.hpackTableSize)
  }

  /** A complete header block; answers false when the connection is over. */
  protected abstract onHeaderBlock(
    streamId: number,
    endStream: boolean,
    block: Buffer,
    start: number,
    end: number,
  ): boolean
  protected abstract onGoaway(lastStreamId: number, code: number, detail: string): void
  protected abstract onPingAck(payload: Buffer, start: number): void
  protected abstract onSettingsApplied(first: boolean): void
  /** A frame on a stream of this kind of id that was never opened (RFC 9113 §5.1 "idle"). */
  protected abstract isIdle(streamId: number): boolean
  protected abstract onGone(cause: CloseCause): void

  /** Bytes of incomplete frames and header blocks that are held. */
  get heldBytes(): number {
    return this.#reader.heldBytes + this.#block.bytes.length
  }

  /** Sends the connection preface (RFC 9113 §3.4) and starts reading. */
  protected open(): void {
    if (this.role === 'client') this.writer.preface()
    this.writer.settings(ownSettings(this.role, this.options))
    const more = this.receiveWindow.left - DEFAULT_WINDOW
    if (more > 0) this.writer.windowUpdate(0, more)
    this.transport.setSink(this)
    this.keepalive?.start()
  }

  protected override stopReading(): void {
    this.#reader.stop()
    this.#block.clear()
  }

  // ── ByteStreamSink ──────────────────────────────────────────────────────────────────────────────────────────────────

  onData(buffer: Buffer, start: number, end: number): void {
    if (this.over) return
    this.keepalive?.onRead()
    this.writer.refresh()
    this.#reader.read(buffer, start, end)
    this.turns.take()
  }

  /** A peer that cannot send cannot open windows either: the connection is as good as gone. */
  onEnd(): void {
    if (this.over) return
    const idle = this.streams.size === 0
    const by = this.role === 'server' ? 'client' : 'upstream'
    const code = idle ? 'finished' : this.role === 'server' ? 'client_disconnect' : 'upstream_closed'
    const cause = closeCause(by, 'tcp', code, 'the peer ended the connection')
    this.endStreams((stream) => stream.lossCause('tcp', 'lost', cause.detail))
    this.transport.close(cause)
  }

  onDrain(): void {
    this.writer.unblock()
    this.turns.take()
  }

  onClose(cause: CloseCause): void {
    this.keepalive?.stop()
    const lost = cause.by === 'client' || cause.by === 'upstream'
    this.endStreams((stream) => (lost ? stream.lossCause(cause.layer, 'lost', cause.detail) : cause))
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
        return this.guard.messageFrame(empty) ? 'take' : this.flood('empty frames')
      }
      case FRAME.priority:
        // RFC 9113 §5.3.2: priority signals are read over.
        if (!this.guard.priorityFrame()) return this.flood('PRIORITY frames')
        return this.guard.controlFrame() ? 'skip' : this.flood('control frames')
      case FRAME.windowUpdate:
        return this.guard.windowUpdateFrame() ? 'take' : this.flood('WINDOW_UPDATE frames')
      case FRAME.rstStream:
        return 'take'
      case FRAME.settings:
      case FRAME.ping:
      case FRAME.goaway:
        return this.guard.controlFrame() ? 'take' : this.flood('control frames')
      default:
        // §4.1, §5.5: unknown types are dropped unread.
        return this.guard.controlFrame() ? 'skip' : this.flood('control frames')
    }
  }

  onFrame(type: number, flags: number, streamId: number, payload: Buffer, start: number, end: number): boolean {
    this.#handle(type, flags, streamId, payload, start, end)
    return this.afterFrame()
  }

  onDataFrame(flags: number, streamId: number, length: number): boolean {
    this.#dataStream = undefined
    if (!this.#frameAllowed(FRAME.data, flags, streamId, length)) return false
    const endStream = (flags & FLAG.endStream) !== 0
    if (length > 0 && !this.receiveWindow.take(length)) {
      return this.connectionError(H2_ERROR.flowControlError, 'DATA beyond the connection window')
    }
    const padded = (flags & FLAG.padded) !== 0
    // With padding the payload is known only with the next byte: see onDataPadding.
    if (!padded && !this.guard.messageFrame(length === 0 && !endStream)) {
      this.flood('empty frames')
      return false
    }
    const stream = this.streams.get(streamId)
    this.#dataEndStream = endStream
    if (stream === undefined) return this.#dataOnClosed(streamId, endStream)
    if (!remoteOpen(stream.state)) return this.streamFault(streamId, H2_ERROR.streamClosed, 'DATA after END_STREAM')
    if (!stream.mayReceiveData) return this.malformed(stream, streamId, 'DATA before the response head')
    if (!stream.incoming.window.take(length)) {
      return this.streamFault(streamId, H2_ERROR.flowControlError, 'DATA beyond the stream window')
    }
    this.#dataStream = stream
    return true
  }

  onDataPadding(bytes: number, payload: number): boolean {
    if (!this.guard.messageFrame(payload === 0 && !this.#dataEndStream)) {
      this.flood('empty frames')
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
      return this.afterFrame()
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

  // ── Frames ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #frameAllowed(type: number, flags: number, streamId: number, length: number): boolean {
    if (length > this.options.maxFrameSize)
      return this.connectionError(H2_ERROR.frameSizeError, 'a frame larger than MAX_FRAME_SIZE')
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
      this.connectionError(
        from > end ? H2_ERROR.frameSizeError : H2_ERROR.protocolError,
        'HEADERS shorter than padding and priority',
      )
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
      this.options.stats.inbound_continuation_flood++
      this.flood('header block')
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
    if (!open) return this.streamFault(stream.id, H2_ERROR.streamClosed, 'HEADERS after END_STREAM')
    const { section } = this
    if (section.overflow) {
      this.options.stats.header_overflow++
      return this.streamFault(stream.id, H2_ERROR.enhanceYourCalm, 'trailers larger than the limits')
    }
    if (!endStream) return this.malformed(stream, stream.id, 'HEADERS in the middle of a message')
    if (section.malformed !== '')
      return this.malformed(stream, stream.id, section.malformed, 'http2_invalid_header_field')
    if (!stream.incoming.countsAgree(0, true))
      return this.malformed(stream, stream.id, 'DATA disagrees with content-length')
    // Deviation: RFC 9113 §8.5 has no HEADERS on a tunnel. As in Envoy trailers with END_STREAM just end it.
    this.options.stats.trailers++
    stream.remoteEnded()
    stream.incoming.receiveTrailers(section.takeHeaders())
    stream.afterRemoteEnd()
    return !this.over
  }

  /** A header block on a stream that is closed. It went through HPACK only. */
  protected onHeadersClosed(streamId: number, endStream: boolean): boolean {
    this.options.stats.headers_cb_no_stream++
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
        return this.streamFault(streamId, H2_ERROR.streamClosed, `${name} after RST_STREAM`)
      case 'ended':
        return this.connectionError(H2_ERROR.streamClosed, `${name} on a closed stream`)
    }
  }

  #rstStreamFrame(streamId: number, code: number): void {
    const stream = this.streams.get(streamId)
    if (stream !== undefined) {
      this.options.stats.rx_reset++
      stream.peerReset(code)
    } else if (this.isIdle(streamId)) {
      this.connectionError(H2_ERROR.protocolError, 'RST_STREAM on an idle stream')
    } else {
      this.closedStreams.peerDone(streamId, 'reset')
    }
  }

  #settingsFrame(flags: number, payload: Buffer, start: number, end: number): void {
    if ((flags & FLAG.ack) !== 0) {
      if (this.options.hpackTableSize < DEFAULT_TABLE_SIZE) this.#decoder.setLimit(this.options.hpackTableSize)
      return
    }
    const { peer } = this
    const windowBefore = peer.initialWindowSize
    const fault = peer.read(payload, start, end)
    if (fault !== undefined) {
      this.connectionError(
        fault.code,
        fault.detail,
        fault.code === H2_ERROR.enhanceYourCalm ? 'http2_flood' : undefined,
      )
      return
    }
    const first = !this.settingsSeen
    this.settingsSeen = true
    this.encoder.setPeerLimit(peer.smallestTableSize)
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
      if (window === WINDOW_OVERFLOW)
        return this.connectionError(H2_ERROR.flowControlError, 'SETTINGS overflow a window')
      stream.outgoing.window = window
      if (stream.outgoing.ready) this.enlist(stream)
    }
    return true
  }

  #windowUpdateFrame(streamId: number, increment: number): void {
    if (streamId === 0) {
      const window = grownWindow(this.turns.window, increment)
      if (increment === 0) this.connectionError(H2_ERROR.protocolError, 'WINDOW_UPDATE of 0')
      else if (window === WINDOW_OVERFLOW)
        this.connectionError(H2_ERROR.flowControlError, 'the connection window overflows')
      else this.turns.window = window
      return
    }
    const stream = this.streams.get(streamId)
    if (stream === undefined) {
      if (this.isIdle(streamId)) this.connectionError(H2_ERROR.protocolError, 'WINDOW_UPDATE on an idle stream')
      return
    }
    const window = grownWindow(stream.outgoing.window, increment)
    if (increment === 0) this.streamFault(streamId, H2_ERROR.protocolError, 'WINDOW_UPDATE of 0')
    else if (window === WINDOW_OVERFLOW)
      this.streamFault(streamId, H2_ERROR.flowControlError, 'the stream window overflows')
    else {
      stream.outgoing.window = window
      if (stream.outgoing.ready) this.enlist(stream)
    }
  }
}
