// Reads the header lines of a head, or a trailer section (RFC 9112 §5), from text that a HeadScanner has passed: lines
// end in CRLF and hold no control character but HTAB. Fields that steer the message are set apart, hop-by-hop ones dropped.

import { isTokenText } from './characters.ts'
import { commonFieldName, FIELD, type FieldKind } from './field-names.ts'
import { FAULT, type HeadFault } from './head-fault.ts'
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

  /** Reads the lines of `text` from `position` to its end, each closed by CRLF. Answers what is wrong with them. */
  read(text: string, position: number): HeadFault | undefined {
    const { length } = text
    const { maxHeaders } = this.#options
    let fault: HeadFault | undefined
    for (let lines = 0; position < length; lines++) {
      if (lines === maxHeaders) return FAULT.tooManyHeaders
      const lineEnd = text.indexOf('\r', position)
      const lineFault = this.#readLine(text, position, lineEnd)
      // An underscore is a matter of policy: a malformed line behind it is worse and wins.
      if (lineFault === FAULT.underscore) fault = lineFault
      else if (lineFault !== undefined) return lineFault
      position = lineEnd + 2
    }
    return fault
  }

  #readLine(text: string, start: number, end: number): HeadFault | undefined {
    const first = text.charCodeAt(start)
    // RFC 9112 §5.2: obs-fold is refused, in responses too. Peers disagree on where such a value ends.
    if (first === SPACE || first === HTAB) return FAULT.obsFold
    const colon = text.indexOf(':', start)
    if (colon === -1 || colon > end) return FAULT.noColon
    const raw = text.slice(start, colon)
    let valueStart = colon + 1
    let valueEnd = end
    while (valueStart < valueEnd && isSpace(text.charCodeAt(valueStart))) valueStart++
    while (valueEnd > valueStart && isSpace(text.charCodeAt(valueEnd - 1))) valueEnd--
    const value = text.slice(valueStart, valueEnd)
    const common = commonFieldName(raw)
    if (common === undefined) return this.#addUnusual(raw, value)
    if (common.kind === FIELD.ordinary) this.fields.push(common.lower, value)
    else this.#setApart(common.kind, value)
    return undefined
  }

  #addUnusual(raw: string, value: string): HeadFault | undefined {
    // RFC 9112 §5.1: white space before the colon is no part of a token and is refused with it.
    if (!isTokenText(raw)) return FAULT.headerName
    if (this.#options.headersWithUnderscores !== 'allow' && raw.includes('_')) return this.#underscore()
    const lower = raw.toLowerCase()
    const common = commonFieldName(lower)
    if (common === undefined) this.fields.push(lower, value)
    else if (common.kind === FIELD.ordinary) this.fields.push(common.lower, value)
    else this.#setApart(common.kind, value)
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
    }
  }
}

const isSpace = (code: number): boolean => code === SPACE || code === HTAB

/** RFC 9110 §5.3: repeated fields are one list. */
const joined = (before: string | undefined, value: string): string => (before === undefined ? value : `${before},${value}`)
