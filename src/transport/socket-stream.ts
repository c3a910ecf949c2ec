// A byte stream on a socket: gathers writes per loop turn, reads straight out of the read buffer, and says why it ended.

import type { Socket } from 'node:net'
import { constants } from 'node:os'
import type { CloseCause } from '../core/close-cause.ts'
import { READ_BUFFER_BYTES, WRITE_HIGH_WATER_BYTES } from '../core/limits.ts'
import type { ByteStreamSink, PauseReason, ReadStatus, StreamInfo, TlsInfo, WriteStatus } from './byte-stream.ts'
import { containFault } from './fault.ts'
import { type Lingering, linger } from './linger.ts'
import { releaseReadBuffer, sharedReadBuffer, takeReadBuffer } from './read-buffer.ts'
import type { ReplayableStream, StreamAmendment } from './replay.ts'
import { type PeerSide, endedBeforeReset, finished, socketFailure } from './socket-cause.ts'
import type { SocketWire, WireOwner } from './socket-wire.ts'
import { type Flushable, currentPoll, enterRead, flushAfterPoll, flushSoon, leaveRead } from './turn.ts'
import { SocketInfo } from './socket-info.ts'
import { resetWhenStalled } from './stalled-close.ts'
import { WriteQueue } from './write-queue.ts'

/** Why reading is held back besides the callers' reasons: an unfinished write uses this socket's read buffer. */
const LENT = 1 << 30

/** Reads of at least this many bytes count as bulk; two in a row give the socket its own read buffer. */
const BULK_READ_BYTES = READ_BUFFER_BYTES / 2

/** Smaller reads in a row after which a socket goes back to the shared read buffer. */
const CALM_READS = 8

/** Chunks of at least this many bytes are sent without a copy when the reader's buffer can be borrowed. */
const DIRECT_BYTES = 8 * 1024

/** Marks of fan-in at which writes wait for the end of the poll phase: two for each further reader, less one a phase. */
const FAN_IN_ENOUGH = 4

/** The socket whose read callback runs. */
let reader: SocketStream | undefined

/** `peer` says who is at the other end: the client of an accepted socket, the upstream of a dialled one. */
export class SocketStream implements ReplayableStream, WireOwner, Flushable, Lingering {
  writeStatus: WriteStatus = 'open'
  closed: CloseCause | undefined
  bytesRead = 0
  bytesWritten = 0
  discarded = false
  readonly #wire: SocketWire
  readonly #peer: PeerSide
  readonly #tls: TlsInfo | undefined
  readonly #queue = new WriteQueue()
  #info: StreamInfo | undefined
  #sink: ByteStreamSink | undefined
  #pauses = 0
  #reading = false
  #readEnded = false
  #highWater = WRITE_HIGH_WATER_BYTES
  #wantsDrain = false
  #dirty = false
  /** Nothing is sent or delivered any more: the wire was told to close, or only discards. */
  #gone = false
  #wireClosed = false
  #finSent = false
  #selfEndedFirst = false
  /** Why nothing can be sent any more, while what the peer had sent before is still read. */
  #broken: CloseCause | undefined
  #lingering: { cancel(): void } | undefined
  #stallWatch: { cancel(): void } | undefined
  /** Read buffer of its own; undefined while the shared one serves. */
  #ownBuffer: Buffer | undefined
  #unusualReads = 0
  /** Bytes that were put back and go to the next sink first. */
  #replay: Buffer | undefined
  /** The stream whose read buffer the unfinished write uses. */
  #lender: SocketStream | undefined
  #lastReader: SocketStream | undefined
  #lastPoll = -1
  #fanIn = 0

  constructor(wire: SocketWire, peer: PeerSide, tls?: TlsInfo) {
    this.#wire = wire
    this.#peer = peer
    this.#tls = tls
    wire.owner = this
  }

  get info(): StreamInfo {
    return (this.#info ??= new SocketInfo(this.#wire, this.#tls))
  }

  amend(facts: StreamAmendment): void {
    const { local, remote, state } = this.info
    const known = state === undefined ? {} : { state }
    this.#info = new SocketInfo(this.#wire, this.#tls, { local, remote, ...known, ...facts })
  }

  /** The system's number of the socket, for questions that only the system answers; -1 when it has none. */
  get descriptor(): number {
    return this.#gone ? -1 : this.#wire.descriptor
  }

  get queuedBytes(): number {
    return this.#queue.waitingBytes + (this.#queue.sending && !this.#gone ? this.#wire.pendingBytes() : 0)
  }

  get readStatus(): ReadStatus {
    // Bytes that were put back, and then the end, are still to come.
    if ((this.#readEnded && this.#replay === undefined) || this.#gone) return 'ended'
    return this.#pauses === 0 ? 'open' : 'paused'
  }

  setSink(sink: ByteStreamSink): void {
    if (this.#sink === undefined && this.#wireClosed) process.nextTick(() => this.#tellClose())
    this.#sink = sink
    if (this.#replay !== undefined) process.nextTick(() => this.#deliverReplay())
    else this.#updateReading()
  }

  write(buffer: Uint8Array, start: number, end: number): boolean {
    if (this.writeStatus !== 'open' || this.closed !== undefined || start >= end) return true
    this.bytesWritten += end - start
    if (end - start >= DIRECT_BYTES && reader?.lends(buffer) === true && this.#queue.isEmpty) {
      this.#writeBorrowed(reader, buffer, start, end)
    } else {
      this.#queue.append(buffer, start, end)
      if (!this.#dirty) this.#markDirty()
      else if (reader !== this.#lastReader) this.#noteReader()
    }
    return this.#underHighWater()
  }

  writeLatin1(text: string): boolean {
    if (this.writeStatus !== 'open' || this.closed !== undefined || text === '') return true
    this.bytesWritten += text.length
    this.#queue.appendLatin1(text)
    if (!this.#dirty) this.#markDirty()
    return this.#underHighWater()
  }

  flush(): void {
    // A stream listed for the end of the turn finds nothing left to do there.
    if (this.#dirty) this.#send()
  }

  endWriting(): void {
    if (this.writeStatus !== 'open' || this.closed !== undefined) return
    this.writeStatus = 'ending'
    if (!this.#readEnded) this.#selfEndedFirst = true
    if (!this.#dirty) this.#markDirty()
  }

  close(cause: CloseCause): void {
    if (this.closed !== undefined) return
    this.closed = cause
    this.writeStatus = 'ending'
    this.#wantsDrain = false
    this.#updateReading()
    if (!this.#dirty) this.#markDirty()
  }

  reset(cause: CloseCause): void {
    if (this.#gone) return
    this.closed ??= cause
    this.#leave()
    this.#wire.reset()
  }

  pauseReading(reason: PauseReason): void {
    this.#pauses |= reason
    if (this.#reading) this.#updateReading()
  }

  resumeReading(reason: PauseReason): void {
    this.#pauses &= ~reason
    if (this.#replay !== undefined) process.nextTick(() => this.#deliverReplay())
    else if (!this.#reading) this.#updateReading()
  }

  setHighWater(bytes: number): void {
    this.#highWater = bytes
  }

  unread(bytes: Buffer): void {
    if (this.#gone) return
    this.bytesRead -= bytes.length
    this.#replay = this.#replay === undefined ? bytes : Buffer.concat([bytes, this.#replay])
    this.#sink = undefined
    this.#updateReading()
  }

  passOn(buffer: Buffer, start: number, end: number): void {
    if (this.closed === undefined) this.#sink?.onData(buffer, start, end)
  }

  flushTurn(): void {
    if (this.#dirty) this.#send()
  }

  onRead(buffer: Buffer, length: number): Buffer | undefined {
    if (!this.#reading) return this.#keep(buffer, length)
    this.#deliver(buffer, length)
    return length >= BULK_READ_BYTES || this.#ownBuffer !== undefined ? this.#chooseBuffer(length) : this.#calm()
  }

  onReadEnd(errno: number): void {
    if (this.#readEnded) return
    this.#readEnded = true
    this.#reading = false
    if (this.#lingering !== undefined) return this.stopLingering()
    if (this.#gone) return
    if (errno !== 0) return this.#fail(errno)
    // TLS and `net` may tell the end while reading is stopped: it then waits as bytes would.
    if (this.#sink === undefined || this.#pauses !== 0) this.#replay ??= Buffer.alloc(0)
    if (this.closed === undefined && this.#replay === undefined) this.#tellEnd()
    this.#closeIfBothEnded()
  }

  onWritten(errno: number): void {
    this.#queue.sent()
    const lender = this.#lender
    this.#lender = undefined
    if (lender !== undefined) lender.#takeBack()
    if (this.#gone) return
    if (errno < 0) return this.#failWriting(errno)
    enterRead()
    this.#send()
    leaveRead()
  }

  onWireClosed(): void {
    this.#wireClosed = true
    this.#releaseBuffer()
    if (this.closed === undefined) this.#closeIfWireClosed()
    else this.#tellClose()
  }

  stopLingering(): void {
    this.#lingering?.cancel()
    this.#lingering = undefined
    this.#wire.close()
  }

  /**
   * Gives the socket away, with the bytes that were put back: to TLS, which reads and writes it itself from now on. This
   * stream is dead afterwards and calls nobody. Undefined when it is closed, has bytes to send, or is a TLS session.
   */
  detach(): { readonly socket: Socket; readonly bytes: Buffer | undefined } | undefined {
    if (this.#gone || this.closed !== undefined || this.#tls !== undefined || !this.#queue.isEmpty) return undefined
    const bytes = this.#replay
    this.#sink = undefined
    this.#updateReading()
    this.#leave()
    this.#wire.owner = undefined
    return { socket: this.#wire.detach(), bytes }
  }

  /** Whether a write may keep `buffer` until it is done; this socket does not read meanwhile. */
  lends(buffer: Uint8Array): boolean {
    return buffer === this.#ownBuffer && this.#sink?.singleDestination === true
  }

  #deliver(buffer: Buffer, length: number): void {
    const sink = this.#sink
    if (sink === undefined || this.closed !== undefined) return
    this.bytesRead += length
    const outer = reader
    // oxlint-disable-next-line typescript/no-this-alias -- whose callback runs is what the writes in it must know
    reader = this
    enterRead()
    try {
      sink.onData(buffer, 0, length)
    } catch (error) {
      this.reset(containFault(error))
    }
    reader = outer
    leaveRead()
  }

  /** TLS goes on delivering the records of a read after reading was stopped: at most one read buffer of them. */
  #keep(buffer: Buffer, length: number): undefined {
    this.discarded ||= this.#gone
    if (this.#gone || this.closed !== undefined) return
    const bytes = buffer.subarray(0, length)
    this.#replay = this.#replay === undefined ? Buffer.from(bytes) : Buffer.concat([this.#replay, bytes])
  }

  #underHighWater(): boolean {
    if (this.queuedBytes <= this.#highWater) return true
    this.#wantsDrain = true
    return false
  }

  #markDirty(): void {
    this.#dirty = true
    if (reader !== this.#lastReader) this.#noteReader()
    if (this.#fanIn >= FAN_IN_ENOUGH) flushAfterPoll(this)
    else flushSoon(this)
  }

  /**
   * Counts how often several sockets wrote here within one poll phase. Only such a stream gains by waiting for the others:
   * not a tunnel, which one socket feeds, nor a kept-alive connection that another one feeds each time.
   */
  #noteReader(): void {
    this.#lastReader = reader
    if (reader === undefined || reader === this) return
    const phase = currentPoll()
    if (phase !== this.#lastPoll) this.#fanIn = Math.max(0, this.#fanIn - 1)
    else this.#fanIn = Math.min(2 * FAN_IN_ENOUGH, this.#fanIn + 2)
    this.#lastPoll = phase
  }

  #writeBorrowed(lender: SocketStream, buffer: Uint8Array, start: number, end: number): void {
    const left = this.#wire.write(buffer.subarray(start, end))
    if (left === 0) return
    if (left < 0) return this.#failWriting(left)
    this.#queue.sending = true
    this.#lender = lender
    lender.#pauses |= LENT
    lender.#updateReading()
  }

  #takeBack(): void {
    this.#pauses &= ~LENT
    if (this.#wireClosed) this.#releaseBuffer()
    else this.#updateReading()
  }

  #send(): void {
    this.#dirty = false
    if (this.#gone) return
    if (this.#queue.sending) return this.#watchStall()
    const left = this.#queue.send(this.#wire)
    if (left < 0) return this.#failWriting(left)
    if (left > 0) this.#watchStall()
    if (left === 0 && this.writeStatus === 'ending') this.#finishWriting()
    if (!this.#wantsDrain || this.closed !== undefined || this.queuedBytes > this.#highWater / 2) return
    this.#wantsDrain = false
    this.#sink?.onDrain()
  }

  #watchStall(): void {
    if (this.closed !== undefined) this.#stallWatch ??= resetWhenStalled(this)
  }

  #finishWriting(): void {
    this.writeStatus = 'ended'
    if (this.#readEnded) return this.#closeIfBothEnded()
    if (!this.#finSent) this.#wire.shutdown()
    this.#finSent = true
    if (this.closed !== undefined) this.#startLingering()
  }

  #closeIfBothEnded(): void {
    if (this.#gone || !this.#readEnded || this.#replay !== undefined || this.writeStatus !== 'ended') return
    this.closed ??= this.#broken ?? finished(this.#selfEndedFirst ? 'proxy' : this.#peer)
    this.#leave()
    if (this.#wireClosed) process.nextTick(() => this.#tellClose())
    else this.#wire.close()
  }

  /** `net` closes a socket by itself when it fails, and may tell nothing more once the peer's end was read. */
  #closeIfWireClosed(): void {
    if (!this.#wireClosed || this.closed !== undefined || this.#replay !== undefined) return
    this.closed = this.#broken ?? socketFailure(this.#peer, -constants.errno.ECONNRESET)
    this.#leave()
    process.nextTick(() => this.#tellClose())
  }

  #startLingering(): void {
    this.#leave()
    this.#wire.unref()
    this.#wire.start()
    this.#lingering = linger(this)
    process.nextTick(() => this.#tellClose())
  }

  /**
   * A server may answer, end and close without reading all it was sent: its reset meets our writes first, while its answer
   * and its FIN are still in the system's buffer. They are read to the end; what was to be sent goes nowhere.
   */
  #failWriting(errno: number): void {
    const unwanted = this.#readEnded || this.closed !== undefined || this.#peer !== 'upstream'
    if (this.#gone || unwanted || !endedBeforeReset(errno)) return this.#fail(errno)
    this.#broken = socketFailure(this.#peer, errno)
    this.writeStatus = 'ended'
    this.#finSent = true
    this.#queue.clear()
    if (!this.#wantsDrain) return
    this.#wantsDrain = false
    this.#sink?.onDrain()
  }

  #fail(errno: number): void {
    if (this.#gone) return
    this.closed ??= socketFailure(this.#peer, errno)
    this.#leave()
    this.#wire.close()
  }

  #leave(): void {
    this.#gone = true
    this.#dirty = false
    this.#reading = false
    this.#replay = undefined
    this.#lastReader = undefined
    this.writeStatus = 'ended'
    this.#stallWatch?.cancel()
    this.#queue.clear()
  }

  #tellEnd(): void {
    enterRead()
    try {
      this.#sink?.onEnd()
    } catch (error) {
      this.reset(containFault(error))
    }
    leaveRead()
  }

  #tellClose(): void {
    const sink = this.#sink
    if (sink === undefined || this.closed === undefined) return
    this.#sink = undefined
    enterRead()
    try {
      sink.onClose(this.closed)
    } catch (error) {
      containFault(error)
    }
    leaveRead()
  }

  /** Gives the next sink what was put back, then, when the peer had ended meanwhile, the end. */
  #deliverReplay(): void {
    const bytes = this.#replay
    if (bytes === undefined || this.#sink === undefined || this.#pauses !== 0 || this.closed !== undefined) return
    this.#replay = undefined
    if (bytes.length > 0) this.#deliver(bytes, bytes.length)
    if (this.#readEnded && this.closed === undefined) this.#tellEnd()
    this.#closeIfBothEnded()
    this.#closeIfWireClosed()
    this.#updateReading()
  }

  #updateReading(): void {
    const ready = this.#sink !== undefined && this.#pauses === 0 && this.#replay === undefined
    const wanted = ready && this.closed === undefined && !this.#readEnded
    if (wanted === this.#reading || this.#gone) return
    this.#reading = wanted
    if (wanted) this.#wire.start()
    else this.#wire.stop()
  }

  #calm(): undefined {
    this.#unusualReads = 0
  }

  /** The read buffer for the next read, when it changes: bulk transfer earns a private one, small reads give it back. */
  #chooseBuffer(length: number): Buffer | undefined {
    if (this.#gone || !this.#wire.swapsBuffers) return undefined
    const usual = length >= BULK_READ_BYTES === (this.#ownBuffer !== undefined)
    this.#unusualReads = usual ? 0 : this.#unusualReads + 1
    if (this.#ownBuffer === undefined) {
      if (this.#unusualReads < 2 || this.#sink?.singleDestination !== true) return undefined
      this.#unusualReads = 0
      return (this.#ownBuffer = takeReadBuffer())
    }
    if (this.#unusualReads < CALM_READS || (this.#pauses & LENT) !== 0) return undefined
    this.#unusualReads = 0
    this.#releaseBuffer()
    return sharedReadBuffer
  }

  /** A lent buffer goes back to the pool when the write that has it ended. */
  #releaseBuffer(): void {
    if (this.#ownBuffer === undefined || (this.#pauses & LENT) !== 0) return
    releaseReadBuffer(this.#ownBuffer)
    this.#ownBuffer = undefined
  }
}
