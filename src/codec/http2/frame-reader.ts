// Cuts the incoming bytes into frames (RFC 9113 §4). DATA payload is passed on as it comes, as views of the read buffer;
// only a partial frame of another type is kept, at most one maximum frame of it.

import { CLIENT_PREFACE, FLAG, FRAME, FRAME_HEADER_BYTES } from './frame.ts'

/** Receives frames. Each method answers false to stop reading: the connection is over. */
export interface FrameSink {
  /**
   * A frame header, before its payload is read. `skip`: the payload is dropped unread. DATA never gets here.
   */
  onFrameHeader(type: number, flags: number, streamId: number, length: number): 'take' | 'skip' | 'stop'
  /** A whole frame other than DATA. The payload is valid only during the call. */
  onFrame(type: number, flags: number, streamId: number, payload: Buffer, start: number, end: number): boolean
  /** A DATA frame begins; `length` is its whole payload with padding (what flow control counts, §6.9.1). */
  onDataFrame(flags: number, streamId: number, length: number): boolean
  /** Payload of that frame without padding; `last`: its last piece (`start === end` when it has none). */
  onDataBytes(buffer: Buffer, start: number, end: number, last: boolean): boolean
  /** The padding of that frame, its length byte included, and the payload that remains. Not called without padding. */
  onDataPadding(bytes: number, payload: number): boolean
  /** The bytes are no HTTP/2. */
  onBadPreface(): void
  /** Padding that is as long as the payload or longer (§6.1). */
  onBadPadding(): void
}

const PREFACE = 0
const HEADER = 1
const PAYLOAD = 2
const SKIP = 3
const PAD_LENGTH = 4
const DATA = 5

const NOTHING = Buffer.alloc(0)

export class FrameReader {
  readonly #sink: FrameSink
  #state: number
  // The frame at hand.
  #type = 0
  #flags = 0
  #streamId = 0
  #length = 0
  /** Payload bytes (DATA: without padding) or bytes to skip that have not come yet. */
  #left = 0
  #padding = 0
  /** A partial frame header or payload; preface bytes are only counted. */
  #kept: Buffer = NOTHING
  #keptLength = 0
  #stopped = false

  /** `expectPreface`: this is a server, so the client preface comes first. */
  constructor(sink: FrameSink, expectPreface: boolean) {
    this.#sink = sink
    this.#state = expectPreface ? PREFACE : HEADER
  }

  /** Bytes of a partial frame that are held. */
  get heldBytes(): number {
    return this.#keptLength
  }

  /** No frame is passed on any more; bytes that come are dropped. */
  stop(): void {
    this.#stopped = true
    this.#kept = NOTHING
    this.#keptLength = 0
  }

  /** Reads `buffer[start, end)`. The sink may call {@link stop} at any time. */
  read(buffer: Buffer, start: number, end: number): void {
    let at = start
    while (at < end && !this.#stopped) {
      switch (this.#state) {
        case HEADER:
          at = this.#readHeader(buffer, at, end)
          break
        case DATA:
          at = this.#readData(buffer, at, end)
          break
        case PAYLOAD:
          at = this.#readPayload(buffer, at, end)
          break
        case SKIP:
          at = this.#skip(at, end)
          break
        case PAD_LENGTH:
          this.#takePadLength(buffer[at] ?? 0)
          at++
          break
        default:
          at = this.#readPreface(buffer, at, end)
      }
    }
  }

  /** RFC 9113 §3.4: any other byte is the end, at once, so that an HTTP/1 client is not left waiting. */
  #readPreface(buffer: Buffer, start: number, end: number): number {
    let at = start
    while (at < end && this.#keptLength < CLIENT_PREFACE.length) {
      if (buffer[at] !== CLIENT_PREFACE[this.#keptLength]) {
        this.stop()
        this.#sink.onBadPreface()
        return end
      }
      at++
      this.#keptLength++
    }
    if (this.#keptLength === CLIENT_PREFACE.length) {
      this.#keptLength = 0
      this.#state = HEADER
    }
    return at
  }

  #readHeader(buffer: Buffer, at: number, end: number): number {
    if (this.#keptLength === 0 && end - at >= FRAME_HEADER_BYTES) {
      this.#takeHeader(buffer, at)
      return at + FRAME_HEADER_BYTES
    }
    const to = this.#keep(buffer, at, end, FRAME_HEADER_BYTES)
    if (this.#keptLength === FRAME_HEADER_BYTES) {
      this.#keptLength = 0
      this.#takeHeader(this.#kept, 0)
    }
    return to
  }

  #takeHeader(from: Buffer, at: number): void {
    this.#length = ((from[at] ?? 0) << 16) | ((from[at + 1] ?? 0) << 8) | (from[at + 2] ?? 0)
    this.#type = from[at + 3] ?? 0
    this.#flags = from[at + 4] ?? 0
    // §4.1: the reserved bit is ignored.
    this.#streamId =
      (((from[at + 5] ?? 0) & 0x7f) << 24) |
      ((from[at + 6] ?? 0) << 16) |
      ((from[at + 7] ?? 0) << 8) |
      (from[at + 8] ?? 0)
    if (this.#type === FRAME.data) this.#beginData()
    else this.#beginFrame()
  }

  #beginFrame(): void {
    switch (this.#sink.onFrameHeader(this.#type, this.#flags, this.#streamId, this.#length)) {
      case 'stop':
        this.stop()
        return
      case 'skip':
        this.#left = this.#length
        this.#state = this.#length > 0 ? SKIP : HEADER
        return
      case 'take':
        if (this.#length > 0) this.#state = PAYLOAD
        else this.#emit(NOTHING, 0)
    }
  }

  #beginData(): void {
    const padded = (this.#flags & FLAG.padded) !== 0
    this.#padding = 0
    this.#left = this.#length
    if (!this.#sink.onDataFrame(this.#flags, this.#streamId, this.#length)) {
      this.stop()
    } else if (padded) {
      if (this.#length === 0) this.#badPadding()
      else this.#state = PAD_LENGTH
    } else {
      this.#beginDataBytes()
    }
  }

  #takePadLength(padding: number): void {
    this.#left = this.#length - 1 - padding
    this.#padding = padding
    if (this.#left < 0) this.#badPadding()
    else if (!this.#sink.onDataPadding(padding + 1, this.#left)) this.stop()
    else this.#beginDataBytes()
  }

  #badPadding(): void {
    this.stop()
    this.#sink.onBadPadding()
  }

  #beginDataBytes(): void {
    if (this.#left > 0) {
      this.#state = DATA
    } else {
      this.#afterData()
      if (!this.#sink.onDataBytes(NOTHING, 0, 0, true)) this.stop()
    }
  }

  #readData(buffer: Buffer, at: number, end: number): number {
    const to = Math.min(end, at + this.#left)
    this.#left -= to - at
    const last = this.#left === 0
    if (last) this.#afterData()
    if (!this.#sink.onDataBytes(buffer, at, to, last)) this.stop()
    return to
  }

  #afterData(): void {
    this.#left = this.#padding
    this.#state = this.#padding > 0 ? SKIP : HEADER
  }

  #skip(at: number, end: number): number {
    const to = Math.min(end, at + this.#left)
    this.#left -= to - at
    if (this.#left === 0) this.#state = HEADER
    return to
  }

  #readPayload(buffer: Buffer, at: number, end: number): number {
    if (this.#keptLength === 0 && end - at >= this.#length) {
      this.#emit(buffer, at)
      return at + this.#length
    }
    const to = this.#keep(buffer, at, end, this.#length)
    if (this.#keptLength === this.#length) {
      const whole = this.#kept
      // Idle connections hold no buffer; this one goes when the frame is done.
      this.#kept = NOTHING
      this.#keptLength = 0
      this.#emit(whole, 0)
    }
    return to
  }

  #emit(buffer: Buffer, at: number): void {
    this.#state = HEADER
    if (!this.#sink.onFrame(this.#type, this.#flags, this.#streamId, buffer, at, at + this.#length)) this.stop()
  }

  /** Adds to the kept bytes until they are `wanted`. */
  #keep(buffer: Buffer, at: number, end: number, wanted: number): number {
    if (this.#kept.length < wanted) this.#kept = Buffer.allocUnsafeSlow(wanted)
    const to = Math.min(end, at + wanted - this.#keptLength)
    buffer.copy(this.#kept, this.#keptLength, at, to)
    this.#keptLength += to - at
    return to
  }
}
