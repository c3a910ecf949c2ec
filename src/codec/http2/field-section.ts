// Collects one decoded field section (RFC 9113 §8.1): sorts pseudo-fields from fields, joins cookie pieces, keeps within
// the limits, and remembers the first thing that makes it malformed. One per connection, used again for each section.

import type { Http2Options } from './options.ts'
import { hasGoodValue, NAME, nameOf } from './field-check.ts'
import type { HpackField, HpackFieldSink } from './hpack/field.ts'
import { HeaderList } from '../header-list.ts'

/** `ignored`: only HPACK's state matters. */
export type SectionKind = 'request' | 'response' | 'trailers' | 'ignored'

const NO_COOKIE = -1

export class FieldSection implements HpackFieldSink {
  kind: SectionKind = 'ignored'
  method: string | undefined
  scheme: string | undefined
  path: string | undefined
  authority: string | undefined
  protocol: string | undefined
  status: string | undefined
  host: string | undefined
  upgradeMethod: string | undefined
  contentLength: string | undefined
  /** Why it is malformed; '' while it is not. */
  malformed = ''
  /** More bytes or fields than the limits allow: nothing more was kept. */
  overflow = false
  /** An underscore in a name, where the options reject that. */
  underscoreRejected = false
  readonly #options: Http2Options
  #fields: string[] = []
  #bytes = 0
  #count = 0
  #cookieAt = NO_COOKIE
  #fieldsBegan = false

  constructor(options: Http2Options) {
    this.#options = options
  }

  begin(kind: SectionKind): void {
    this.kind = kind
    this.method = undefined
    this.scheme = undefined
    this.path = undefined
    this.authority = undefined
    this.protocol = undefined
    this.status = undefined
    this.host = undefined
    this.upgradeMethod = undefined
    this.contentLength = undefined
    this.malformed = ''
    this.overflow = false
    this.underscoreRejected = false
    this.#fields = []
    this.#bytes = 0
    this.#count = 0
    this.#cookieAt = NO_COOKIE
    this.#fieldsBegan = false
  }

  /** The ordinary fields. They are the caller's from now on. */
  takeHeaders(): HeaderList {
    const headers = new HeaderList(this.#fields)
    this.#fields = []
    return headers
  }

  onField(field: HpackField): void {
    if (this.kind === 'ignored' || this.overflow) return
    const name = nameOf(field)
    this.#bytes += field.name.length + field.value.length
    if (name !== NAME.cookie || this.#cookieAt === NO_COOKIE) this.#count++
    if (this.#bytes > this.#options.maxHeaderListBytes || this.#count > this.#options.maxHeaders + PSEUDO_ALLOWANCE) {
      this.overflow = true
      this.#fields = []
      return
    }
    if (this.malformed !== '') return
    if (!hasGoodValue(field)) {
      this.#fail(
        name === NAME.invalid ? 'a field name is not valid' : `the value of ${printable(field.name)} is not valid`,
      )
    } else if (name >= NAME.method && name <= NAME.unknownPseudo) {
      this.#pseudo(name, field)
    } else {
      this.#fieldsBegan = true
      this.#ordinary(name, field)
    }
  }

  /** The limit of fields is without pseudo-fields, whose number is fixed; call when the block is complete. */
  end(): void {
    if (this.#fields.length / 2 > this.#options.maxHeaders) this.overflow = true
  }

  #ordinary(name: number, field: HpackField): void {
    switch (name) {
      case NAME.plain:
        this.#fields.push(field.name, field.value)
        return
      case NAME.underscore:
        return this.#underscore(field)
      case NAME.cookie:
        return this.#cookie(field.value)
      case NAME.contentLength:
        return this.#length(field.value)
      case NAME.host:
        return this.#hostField(field.value)
      case NAME.te:
        // RFC 9113 §8.2.2: only in requests, only "trailers".
        if (this.kind !== 'request' || field.value.toLowerCase() !== 'trailers')
          return this.#fail('te is not "trailers"')
        this.#fields.push('te', 'trailers')
        return
      case NAME.upgradeMethod:
        // Read from extended CONNECT only, dropped everywhere else: see upgrade-translation.ts.
        this.upgradeMethod ??= field.value
        return
      case NAME.connectionSpecific:
        return this.#fail(`${field.name} is a connection-specific field`)
      default:
        this.#fail('a field name is not valid')
    }
  }

  /** RFC 9113 §8.3: before all fields, once, defined, and never in trailers. */
  #pseudo(name: number, field: HpackField): void {
    if (this.#fieldsBegan) return this.#fail(`${printable(field.name)} comes after a field`)
    if (this.kind === 'trailers') return this.#fail('a pseudo-field in trailers')
    const isStatus = name === NAME.status
    if (name === NAME.unknownPseudo || isStatus !== (this.kind === 'response')) {
      return this.#fail(`${printable(field.name)} does not belong in a ${this.kind}`)
    }
    const { value } = field
    switch (name) {
      case NAME.method:
        if (this.method !== undefined) return this.#repeated(field)
        this.method = value
        return
      case NAME.scheme:
        if (this.scheme !== undefined) return this.#repeated(field)
        this.scheme = value
        return
      case NAME.path:
        if (this.path !== undefined) return this.#repeated(field)
        this.path = value
        return
      case NAME.authority:
        if (this.authority !== undefined) return this.#repeated(field)
        this.authority = value
        return
      case NAME.protocol:
        if (this.protocol !== undefined) return this.#repeated(field)
        this.protocol = value
        return
      default:
        if (this.status !== undefined) return this.#repeated(field)
        this.status = value
    }
  }

  #underscore(field: HpackField): void {
    const { stats, headersWithUnderscores } = this.#options
    if (headersWithUnderscores === 'drop') stats.dropped_headers_with_underscores++
    else if (headersWithUnderscores === 'reject') this.underscoreRejected = true
    else this.#fields.push(field.name, field.value)
  }

  /** RFC 9113 §8.2.3: pieces are joined before the message goes anywhere else. */
  #cookie(value: string): void {
    if (this.#cookieAt === NO_COOKIE) {
      this.#cookieAt = this.#fields.push('cookie', value) - 1
      return
    }
    this.#bytes += 2
    this.#fields[this.#cookieAt] = `${this.#fields[this.#cookieAt] ?? ''}; ${value}`
  }

  #length(value: string): void {
    if (this.kind === 'trailers') return
    // RFC 9110 §8.6 allows a repeated equal value; a message that repeats it is refused here all the same.
    if (this.contentLength !== undefined) return this.#fail('content-length is repeated')
    if (!/^\d{1,15}$/.test(value)) return this.#fail('content-length is not a number')
    this.contentLength = value
    this.#fields.push('content-length', value)
  }

  #hostField(value: string): void {
    if (this.kind !== 'request') {
      if (this.kind === 'response') this.#fields.push('host', value)
      return
    }
    if (this.host !== undefined) return this.#fail('host is repeated')
    this.host = value
  }

  #repeated(field: HpackField): void {
    this.#fail(`${field.name} is repeated`)
  }

  #fail(reason: string): void {
    if (this.malformed === '') this.malformed = reason
  }
}

/** Pseudo-fields (:method, :scheme, :authority, :path, :protocol), `host` and the method field do not count as headers. */
const PSEUDO_ALLOWANCE = 7

/** A name fit for a log line. */
const printable = (name: string): string => name.slice(0, 64).replace(/[^\x21-\x7e]/g, '?')
