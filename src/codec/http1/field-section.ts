// Reads the header lines of a head, or a trailer section (RFC 9112 §5), from bytes that a HeadScanner has passed: lines
// end in CRLF and hold no control character but HTAB. Fields that steer the message are set apart, hop-by-hop ones dropped.

import { isToken } from '../header-list.ts'
import { commonFieldName, FIELD, type FieldKind } from './field-names.ts'
import { FAULT, type HeadFault } from './head-fault.ts'
import { lineMarks } from './line-marks.ts'
import type { HeadOptions } from './options.ts'

const HTAB = 9
const SPACE = 32

export class FieldSection {
  /** Ordinary fields, name and value in turn. */
  readonly fields: string[] = []
  /** Values of the fields set apart, joined by `,` when repeated; undefined when absent. */
  host: string | undefined
  contentLength: string | undefined
  transferEncoding: string | undefined
  connection: string | undefined
  upgrade: string | undefined
  te: string | undefined
  expect: string | undefined
  /** Lines of each, to tell a repeated field from a list. */
  hostLines = 0
  contentLengthLines = 0
  readonly #options: HeadOptions

  constructor(options: HeadOptions) {
    this.#options = options
  }

  /**
   * Reads the marked lines from number `firstLine` on. The section's bytes begin at `buffer[base]`, and `text` is the
   * same as latin1. Answers what is wrong.
   */
  read(buffer: Uint8Array, base: number, text: string, firstLine: number): HeadFault | undefined {
    const { count, colons, ends } = lineMarks
    let fault: HeadFault | undefined
    let start = firstLine === 0 ? 0 : (ends[firstLine - 1] ?? 0) + 2
    for (let line = firstLine; line < count; line++) {
      const end = ends[line] ?? 0
      const lineFault = this.#readLine(buffer, base, text, start, colons[line] ?? 0, end)
      // An underscore is a matter of policy: a malformed line behind it is worse and wins.
      if (lineFault === FAULT.underscore) fault = lineFault
      else if (lineFault !== undefined) return lineFault
      start = end + 2
    }
    return fault
  }

  #readLine(
    buffer: Uint8Array,
    base: number,
    text: string,
    start: number,
    colon: number,
    end: number,
  ): HeadFault | undefined {
    const first = buffer[base + start] ?? 0
    // RFC 9112 §5.2: obs-fold is refused, in responses too. Peers disagree on where such a value ends.
    if (first === SPACE || first === HTAB) return FAULT.obsFold
    if (colon < 0) return FAULT.noColon
    let valueStart = colon + 1
    let valueEnd = end
    while (valueStart < valueEnd && isSpace(buffer[base + valueStart] ?? 0)) valueStart++
    while (valueEnd > valueStart && isSpace(buffer[base + valueEnd - 1] ?? 0)) valueEnd--
    const value = text.slice(valueStart, valueEnd)
    const common = commonFieldName(buffer, base + start, base + colon)
    if (common === undefined) return this.#addUnusual(text.slice(start, colon), value)
    if (common.kind === FIELD.ordinary) this.fields.push(common.lower, value)
    else this.#setApart(common.kind, value)
    return undefined
  }

  #addUnusual(raw: string, value: string): HeadFault | undefined {
    // RFC 9112 §5.1: white space before the colon is no part of a token and is refused with it.
    if (!isToken(raw)) return FAULT.headerName
    if (this.#options.headersWithUnderscores !== 'allow' && raw.includes('_')) return this.#underscore()
    this.fields.push(raw.toLowerCase(), value)
    return undefined
  }

  #underscore(): HeadFault | undefined {
    const { headersWithUnderscores, stats } = this.#options
    if (headersWithUnderscores === 'reject') return FAULT.underscore
    stats.dropped_headers_with_underscores++
    return undefined
  }

  #setApart(kind: FieldKind, value: string): void {
    switch (kind) {
      case FIELD.host:
        this.hostLines++
        this.host = value
        break
      case FIELD.contentLength:
        this.contentLengthLines++
        this.contentLength = value
        break
      case FIELD.transferEncoding:
        this.transferEncoding = joined(this.transferEncoding, value)
        break
      case FIELD.connection:
        this.connection = joined(this.connection, value)
        break
      case FIELD.upgrade:
        this.upgrade = joined(this.upgrade, value)
        break
      case FIELD.te:
        this.te = joined(this.te, value)
        break
      case FIELD.expect:
        this.expect = joined(this.expect, value)
        break
      case FIELD.hop:
      case FIELD.ordinary:
        break
    }
  }
}

const isSpace = (code: number): boolean => code === SPACE || code === HTAB

/** RFC 9110 §5.3: repeated fields are one list. */
const joined = (before: string | undefined, value: string): string =>
  before === undefined ? value : `${before},${value}`
