// Where the lines of a head begin, end and have their colon. One set for the process, since a head is parsed in the same
// call in which it was found complete: valid from `HeadScanner.scan` or `markLines` until the next of either.

const FIRST_LINES = 128

/** Offsets from the head's start. A line begins 2 bytes behind the end of the line before. */
class LineMarks {
  /** Number of lines, without the empty one. */
  count = 0
  /** Of each line its first colon, -1 when there is none. */
  colons = new Int32Array(FIRST_LINES)
  /** Of each line its CR. */
  ends = new Int32Array(FIRST_LINES)

  /** Marks `line`; the caller sets `count` at the end. */
  set(line: number, colon: number, end: number): void {
    if (line >= this.ends.length) this.#grow()
    this.colons[line] = colon
    this.ends[line] = end
  }

  /** Bounded by the limit of header lines, which the scanner holds to. */
  #grow(): void {
    const { colons, ends } = this
    this.colons = new Int32Array(ends.length * 2)
    this.ends = new Int32Array(ends.length * 2)
    this.colons.set(colons)
    this.ends.set(ends)
  }
}

/** The marks of the head that was scanned last. */
export const lineMarks = new LineMarks()

const COLON = 58
const CR = 13

/** Marks the lines of `buffer[start, end)`, which a scanner has passed and which ends before the empty line. */
export function markLines(buffer: Uint8Array, start: number, end: number): void {
  let lines = 0
  let colon = -1
  for (let i = start; i < end; i++) {
    const byte = buffer[i]
    if (byte === COLON && colon < 0) colon = i - start
    if (byte !== CR) continue
    lineMarks.set(lines++, colon, i - start)
    colon = -1
  }
  lineMarks.count = lines
}
