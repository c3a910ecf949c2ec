// Writes frames to the connection's byte stream and knows how many of them still wait there. Every frame leaves through
// one scratch buffer that all connections share: `write` copies or sends before it returns.

import type { ByteStream } from '../../transport/byte-stream.ts'
import { CLIENT_PREFACE, FLAG, FRAME, FRAME_HEADER_BYTES, MIN_MAX_FRAME_SIZE } from './frame.ts'
import type { BlockBuffer } from './hpack/encoder.ts'

// Copies without a view of either side; byte by byte in JavaScript costs ten times as much for 1 KiB.
const copyBytes = Buffer.prototype.copy

// Payload up to this many bytes is copied behind its frame header, which saves a second call into the transport.
const SMALL_PAYLOAD = 1024

const scratch = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + SMALL_PAYLOAD)
const block: BlockBuffer = {
  buffer: Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + MIN_MAX_FRAME_SIZE),
  end: FRAME_HEADER_BYTES,
}
// A block that grew the shared buffer beyond this is not kept.
const LARGEST_KEPT_BLOCK = 256 * 1024

export class FrameWriter {
  /** The transport said "wait": DATA stays with its stream until {@link unblock}. */
  blocked = false
  /** Largest payload the peer takes (RFC 9113 §6.5.2). */
  maxFrameSize = MIN_MAX_FRAME_SIZE
  /** RST_STREAM frames so far. */
  resets = 0
  readonly #transport: ByteStream
  // Frames are counted in two generations: bytes leave in order, so when those up to the mark are gone, so are their frames.
  #bytes = 0
  #markBytes = 0
  #frames = 0
  #framesSinceMark = 0
  #replies = 0
  #repliesSinceMark = 0

  constructor(transport: ByteStream) {
    this.#transport = transport
  }

  /**
   * Upper bound of the frames other than DATA that wait in the transport: DATA stops when the transport says so, the
   * others do not. Call {@link refresh} before a decision.
   */
  get waitingFrames(): number {
    return this.#frames
  }

  /** As {@link waitingFrames}, of the frames that the peer made this side send: acknowledgements, resets for its faults. */
  get waitingReplies(): number {
    return this.#replies
  }

  /** Looks at what has left the transport since the last time. */
  refresh(): void {
    if (this.#frames === 0) return
    const sent = this.#bytes - this.#transport.queuedBytes
    if (sent < this.#markBytes) return
    const all = sent >= this.#bytes
    this.#frames = all ? 0 : this.#framesSinceMark
    this.#replies = all ? 0 : this.#repliesSinceMark
    this.#framesSinceMark = 0
    this.#repliesSinceMark = 0
    this.#markBytes = this.#bytes
  }

  unblock(): void {
    this.blocked = false
    this.refresh()
  }

  preface(): void {
    this.#transport.write(CLIENT_PREFACE, 0, CLIENT_PREFACE.length)
    this.#bytes += CLIENT_PREFACE.length
  }

  data(streamId: number, buffer: Uint8Array, start: number, end: number, endStream: boolean): void {
    const length = end - start
    frameHeader(scratch, 0, length, FRAME.data, endStream ? FLAG.endStream : 0, streamId)
    if (length <= SMALL_PAYLOAD) {
      copyBytes.call(buffer, scratch, FRAME_HEADER_BYTES, start, end)
      this.#bytes += FRAME_HEADER_BYTES + length
      if (!this.#transport.write(scratch, 0, FRAME_HEADER_BYTES + length)) this.blocked = true
      return
    }
    this.#bytes += FRAME_HEADER_BYTES + length
    this.#transport.write(scratch, 0, FRAME_HEADER_BYTES)
    if (!this.#transport.write(buffer, start, end)) this.blocked = true
  }

  /** The shared buffer for a header block; encode into it, then call {@link headers} at once. */
  startBlock(): BlockBuffer {
    block.end = FRAME_HEADER_BYTES
    return block
  }

  /** Sends the block as HEADERS and, when it is larger than a frame may be, CONTINUATION (RFC 9113 §4.3). */
  headers(streamId: number, endStream: boolean): void {
    const endFlag = endStream ? FLAG.endStream : 0
    const { buffer, end } = block
    const length = end - FRAME_HEADER_BYTES
    if (length <= this.maxFrameSize) {
      frameHeader(buffer, 0, length, FRAME.headers, endFlag | FLAG.endHeaders, streamId)
      this.#send(buffer, end)
      return
    }
    // The transport may run other code: the shared buffer is let go before the second frame.
    block.buffer = Buffer.allocUnsafeSlow(Math.min(buffer.length, LARGEST_KEPT_BLOCK))
    this.#largeBlock(buffer, end, endFlag, streamId)
  }

  #largeBlock(buffer: Buffer, end: number, endFlag: number, streamId: number): void {
    for (let at = FRAME_HEADER_BYTES; at < end; at += this.maxFrameSize) {
      const length = Math.min(this.maxFrameSize, end - at)
      const first = at === FRAME_HEADER_BYTES
      const flags = (first ? endFlag : 0) | (at + length === end ? FLAG.endHeaders : 0)
      frameHeader(buffer, at - FRAME_HEADER_BYTES, length, first ? FRAME.headers : FRAME.continuation, flags, streamId)
      this.#count(FRAME_HEADER_BYTES + length)
      if (!this.#transport.write(buffer, at - FRAME_HEADER_BYTES, at + length)) this.blocked = true
    }
  }

  /** `reply`: the peer's fault made it necessary. */
  rstStream(streamId: number, code: number, reply: boolean): void {
    this.resets++
    frameHeader(scratch, 0, 4, FRAME.rstStream, 0, streamId)
    scratch.writeUInt32BE(code, FRAME_HEADER_BYTES)
    this.#send(scratch, FRAME_HEADER_BYTES + 4)
    if (reply) this.#countReply()
  }

  /** `streamId` 0: the connection's window. */
  windowUpdate(streamId: number, increment: number): void {
    frameHeader(scratch, 0, 4, FRAME.windowUpdate, 0, streamId)
    scratch.writeUInt32BE(increment, FRAME_HEADER_BYTES)
    this.#send(scratch, FRAME_HEADER_BYTES + 4)
  }

  /** At most 100 settings, as id, value, id, value, … */
  settings(settings: readonly number[]): void {
    let at = FRAME_HEADER_BYTES
    for (let i = 0; i < Math.min(settings.length, 200); i += 2) {
      at = scratch.writeUInt16BE(settings[i] ?? 0, at)
      at = scratch.writeUInt32BE(settings[i + 1] ?? 0, at)
    }
    frameHeader(scratch, 0, at - FRAME_HEADER_BYTES, FRAME.settings, 0, 0)
    this.#send(scratch, at)
  }

  settingsAck(): void {
    frameHeader(scratch, 0, 0, FRAME.settings, FLAG.ack, 0)
    this.#send(scratch, FRAME_HEADER_BYTES)
    this.#countReply()
  }

  /** Eight bytes of `payload` from `at`. */
  ping(payload: Uint8Array, at: number, ack: boolean): void {
    frameHeader(scratch, 0, 8, FRAME.ping, ack ? FLAG.ack : 0, 0)
    scratch.set(payload.subarray(at, at + 8), FRAME_HEADER_BYTES)
    this.#send(scratch, FRAME_HEADER_BYTES + 8)
    if (ack) this.#countReply()
  }

  /** `detail` goes along as debug data (RFC 9113 §6.8): it never holds anything the peer did not cause. */
  goaway(lastStreamId: number, code: number, detail: string): void {
    const length = scratch.write(detail, FRAME_HEADER_BYTES + 8, 200, 'latin1')
    frameHeader(scratch, 0, 8 + length, FRAME.goaway, 0, 0)
    scratch.writeUInt32BE(lastStreamId, FRAME_HEADER_BYTES)
    scratch.writeUInt32BE(code, FRAME_HEADER_BYTES + 4)
    this.#send(scratch, FRAME_HEADER_BYTES + 8 + length)
  }

  #send(buffer: Buffer, end: number): void {
    this.#count(end)
    if (!this.#transport.write(buffer, 0, end)) this.blocked = true
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    this.#frames++
    this.#framesSinceMark++
  }

  #countReply(): void {
    this.#replies++
    this.#repliesSinceMark++
  }
}

function frameHeader(to: Buffer, at: number, length: number, type: number, flags: number, streamId: number): void {
  to[at] = length >>> 16
  to[at + 1] = length >>> 8
  to[at + 2] = length
  to[at + 3] = type
  to[at + 4] = flags
  to[at + 5] = streamId >>> 24
  to[at + 6] = streamId >>> 16
  to[at + 7] = streamId >>> 8
  to[at + 8] = streamId
}
