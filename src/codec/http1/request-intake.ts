// Finds the next request head on a server connection: passes the empty lines that may stand before it (RFC 9112 §2.2)
// and tells when a head has begun, on which a timer hangs.

import { BLANK_LINES_BEFORE_REQUEST } from '../../core/limits.ts'
import { FAULT, type HeadFault } from './head-fault.ts'
import { HeadScanner, INCOMPLETE, MALFORMED } from './head-scanner.ts'
import type { Http1ServerOptions } from './options.ts'

const CR = 13
const LF = 10

export class RequestIntake {
  /** A head has begun and is not complete. */
  started = false
  /** Where the head begins in the bytes given last. */
  headStart = 0
  /** After MALFORMED. */
  fault: HeadFault = FAULT.bareCr
  readonly #options: Http1ServerOptions
  readonly #scanner = new HeadScanner()
  #blankLines = 0

  constructor(options: Http1ServerOptions) {
    this.#options = options
  }

  /**
   * Looks on in `buffer[start, end)`, which begins where the head does once one has started. Answers the index behind
   * the head, INCOMPLETE or MALFORMED.
   */
  scan(buffer: Buffer, start: number, end: number): number {
    this.headStart = start
    if (!this.started && !this.#begin(buffer, end))
      return this.#blankLines > BLANK_LINES_BEFORE_REQUEST ? MALFORMED : INCOMPLETE
    const { maxHeadBytes, maxHeaders } = this.#options
    const stop = this.#scanner.scan(buffer, this.headStart, end, maxHeadBytes, maxHeaders + 1)
    if (stop === MALFORMED) this.fault = this.#scanner.fault ?? FAULT.bareCr
    return stop
  }

  /** Whether bytes held for later begin with what is passed over, so that they must be read anew rather than scanned on. */
  beginsBlank(buffer: Buffer, end: number): boolean {
    return !this.started && isBlankLine(buffer, 0, end)
  }

  /** Makes ready for the next head. */
  reset(): void {
    this.started = false
    this.#blankLines = 0
    this.#scanner.reset()
  }

  /** Passes empty lines; whether a head begins behind them. */
  #begin(buffer: Buffer, end: number): boolean {
    while (isBlankLine(buffer, this.headStart, end)) {
      if (++this.#blankLines > BLANK_LINES_BEFORE_REQUEST) {
        this.fault = FAULT.blankLines
        return false
      }
      this.headStart += 2
    }
    const loneCr = end - this.headStart === 1 && buffer[this.headStart] === CR
    if (this.headStart === end || loneCr) return false
    this.started = true
    this.#options.hooks?.onHeadStart()
    return true
  }
}

const isBlankLine = (buffer: Buffer, start: number, end: number): boolean =>
  end - start >= 2 && buffer[start] === CR && buffer[start + 1] === LF
