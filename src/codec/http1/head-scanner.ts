// Finds the end of a head (RFC 9112 §2.1) in the bytes as they come, and refuses on the way what no line may hold: bare
// LF, bare CR, NUL and other controls. Each byte is looked at once however the head is split into reads.

import { FAULT, type HeadFault } from './head-fault.ts'

/** The head is not complete in the bytes given. */
export const INCOMPLETE = -1
/** The head is malformed: see `fault`. */
export const MALFORMED = -2

const HTAB = 9
const LF = 10
const CR = 13
const DEL = 127

export class HeadScanner {
  /** Set when `scan` answers MALFORMED. */
  fault: HeadFault | undefined
  /** Bytes from the head's start that need no second look. */
  #scanned = 0
  #lineStart = 0

  /** Forgets the head in hand. */
  reset(): void {
    this.#scanned = 0
    this.#lineStart = 0
    this.fault = undefined
  }

  /**
   * Looks on in `buffer[start, end)`, which begins with the head's first byte on every call. Answers the index behind
   * the head's empty line, INCOMPLETE or MALFORMED. A head longer than `maxBytes` is malformed.
   */
  scan(buffer: Uint8Array, start: number, end: number, maxBytes: number): number {
    const stop = end - start > maxBytes ? start + maxBytes : end
    let lineStart = start + this.#lineStart
    let i = start + this.#scanned
    for (; i < stop; i++) {
      const byte = buffer[i] ?? 0
      if ((byte > 31 && byte !== DEL) || byte === HTAB) continue
      if (byte !== CR) return this.#malformed(byte === LF ? FAULT.bareLf : FAULT.control)
      if (i + 1 >= stop) break
      if (buffer[i + 1] !== LF) return this.#malformed(FAULT.bareCr)
      if (i === lineStart) {
        this.#keep(i - start, lineStart - start)
        return i + 2
      }
      i++
      lineStart = i + 1
    }
    this.#keep(i - start, lineStart - start)
    return stop < end || stop - start === maxBytes ? this.#malformed(FAULT.headTooLarge) : INCOMPLETE
  }

  #keep(scanned: number, lineStart: number): void {
    this.#scanned = scanned
    this.#lineStart = lineStart
  }

  #malformed(fault: HeadFault): number {
    this.fault = fault
    return MALFORMED
  }
}
