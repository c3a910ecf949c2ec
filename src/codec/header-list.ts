// An ordered list of header fields, as all three HTTP versions and the filters see it. Names are lower case (RFC 9113
// §8.2.1); values are latin1 strings without surrounding white space. One flat array: no object per field.

/** Ordered header fields; repeated names are kept apart. */
export class HeaderList {
  /** name, value, name, value, … Read it in codecs; change it through the methods. */
  readonly fields: string[]

  constructor(fields: string[] = []) {
    this.fields = fields
  }

  /** Number of fields. */
  get size(): number {
    return this.fields.length / 2
  }

  /** The first value of `name` (lower case), or undefined. */
  get(name: string): string | undefined {
    const { fields } = this
    for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1]
    return undefined
  }

  /** All values of `name`, joined by `,` as RFC 9110 §5.3 allows; undefined when absent. */
  getAll(name: string): string | undefined {
    const { fields } = this
    let joined: string | undefined
    for (let i = 0; i < fields.length; i += 2) {
      if (fields[i] === name) joined = joined === undefined ? fields[i + 1] : `${joined},${fields[i + 1]}`
    }
    return joined
  }

  /** Every value of `name` apart. */
  values(name: string): string[] {
    const { fields } = this
    const found: string[] = []
    for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) found.push(fields[i + 1] ?? '')
    return found
  }

  has(name: string): boolean {
    const { fields } = this
    for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return true
    return false
  }

  /** Adds a field at the end. `name` must be lower case and both must be valid: see `isFieldName`, `isFieldValue`. */
  add(name: string, value: string): void {
    this.fields.push(name, value)
  }

  /** Makes `value` the only value of `name`, in the place of the first one. */
  set(name: string, value: string): void {
    const { fields } = this
    for (let i = 0; i < fields.length; i += 2) {
      if (fields[i] !== name) continue
      fields[i + 1] = value
      this.#removeFrom(i + 2, name)
      return
    }
    fields.push(name, value)
  }

  /** Removes every field called `name`; tells whether there was one. */
  remove(name: string): boolean {
    return this.#removeFrom(0, name)
  }

  /** Makes these the fields of `other`, which stays its own. */
  assign(other: HeaderList): void {
    const { fields } = this
    fields.length = 0
    for (const text of other.fields) fields.push(text)
  }

  clone(): HeaderList {
    return new HeaderList(this.fields.slice())
  }

  *[Symbol.iterator](): Generator<readonly [string, string]> {
    const { fields } = this
    for (let i = 0; i < fields.length; i += 2) yield [fields[i] ?? '', fields[i + 1] ?? '']
  }

  #removeFrom(from: number, name: string): boolean {
    const { fields } = this
    let to = from
    for (let i = from; i < fields.length; i += 2) {
      if (fields[i] === name) continue
      if (to !== i) {
        fields[to] = fields[i] ?? ''
        fields[to + 1] = fields[i + 1] ?? ''
      }
      to += 2
    }
    const found = to !== fields.length
    if (found) fields.length = to
    return found
  }
}

// RFC 9110 §5.6.2 token, lower case only: HTTP/1 names are lowered before they are checked.
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
// RFC 9110 §5.5: no CR, LF, NUL or other controls but HTAB; latin1 stands for obs-text.
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Whether `name` may be a field name (RFC 9110 §5.1), already in lower case. */
export const isFieldName = (name: string): boolean => FIELD_NAME.test(name)
/** Whether `value` may be a field value (RFC 9110 §5.5). */
export const isFieldValue = (value: string): boolean => FIELD_VALUE.test(value)
/** Whether `text` is a token (RFC 9110 §5.6.2), as methods and upgrade types are. */
export const isToken = (text: string): boolean => TOKEN.test(text)
