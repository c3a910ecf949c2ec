// Reads a capsule stream (RFC 9297 §3.2) that arrives in any pieces and gives out the UDP payloads in it (RFC 9298 §5).
// Capsules of other types and datagrams of other contexts are skipped without being stored (RFC 9297 §3.2, RFC 9298 §4).

import { UDP_PAYLOAD_BYTES } from '../../core/limits.ts'
import { VarintReader } from './varint.ts'

/** Capsule type of an HTTP datagram (RFC 9297 §3.5). */
export const DATAGRAM_CAPSULE = 0
/** Context of a datagram whose payload is a UDP payload (RFC 9298 §4). */
export const UDP_CONTEXT = 0

/** Receives UDP payloads. */
export interface DatagramSink {
  /** The payload is `buffer[start, end)`, perhaps empty; valid only during the call. */
  onDatagram(buffer: Buffer, start: number, end: number): void
}

/** What is being read. */
type Step = 'type' | 'length' | 'context' | 'payload' | 'skip'

/** First size of the buffer for a payload that comes in pieces; it doubles as bytes arrive, so a claim alone costs nothing. */
const FIRST_HELD_BYTES = 2048

export class CapsuleReader {
  /** Why the stream is malformed; undefined while it is not. Nothing is read after that. */
  fault: string | undefined
  /** Capsules that were skipped: of other types, or datagrams of other contexts. */
  skipped = 0
  readonly #sink: DatagramSink
  readonly #varint = new VarintReader()
  #step: Step = 'type'
  #type = 0
  /** Bytes of the capsule's value that are still to come. */
  #left = 0
  /** Payload bytes that wait for the rest. */
  #held: Buffer | undefined
  #heldBytes = 0

  constructor(sink: DatagramSink) {
    this.#sink = sink
  }

  /** Whether the stream may end here: no capsule is incomplete (RFC 9297 §3.3). */
  get atBoundary(): boolean {
    return this.#step === 'type' && this.#varint.taken === 0
  }

  /** Takes `buffer[start, end)`; false when the stream is malformed, and `fault` says why. */
  read(buffer: Buffer, start: number, end: number): boolean {
    let at = start
    while (at < end && this.fault === undefined) {
      switch (this.#step) {
        case 'payload':
          at = this.#readPayload(buffer, at, end)
          break
        case 'skip':
          at = this.#skip(at, end)
          break
        default:
          if (this.#varint.take(buffer[at] ?? 0)) this.#number()
          at++
      }
    }
    return this.fault === undefined
  }

  /** Lets go of what is held. */
  release(): void {
    this.#held = undefined
    this.#heldBytes = 0
  }

  /** A varint is complete. */
  #number(): void {
    const { value, taken } = this.#varint
    this.#varint.restart()
    switch (this.#step) {
      case 'type':
        this.#type = value
        this.#step = 'length'
        return
      case 'length':
        return this.#lengthKnown(value)
      default:
        return this.#contextKnown(value, taken)
    }
  }

  #lengthKnown(length: number): void {
    if (length > Number.MAX_SAFE_INTEGER) {
      this.fault = 'a capsule claims more bytes than can ever be sent'
      return
    }
    this.#left = length
    if (this.#type !== DATAGRAM_CAPSULE) this.#startSkipping()
    else if (length === 0) this.fault = 'a DATAGRAM capsule has no context id'
    else this.#step = 'context'
  }

  #contextKnown(context: number, bytes: number): void {
    if (bytes > this.#left) {
      this.fault = 'a DATAGRAM capsule ends within its context id'
      return
    }
    this.#left -= bytes
    if (context !== UDP_CONTEXT) {
      this.#startSkipping()
      return
    }
    // RFC 9298 §5: a longer one is no UDP payload, and the stream must be aborted.
    if (this.#left > UDP_PAYLOAD_BYTES) {
      this.fault = `a datagram is longer than ${UDP_PAYLOAD_BYTES} bytes`
      return
    }
    if (this.#left === 0) {
      this.#step = 'type'
      this.#sink.onDatagram(EMPTY, 0, 0)
    } else this.#step = 'payload'
  }

  #startSkipping(): void {
    this.skipped++
    this.#step = this.#left === 0 ? 'type' : 'skip'
  }

  #skip(at: number, end: number): number {
    const bytes = Math.min(this.#left, end - at)
    this.#left -= bytes
    if (this.#left === 0) this.#step = 'type'
    return at + bytes
  }

  #readPayload(buffer: Buffer, at: number, end: number): number {
    const bytes = Math.min(this.#left, end - at)
    if (this.#heldBytes === 0 && bytes === this.#left) {
      this.#step = 'type'
      this.#sink.onDatagram(buffer, at, at + bytes)
      return at + bytes
    }
    const held = this.#room(this.#heldBytes + bytes)
    buffer.copy(held, this.#heldBytes, at, at + bytes)
    this.#heldBytes += bytes
    this.#left -= bytes
    if (this.#left === 0) this.#deliverHeld(held)
    return at + bytes
  }

  #deliverHeld(held: Buffer): void {
    const bytes = this.#heldBytes
    this.#step = 'type'
    this.#heldBytes = 0
    if (held.length > FIRST_HELD_BYTES) this.#held = undefined
    this.#sink.onDatagram(held, 0, bytes)
  }

  /** The buffer for a payload in pieces, with room for `bytes`. */
  #room(bytes: number): Buffer {
    const held = this.#held
    if (held !== undefined && held.length >= bytes) return held
    let size = Math.max(FIRST_HELD_BYTES, held?.length ?? 0)
    while (size < bytes) size *= 2
    const larger = Buffer.allocUnsafeSlow(size)
    held?.copy(larger, 0, 0, this.#heldBytes)
    this.#held = larger
    return larger
  }
}

const EMPTY = Buffer.alloc(0)
