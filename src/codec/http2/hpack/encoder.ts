// Encodes header blocks (RFC 7541). One per connection. The caller gives the room: a growing buffer that the frame
// writer turns into HEADERS and CONTINUATION frames.

import { DEFAULT_TABLE_SIZE } from './dynamic-table.ts'
import { EncoderTable, type KnownName } from './encoder-table.ts'
import { ENTRY_OVERHEAD } from './field.ts'
import { huffmanEncode, huffmanLength } from './huffman.ts'
import { SHORT_COOKIE_LENGTH } from './index-policy.ts'
import { writeInteger } from './integer.ts'

/** Where a block is written; the encoder replaces `buffer` when it is too small and advances `end`. */
export interface BlockBuffer {
  buffer: Buffer
  end: number
}

/** After so many new values in a row a name is indexed only once in {@link RETRY_EVERY} times. */
const MISSES_BEFORE_GIVING_UP = 8
const RETRY_EVERY = 32
/** The peer may offer more; this much is used at most. */
const MAX_TABLE_SIZE = 64 * 1024

export class HpackEncoder {
  readonly #table = new EncoderTable(DEFAULT_TABLE_SIZE)
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
    if (size === this.#table.maxSize) return
    this.#smallest = this.#smallest < 0 ? size : Math.min(this.#smallest, size)
    this.#table.resize(size)
  }

  /** Starts a block: announces a changed table size (§4.2). */
  begin(out: BlockBuffer): void {
    if (this.#smallest < 0) return
    ensureRoom(out, 16)
    const { maxSize } = this.#table
    if (this.#smallest < maxSize) out.end = writeInteger(out.buffer, out.end, 0x20, 5, this.#smallest)
    out.end = writeInteger(out.buffer, out.end, 0x20, 5, maxSize)
    this.#smallest = -1
  }

  /** Appends one field. The name is in lower case; characters over 255 lose their high bits. */
  encode(out: BlockBuffer, name: string, value: string): void {
    const table = this.#table
    const known = table.name(name)
    const { policy } = known
    if (policy === 'never' || (policy === 'cookie' && value.length < SHORT_COOKIE_LENGTH)) {
      this.#literal(out, known, 0x10, 4, value)
      return
    }
    const index = table.find(known, value)
    if (index > 0) {
      known.misses = 0
      ensureRoom(out, 8)
      out.end = writeInteger(out.buffer, out.end, 0x80, 7, index)
    } else if (this.#worthIndexing(known, name.length + value.length + ENTRY_OVERHEAD)) {
      // The name's index is written before the insertion moves or evicts it (§4.4).
      this.#literal(out, known, 0x40, 6, value)
      table.insert(known, value)
    } else {
      this.#literal(out, known, 0x00, 4, value)
    }
  }

  #worthIndexing(known: KnownName, size: number): boolean {
    const table = this.#table
    if (size > table.maxSize - (table.maxSize >>> 2)) return false
    // A value that never comes again is worth a place once: later ones refer to its name.
    if (known.policy === 'without') return known.staticIndex === 0 && known.newest < table.oldest
    known.misses++
    return known.misses <= MISSES_BEFORE_GIVING_UP || known.misses % RETRY_EVERY === 0
  }

  #literal(out: BlockBuffer, known: KnownName, flags: number, prefixBits: number, value: string): void {
    const { name } = known
    const index = this.#table.nameIndex(known)
    ensureRoom(out, roomFor(value) + (index === 0 ? roomFor(name) : 0) + 8)
    const { buffer } = out
    let end = writeInteger(buffer, out.end, flags, prefixBits, index)
    if (index === 0) end = writeString(buffer, end, name)
    // A value that no table keeps is coded and decoded every time; what that saves on the wire is not worth it (§5.2 leaves
    // the choice to the encoder).
    out.end = flags === 0x00 ? writePlain(buffer, end, value) : writeString(buffer, end, value)
  }
}

/** Up to this length a string is encoded at once, and its length, of one byte, is filled in afterwards. */
const SHORT_STRING = 100

/** A byte that has no short code takes up to 30 bits, which is found out too late for a short string. */
const roomFor = (text: string): number => (text.length <= SHORT_STRING ? 4 * text.length : text.length) + 8

/** §5.2: Huffman when that is shorter. */
function writeString(buffer: Buffer, at: number, text: string): number {
  const { length } = text
  if (length <= SHORT_STRING) {
    const end = huffmanEncode(text, buffer, at + 1)
    const coded = end - at - 1
    if (coded < length) {
      buffer[at] = 0x80 | coded
      return end
    }
  } else {
    const coded = huffmanLength(text)
    if (coded < length) return huffmanEncode(text, buffer, writeInteger(buffer, at, 0x80, 7, coded))
  }
  return writePlain(buffer, at, text)
}

/** Beyond this length one native call is faster than a loop. */
const LONG_STRING = 128

function writePlain(buffer: Buffer, at: number, text: string): number {
  const { length } = text
  const to = writeInteger(buffer, at, 0x00, 7, length)
  if (length > LONG_STRING) return to + buffer.write(text, to, 'latin1')
  for (let i = 0; i < length; i++) buffer[to + i] = text.charCodeAt(i)
  return to + length
}

function ensureRoom(out: BlockBuffer, bytes: number): void {
  if (out.end + bytes <= out.buffer.length) return
  const larger = Buffer.allocUnsafeSlow(Math.max(out.buffer.length * 2, out.end + bytes))
  out.buffer.copy(larger, 0, 0, out.end)
  out.buffer = larger
}
