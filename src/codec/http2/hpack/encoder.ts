// Encodes header blocks (RFC 7541). One per connection. The caller gives the room: a growing buffer that the frame
// writer turns into HEADERS and CONTINUATION frames.

import { DEFAULT_TABLE_SIZE } from './dynamic-table.ts'
import { ENTRY_OVERHEAD } from './field.ts'
import { huffmanEncode, huffmanLength } from './huffman.ts'
import { indexPolicy, type IndexPolicy, SHORT_COOKIE_LENGTH } from './index-policy.ts'
import { writeInteger } from './integer.ts'
import { STATIC_COUNT, STATIC_NAMES, STATIC_PAIRS } from './static-table.ts'

/** Where a block is written; the encoder replaces `buffer` when it is too small and advances `end`. */
export interface BlockBuffer {
  buffer: Buffer
  end: number
}

/** What the encoder knows of one field name. Kept while it is a well-known name or the dynamic table holds it. */
interface KnownName {
  readonly name: string
  readonly staticIndex: number
  readonly staticValues: ReadonlyMap<string, number> | undefined
  readonly policy: IndexPolicy
  /** Insertion numbers of the dynamic entries with this name, by value. */
  readonly values: Map<string, number>
  /** Insertion number of the newest entry with this name, 0 when none. */
  newest: number
  /** Values in a row that were not in a table: such a name is not worth a place in it. */
  misses: number
}

interface Entry {
  readonly known: KnownName
  readonly value: string
  readonly size: number
}

/** After so many new values in a row a name is indexed only once in {@link RETRY_EVERY} times. */
const MISSES_BEFORE_GIVING_UP = 8
const RETRY_EVERY = 32
/** The peer may offer more; this much is used at most. */
const MAX_TABLE_SIZE = 64 * 1024

export class HpackEncoder {
  readonly #names = new Map<string, KnownName>()
  /** Entries from `#oldest` on, by insertion number. */
  readonly #entries = new Map<number, Entry>()
  #inserted = 0
  #oldest = 1
  #size = 0
  #maxSize = DEFAULT_TABLE_SIZE
  readonly #ownMaximum: number
  /** Smallest size since the last block, which must be announced before the present one (§4.2); -1: nothing to announce. */
  #smallest = -1

  /** `ownMaximum`: table bytes this side is willing to keep, whatever the peer offers. */
  constructor(ownMaximum: number = DEFAULT_TABLE_SIZE) {
    this.#ownMaximum = Math.min(ownMaximum, MAX_TABLE_SIZE)
    if (this.#ownMaximum < DEFAULT_TABLE_SIZE) this.setPeerLimit(DEFAULT_TABLE_SIZE)
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  setPeerLimit(limit: number): void {
    const size = Math.min(limit, this.#ownMaximum)
    if (size === this.#maxSize) return
    this.#smallest = this.#smallest < 0 ? size : Math.min(this.#smallest, size)
    this.#maxSize = size
    this.#evictTo(size)
  }

  /** Starts a block: announces a changed table size (§4.2). */
  begin(out: BlockBuffer): void {
    if (this.#smallest < 0) return
    ensureRoom(out, 16)
    if (this.#smallest < this.#maxSize) out.end = writeInteger(out.buffer, out.end, 0x20, 5, this.#smallest)
    out.end = writeInteger(out.buffer, out.end, 0x20, 5, this.#maxSize)
    this.#smallest = -1
  }

  /** Appends one field. The name is in lower case; characters over 255 lose their high bits. */
  encode(out: BlockBuffer, name: string, value: string): void {
    ensureRoom(out, name.length + value.length + 24)
    const known = this.#names.get(name) ?? this.#learn(name)
    const { policy } = known
    if (policy === 'never' || (policy === 'cookie' && value.length < SHORT_COOKIE_LENGTH)) {
      this.#literal(out, known, 0x10, 4, value)
      return
    }
    const fixed = known.staticValues?.get(value)
    if (fixed !== undefined) {
      out.end = writeInteger(out.buffer, out.end, 0x80, 7, fixed)
      return
    }
    const number = known.values.get(value)
    if (number !== undefined) {
      known.misses = 0
      out.end = writeInteger(out.buffer, out.end, 0x80, 7, this.#indexOf(number))
      return
    }
    const size = name.length + value.length + ENTRY_OVERHEAD
    if (!this.#worthIndexing(known, size)) {
      this.#literal(out, known, 0x00, 4, value)
      return
    }
    // The name's index is written before the insertion moves or evicts it (§4.4).
    this.#literal(out, known, 0x40, 6, value)
    this.#insert(known, value, size)
  }

  #worthIndexing(known: KnownName, size: number): boolean {
    if (known.policy === 'without' || size > this.#maxSize - (this.#maxSize >>> 2)) return false
    known.misses++
    return known.misses <= MISSES_BEFORE_GIVING_UP || known.misses % RETRY_EVERY === 0
  }

  #literal(out: BlockBuffer, known: KnownName, flags: number, prefixBits: number, value: string): void {
    const { buffer } = out
    const index = known.staticIndex > 0 ? known.staticIndex : known.newest > 0 ? this.#indexOf(known.newest) : 0
    let end = writeInteger(buffer, out.end, flags, prefixBits, index)
    if (index === 0) end = writeString(buffer, end, known.name)
    out.end = writeString(buffer, end, value)
  }

  #indexOf(number: number): number {
    return STATIC_COUNT + this.#inserted - number + 1
  }

  #learn(name: string): KnownName {
    const known: KnownName = {
      name,
      staticIndex: STATIC_NAMES.get(name) ?? 0,
      staticValues: STATIC_PAIRS.get(name),
      policy: indexPolicy(name),
      values: new Map(),
      newest: 0,
      misses: 0,
    }
    // Static names and those with a policy are few. Others are kept only while the table holds them, which bounds this map.
    if (known.staticIndex > 0 || known.policy !== 'table') this.#names.set(name, known)
    return known
  }

  #insert(known: KnownName, value: string, size: number): void {
    this.#evictTo(this.#maxSize - size)
    const number = ++this.#inserted
    this.#entries.set(number, { known, value, size })
    this.#size += size
    known.values.set(value, number)
    known.newest = number
    if (known.staticIndex === 0) this.#names.set(known.name, known)
  }

  #evictTo(size: number): void {
    while (this.#size > size && this.#oldest <= this.#inserted) {
      const number = this.#oldest++
      const entry = this.#entries.get(number)
      this.#entries.delete(number)
      if (entry === undefined) continue
      this.#size -= entry.size
      const { known } = entry
      known.values.delete(entry.value)
      if (known.newest === number) known.newest = 0
      if (known.values.size === 0 && known.staticIndex === 0) this.#names.delete(known.name)
    }
  }
}

/** §5.2: Huffman when that is shorter. */
function writeString(buffer: Buffer, at: number, text: string): number {
  const { length } = text
  const coded = huffmanLength(text)
  if (coded < length) return huffmanEncode(text, buffer, writeInteger(buffer, at, 0x80, 7, coded))
  const to = writeInteger(buffer, at, 0x00, 7, length)
  for (let i = 0; i < length; i++) buffer[to + i] = text.charCodeAt(i)
  return to + length
}

function ensureRoom(out: BlockBuffer, bytes: number): void {
  if (out.end + bytes <= out.buffer.length) return
  const larger = Buffer.allocUnsafeSlow(Math.max(out.buffer.length * 2, out.end + bytes))
  out.buffer.copy(larger, 0, 0, out.end)
  out.buffer = larger
}
