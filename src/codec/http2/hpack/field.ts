// One header field as HPACK carries it: what the decoder hands out, and what both tables hold.

/**
 * A name and a value, latin1. The two marks belong to whoever examines fields (field-check.ts): 0 means not examined yet.
 * They live here so that a field that comes from a table is examined once, not once per message.
 */
export class HpackField {
  readonly name: string
  readonly value: string
  nameMark = 0
  valueMark = 0

  constructor(name: string, value: string) {
    this.name = name
    this.value = value
  }

  /** RFC 7541 §4.1: the size an entry counts for in a table. */
  get tableSize(): number {
    return this.name.length + this.value.length + ENTRY_OVERHEAD
  }
}

/** RFC 7541 §4.1: bytes added to name and value of each entry. */
export const ENTRY_OVERHEAD = 32

/** Receives the fields of one block, in order. Not to be kept by the decoder; the field itself may be kept. */
export interface HpackFieldSink {
  onField(field: HpackField): void
}
