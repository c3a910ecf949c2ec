// Finds the end of a head (RFC 9112 §2.1) in the bytes as they come, and refuses on the way what no line may hold: bare
// LF, bare CR, NUL and other controls. It marks the lines as it goes, so that parsing need not look for them again.

import { FAULT, type HeadFault } from './head-fault.ts'
import { lineMarks, markLines } from './line-marks.ts'

/** The head is not complete in the bytes given. */
export const INCOMPLETE = -1
/** The head is malformed: see `fault`. */
export const MALFORMED = -2

const LF = 10
const CR = 13
const COLON = 58
/** Whether a byte ends the run of a value, 1, or may stand in it, 0; and the same of a name. */
const endsValue = new Uint8Array(256)
for (let byte = 0; byte < 256; byte++) if ((byte < 32 && byte !== 9) || byte === 127) endsValue[byte] = 1
const endsName = Uint8Array.from(endsValue)
endsName[COLON] = 1

export class HeadScanner {
  /** Set when `scan` answers MALFORMED. */
  fault: HeadFault | undefined
  /** Bytes from the head's start that need no second look, the start of the line they end in, lines before that. */
  #scanned = 0
  #lineStart = 0
  #lines = 0

  /** Forgets the head in hand. */
  reset(): void {
    this.#scanned = 0
    this.#lineStart = 0
    this.#lines = 0
    this.fault = undefined
  }

  /**
   * Looks on in `buffer[start, end)`, which begins with the head's first byte on every call. Answers the index behind
   * the head's empty line, then `lineMarks` holds its lines; INCOMPLETE; or MALFORMED, also when the head is longer than
   * `maxBytes` or has more than `maxLines`.
   */
  scan(buffer: Uint8Array, start: number, end: number, maxBytes: number, maxLines: number): number {
    const stop = end - start > maxBytes ? start + maxBytes : end
    const whole = this.#scanned === 0
    let lineStart = start + this.#lineStart
    let lines = this.#lines
    let i = start + this.#scanned
    for (;;) {
      // Two plain loops for a line, up to its colon and behind it: they are most of the cost of a head.
      while (i < stop && endsName[buffer[i] ?? 0] === 0) i++
      let colon = -1
      if (i < stop && buffer[i] === COLON) {
        colon = i - start
        while (i < stop && endsValue[buffer[i] ?? 0] === 0) i++
      }
      if (i >= stop) break
      if (buffer[i] !== CR) return this.#malformed(buffer[i] === LF ? FAULT.bareLf : FAULT.control)
      if (i + 1 >= stop) break
      if (buffer[i + 1] !== LF) return this.#malformed(FAULT.bareCr)
      if (i === lineStart) return this.#complete(buffer, start, i, lines, whole)
      if (lines === maxLines) return this.#malformed(FAULT.tooManyHeaders)
      if (whole) lineMarks.set(lines, colon, i - start)
      lines++
      i += 2
      lineStart = i
    }
    this.#keep(i - start, lineStart - start, lines)
    return stop - start === maxBytes ? this.#malformed(FAULT.headTooLarge) : INCOMPLETE
  }

  #complete(buffer: Uint8Array, start: number, end: number, lines: number, whole: boolean): number {
    this.#keep(end - start, end - start, lines)
    // Of a head that came in parts nothing was marked; neither of one that is scanned again.
    if (whole) lineMarks.count = lines
    else markLines(buffer, start, end)
    return end + 2
  }

  #keep(scanned: number, lineStart: number, lines: number): void {
    this.#scanned = scanned
    this.#lineStart = lineStart
    this.#lines = lines
  }

  #malformed(fault: HeadFault): number {
    this.fault = fault
    return MALFORMED
  }
}
