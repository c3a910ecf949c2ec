// Follows the WebSocket frames of one direction (RFC 6455 §5.2) in a stream of chunks: counts, sizes, the Close frame. It
// never changes a byte and holds no payload but the at most 125 bytes of a Close frame. What breaks the framing is noted,
// not acted upon: from then on nothing is known.

import { Buffer } from 'node:buffer'
import { FRAME_HEAD_BYTES, frameHeadLength, frameMaskAt, framePayloadLength, readUint32 } from './frame-head.ts'

const TEXT = 1
const CLOSE = 8
const PING = 9

/** RFC 6455 §5.5: payload of a control frame. */
const CONTROL_BYTES = 125

/** One direction. Its counters are plain fields, to be read at any time. */
export class FrameObserver {
  /** Messages that are complete: text and binary. */
  messages = 0
  textMessages = 0
  binaryMessages = 0
  /** Frames of every kind. */
  frames = 0
  pings = 0
  pongs = 0
  /** Payload bytes of data frames, as on the wire (compressed if the peers compress). */
  payloadBytes = 0
  /** Payload bytes of the largest message so far, an unfinished one included. */
  largestMessage = 0
  closeSeen = false
  /** Code of the Close frame; undefined before it and when it has none (RFC 6455 §7.1.5 then says 1005). */
  closeCode: number | undefined
  /** Reason of the Close frame: UTF-8 as sent, broken sequences replaced. */
  closeReason = ''
  /** The bytes are no WebSocket frames; counters are those of the frames before. */
  invalid = false

  /** Payload bytes of the current frame that are still to come. */
  #remaining = 0
  /** Opcode of the current frame. */
  #opcode = 0
  #fin = true
  /** Kind of the message under way: 1 text, 2 binary, 0 none. */
  #message = 0
  #messageBytes = 0
  /** A head that was cut by the end of a chunk. */
  #head: Buffer | undefined
  #headLength = 0
  /** Payload of a Close frame, and its mask. */
  #close: Buffer | undefined
  #closeLength = 0
  #mask = 0

  /** Whether the bytes so far end between two frames, where a control frame of our own could go (RFC 6455 §5.4). */
  get atFrameBoundary(): boolean {
    return !this.invalid && !this.closeSeen && this.#remaining === 0 && this.#headLength === 0
  }

  /** Whether the bytes so far end between two messages, where a message of our own could go. */
  get atMessageBoundary(): boolean {
    return !this.invalid && !this.closeSeen && this.#message === 0 && this.#remaining === 0 && this.#headLength === 0
  }

  /** Reads `buffer[start, end)`. */
  observe(buffer: Uint8Array, start: number, end: number): void {
    let at = start
    if (this.#headLength > 0) at = this.#resumeHead(buffer, at, end)
    while (at < end && !this.invalid) {
      if (this.#remaining > 0) {
        at = this.#skip(buffer, at, end)
        continue
      }
      const length = frameHeadLength(buffer, at, end)
      if (length > end - at) return this.#keepHead(buffer, at, end)
      this.#begin(buffer, at)
      at += length
    }
  }

  /** A frame head lies whole at `at`. */
  #begin(bytes: Uint8Array, at: number): void {
    const first = bytes[at] ?? 0
    const second = bytes[at + 1] ?? 0
    const opcode = first & 0x0f
    this.#fin = first >= 0x80
    this.#opcode = opcode
    const length = framePayloadLength(bytes, at)
    if (!this.#isAllowed(opcode, length)) {
      this.invalid = true
      return
    }
    this.frames++
    this.#remaining = length
    if (opcode < CLOSE) this.#beginData(opcode, length)
    else if (opcode === PING) this.pings++
    else if (opcode === CLOSE) this.#beginClose(bytes, frameMaskAt(bytes, at), second >= 0x80)
    else this.pongs++
    if (length === 0) this.#finishFrame()
  }

  /** RFC 6455 §5.2, §5.4, §5.5. RSV bits belong to extensions that the peers agreed on, so they pass. */
  #isAllowed(opcode: number, length: number): boolean {
    if (this.closeSeen || length < 0 || length > Number.MAX_SAFE_INTEGER) return false
    if (opcode >= CLOSE)
      return opcode <= 10 && this.#fin && length <= CONTROL_BYTES && !(opcode === CLOSE && length === 1)
    if (opcode > 2) return false
    return opcode === 0 ? this.#message !== 0 : this.#message === 0
  }

  #beginData(opcode: number, length: number): void {
    if (opcode !== 0) {
      this.#message = opcode
      this.#messageBytes = 0
    }
    this.#messageBytes += length
    if (this.#messageBytes > this.largestMessage) this.largestMessage = this.#messageBytes
  }

  #beginClose(bytes: Uint8Array, maskAt: number, masked: boolean): void {
    this.#close = Buffer.alloc(CONTROL_BYTES)
    this.#closeLength = 0
    this.#mask = masked ? readUint32(bytes, maskAt) : 0
  }

  #skip(buffer: Uint8Array, at: number, end: number): number {
    const count = Math.min(this.#remaining, end - at)
    if (this.#opcode < CLOSE) this.payloadBytes += count
    else if (this.#opcode === CLOSE) this.#keepClose(buffer, at, count)
    this.#remaining -= count
    if (this.#remaining === 0) this.#finishFrame()
    return at + count
  }

  #keepClose(buffer: Uint8Array, at: number, count: number): void {
    const close = this.#close
    if (close === undefined) return
    for (let i = 0; i < count; i++) {
      const position = this.#closeLength++
      close[position] = (buffer[at + i] ?? 0) ^ (this.#mask >>> (24 - 8 * (position & 3)))
    }
  }

  #finishFrame(): void {
    if (this.#opcode === CLOSE) return this.#finishClose()
    if (this.#opcode > CLOSE || !this.#fin) return
    this.messages++
    if (this.#message === TEXT) this.textMessages++
    else this.binaryMessages++
    this.#message = 0
  }

  #finishClose(): void {
    this.closeSeen = true
    const close = this.#close
    this.#close = undefined
    if (close === undefined || this.#closeLength < 2) return
    this.closeCode = close.readUInt16BE(0)
    this.closeReason = close.toString('utf8', 2, this.#closeLength)
  }

  #keepHead(buffer: Uint8Array, at: number, end: number): void {
    const head = (this.#head ??= Buffer.alloc(FRAME_HEAD_BYTES))
    head.set(buffer.subarray(at, end))
    this.#headLength = end - at
  }

  /** Completes a head that was cut; answers where the rest of the chunk begins. */
  #resumeHead(buffer: Uint8Array, start: number, end: number): number {
    const head = this.#head
    if (head === undefined) return start
    let at = start
    while (at < end) {
      head[this.#headLength++] = buffer[at++] ?? 0
      if (frameHeadLength(head, 0, this.#headLength) > this.#headLength) continue
      this.#headLength = 0
      this.#begin(head, 0)
      break
    }
    return at
  }
}
