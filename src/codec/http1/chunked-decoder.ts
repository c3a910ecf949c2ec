// Takes the chunked transfer coding apart (RFC 9112 §7.1) without calling anyone: `advance` stops at each run of data,
// at the end and at the first fault, so that a reader that was reset in between never sees another byte.
//
//   chunk = 1*HEXDIG [ chunk-ext ] CRLF data CRLF    last-chunk = 1*"0" [ chunk-ext ] CRLF    then trailer section, CRLF

import { CHUNK_EXTENSION_BYTES, CHUNK_LINE_BYTES, TRAILER_BYTES } from '../../core/limits.ts'
import { FAULT, type HeadFault } from './head-fault.ts'
import { HeadScanner, INCOMPLETE, MALFORMED } from './head-scanner.ts'
import { HeldBytes } from '../held-bytes.ts'

/** What `advance` stopped at. */
export const CHUNK = { needMore: 0, data: 1, end: 2, fault: 3 } as const
export type ChunkStop = (typeof CHUNK)[keyof typeof CHUNK]

const STATE = {
  size: 0,
  beforeExtension: 1,
  extension: 2,
  sizeLf: 3,
  data: 4,
  dataCr: 5,
  dataLf: 6,
  trailers: 7,
  done: 8,
} as const
type State = (typeof STATE)[keyof typeof STATE]

const HTAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const SEMICOLON = 59
const DEL = 127
/** Digits of a size: Number.MAX_SAFE_INTEGER has 14; longer runs of zeros say nothing. */
const MAX_DIGITS = 16
const NO_TRAILERS = Buffer.alloc(0)

export class ChunkedDecoder {
  /** The run of data, after `CHUNK.data`. */
  dataStart = 0
  dataEnd = 0
  /** The trailer lines, after `CHUNK.end`; empty when there are none. Valid as long as the bytes they came in. */
  trailers: Buffer = NO_TRAILERS
  /** After `CHUNK.fault`. */
  fault: HeadFault = FAULT.chunkSize
  stop: ChunkStop = CHUNK.needMore
  #state: State = STATE.size
  #remaining = 0
  #digits = 0
  #lineBytes = 0
  #extensionBytes = 0
  readonly #maxTrailers: number
  readonly #scanner = new HeadScanner()
  readonly #held = new HeldBytes()

  constructor(maxTrailers: number) {
    this.#maxTrailers = maxTrailers
  }

  /** Reads on in `buffer[start, end)`, sets `stop`, and answers where it stopped. */
  advance(buffer: Buffer, start: number, end: number): number {
    this.stop = CHUNK.needMore
    let i = start
    while (i < end) {
      if (this.#state === STATE.data) return this.#takeData(i, end)
      if (this.#state === STATE.trailers) return this.#takeTrailers(buffer, i, end)
      const byte = buffer[i++] ?? 0
      const fault = this.#step(byte)
      if (fault !== undefined) return this.#fail(fault, i)
    }
    return i
  }

  #step(byte: number): HeadFault | undefined {
    switch (this.#state) {
      case STATE.size:
        return this.#size(byte)
      case STATE.beforeExtension:
        // RFC 9112 §7.1.1: white space here must be followed by an extension.
        if (byte !== SPACE && byte !== HTAB && byte !== SEMICOLON) return FAULT.chunkSize
        if (byte === SEMICOLON) this.#state = STATE.extension
        return this.#countExtension()
      case STATE.extension:
        if (byte === CR) this.#state = STATE.sizeLf
        else if (byte === LF) return FAULT.chunkLineEnd
        else if ((byte < SPACE && byte !== HTAB) || byte === DEL) return FAULT.chunkExtension
        return this.#countExtension()
      case STATE.sizeLf:
        if (byte !== LF) return FAULT.chunkLineEnd
        this.#beginData()
        return undefined
      case STATE.dataCr:
        this.#state = STATE.dataLf
        return byte === CR ? undefined : FAULT.chunkEnd
      case STATE.dataLf:
        this.#beginLine()
        return byte === LF ? undefined : FAULT.chunkEnd
      default:
        return undefined
    }
  }

  #size(byte: number): HeadFault | undefined {
    const digit = hexDigit(byte)
    if (digit >= 0) {
      if (++this.#digits > MAX_DIGITS) return FAULT.chunkTooLarge
      this.#remaining = this.#remaining * 16 + digit
      return this.#remaining > Number.MAX_SAFE_INTEGER ? FAULT.chunkTooLarge : undefined
    }
    if (this.#digits === 0) return FAULT.chunkSize
    if (byte === CR) this.#state = STATE.sizeLf
    else if (byte === SEMICOLON) this.#state = STATE.extension
    else if (byte === SPACE || byte === HTAB) this.#state = STATE.beforeExtension
    else return byte === LF ? FAULT.chunkLineEnd : FAULT.chunkSize
    return byte === CR ? undefined : this.#countExtension()
  }

  #countExtension(): HeadFault | undefined {
    if (++this.#lineBytes > CHUNK_LINE_BYTES) return FAULT.chunkLine
    return ++this.#extensionBytes > CHUNK_EXTENSION_BYTES ? FAULT.chunkExtensions : undefined
  }

  #beginLine(): void {
    this.#state = STATE.size
    this.#remaining = 0
    this.#digits = 0
    this.#lineBytes = 0
  }

  #beginData(): void {
    this.#state = this.#remaining === 0 ? STATE.trailers : STATE.data
  }

  #takeData(start: number, end: number): number {
    const taken = Math.min(this.#remaining, end - start)
    this.#remaining -= taken
    if (this.#remaining === 0) this.#state = STATE.dataCr
    this.dataStart = start
    this.dataEnd = start + taken
    this.stop = CHUNK.data
    return start + taken
  }

  /** A trailer section is a head without a start line, so an empty one is CRLF alone. */
  #takeTrailers(buffer: Buffer, start: number, end: number): number {
    const before = this.#held.size
    if (before === 0) {
      const stop = this.#scanner.scan(buffer, start, end, TRAILER_BYTES, this.#maxTrailers)
      if (stop !== INCOMPLETE) return this.#finish(buffer, start, stop, stop)
      this.#held.append(buffer, start, end)
      return end
    }
    this.#held.append(buffer, start, end)
    const stop = this.#scanner.scan(this.#held.bytes, 0, this.#held.size, TRAILER_BYTES, this.#maxTrailers)
    if (stop === INCOMPLETE) return end
    return this.#finish(this.#held.bytes, 0, stop, start + stop - before)
  }

  #finish(buffer: Buffer, from: number, stop: number, consumed: number): number {
    if (stop === MALFORMED) {
      const fault = this.#scanner.fault ?? FAULT.bareCr
      return this.#fail(fault === FAULT.headTooLarge ? FAULT.trailersTooLarge : fault, from)
    }
    if (stop - 2 > from) this.trailers = buffer.subarray(from, stop - 2)
    this.#held.clear()
    this.#state = STATE.done
    this.stop = CHUNK.end
    return consumed
  }

  #fail(fault: HeadFault, at: number): number {
    this.#held.clear()
    this.#state = STATE.done
    this.fault = fault
    this.stop = CHUNK.fault
    return at
  }
}

/** Value of a hexadecimal digit, or -1. */
function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const letter = byte | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}
