// Decodes header blocks (RFC 7541 §3, §6). One per connection; every block must pass through it, also those of streams
// that are gone, or the two sides' tables part.

import { DEFAULT_TABLE_SIZE, DynamicTable } from './dynamic-table.ts'
import { HpackField, type HpackFieldSink } from './field.ts'
import { huffmanDecode, huffmanDecodedBound } from './huffman.ts'
import { IntegerReader } from './integer.ts'
import { STATIC_COUNT, STATIC_FIELDS } from './static-table.ts'

// Huffman strings are decoded here before they become JavaScript strings. Never held across a call to a sink.
let scratch = Buffer.allocUnsafeSlow(8 * 1024)

export class HpackDecoder {
  readonly #table = new DynamicTable(DEFAULT_TABLE_SIZE)
  readonly #integer = new IntegerReader()
  /** Largest size the peer may choose: our SETTINGS_HEADER_TABLE_SIZE once it was acknowledged. */
  #limit = DEFAULT_TABLE_SIZE
  /** §4.2: the acknowledged limit is under the table's size, so the next block must begin with a size update. */
  #updateRequired = false
  #next = 0

  /** Bytes in the dynamic table. */
  get tableSize(): number {
    return this.#table.size
  }

  /** Sets the limit of the table's size: when raising it, before our SETTINGS go out; when lowering it, at their ACK. */
  setLimit(limit: number): void {
    this.#limit = limit
    this.#updateRequired = this.#table.maxSize > limit
  }

  /**
   * Decodes one complete block into `sink`. Answers false when it is not valid: the connection must end with
   * COMPRESSION_ERROR (RFC 9113 §4.3). The work is bounded by the block's length; the sink bounds what it keeps.
   */
  decode(block: Buffer, start: number, end: number, sink: HpackFieldSink): boolean {
    let at = start
    let updatesAllowed = true
    while (at < end) {
      const first = block[at] ?? 0
      if ((first & 0xe0) === 0x20) {
        // §4.2: size updates stand at the beginning of a block only.
        if (!updatesAllowed || !this.#resize(block, at, end)) return false
        at = this.#next
        continue
      }
      if (this.#updateRequired) return false
      updatesAllowed = false
      const field = first >= 0x80 ? this.#indexed(block, at, end) : this.#literal(block, at, end, first)
      if (field === undefined) return false
      at = this.#next
      sink.onField(field)
    }
    return true
  }

  /** §6.1 */
  #indexed(block: Buffer, at: number, end: number): HpackField | undefined {
    const index = this.#integer.read(block, at, end, 7)
    this.#next = this.#integer.next
    return this.#fieldAt(index)
  }

  /** §6.2: with incremental indexing (01), without (0000), never indexed (0001). */
  #literal(block: Buffer, at: number, end: number, first: number): HpackField | undefined {
    const indexing = first >= 0x40
    const index = this.#integer.read(block, at, end, indexing ? 6 : 4)
    this.#next = this.#integer.next
    if (index < 0) return undefined
    let name: string | undefined
    let nameMark = 0
    if (index === 0) {
      name = this.#string(block, this.#next, end)
    } else {
      const named = this.#fieldAt(index)
      name = named?.name
      nameMark = named?.nameMark ?? 0
    }
    if (name === undefined) return undefined
    const value = this.#string(block, this.#next, end)
    if (value === undefined) return undefined
    const field = new HpackField(name, value)
    field.nameMark = nameMark
    if (indexing) this.#table.add(field)
    return field
  }

  /** §6.3 */
  #resize(block: Buffer, at: number, end: number): boolean {
    const size = this.#integer.read(block, at, end, 5)
    if (size < 0 || size > this.#limit) return false
    this.#next = this.#integer.next
    this.#table.resize(size)
    this.#updateRequired = false
    return true
  }

  /** §2.3.3: one address space, static entries first. Index 0 is an error. */
  #fieldAt(index: number): HpackField | undefined {
    return index <= STATIC_COUNT ? STATIC_FIELDS[index - 1] : this.#table.at(index - STATIC_COUNT)
  }

  /** §5.2 */
  #string(block: Buffer, at: number, end: number): string | undefined {
    if (at >= end) return undefined
    const length = this.#integer.read(block, at, end, 7)
    if (length < 0) return undefined
    const from = this.#integer.next
    const to = from + length
    if (to > end) return undefined
    this.#next = to
    if ((block[at] ?? 0) < 0x80) return block.toString('latin1', from, to)
    const bound = huffmanDecodedBound(length)
    if (bound > scratch.length) scratch = Buffer.allocUnsafeSlow(bound)
    const decoded = huffmanDecode(block, from, to, scratch)
    return decoded < 0 ? undefined : scratch.toString('latin1', 0, decoded)
  }
}
