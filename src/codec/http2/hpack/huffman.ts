// The Huffman code of RFC 7541 appendix B. The code is canonical, so the lengths alone define it; both directions are
// table-driven. Used by the HPACK encoder and decoder.

// Length of each symbol's code, 0–255 and EOS, as letters: A is 5 bits, Z is 30.
const LENGTHS =
  'ISXXXXXXXTZXXZXXXXXXXXZXXXXXXXXX' +
  'BFFHIBDGFFDGDBBBAAABBBBBBBCDKBHF' +
  'IBCCCCCCCCCCCCCCCCCCCCCCDCDIOIJB' +
  'KABABABBBACCBBBABCBAABCCCCCKGJIX' +
  'PRPPRRRSRSSSSSTSTTRSTSSSSQRSRSST' +
  'RQPRRSSQSRRTQRSSQQRQSRSSPRRRSRRS' +
  'VVPORSRUVVVWWVTUOQVWWVWTQQVVXWWW' +
  'PTPQRQQSRRUUTTVSVWVVWWWWWXWWWWWV' +
  'Z'

const EOS = 256
const SYMBOLS = 257
const ROOT_BITS = 9

/** Code length in bits of each byte. */
const BITS = new Uint8Array(SYMBOLS)
/** Code of each byte, right-aligned. */
const CODES = new Int32Array(SYMBOLS)
/** Short codes: index is the next 9 bits; `length << 8 | symbol`, or 0 when the code is longer. */
const ROOT = new Uint16Array(1 << ROOT_BITS)
/** Binary tree for long codes: `TREE[2 * node + bit]` is the next node, or `-1 - symbol` at a leaf. */
const TREE = new Int16Array(2 * SYMBOLS)

buildTables()

/** Bytes that `text` (latin1) takes when Huffman-encoded. */
export function huffmanLength(text: string): number {
  let bits = 0
  for (let i = 0; i < text.length; i++) bits += BITS[text.charCodeAt(i) & 0xff] ?? 0
  return (bits + 7) >>> 3
}

/** Writes `text` (latin1) at `at`; answers the position behind it. The caller made room. */
export function huffmanEncode(text: string, buffer: Uint8Array, at: number): number {
  let held = 0
  let count = 0
  let to = at
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff
    const code = CODES[symbol] ?? 0
    let length = BITS[symbol] ?? 0
    if (length > 24) {
      // Fewer than 8 bits are held, so at most 24 more fit 32: long codes go in two pieces.
      length -= 16
      held = (held << length) | (code >>> 16)
      for (count += length; count >= 8; count -= 8) buffer[to++] = held >>> (count - 8)
      length = 16
      held = (held << 16) | (code & 0xffff)
    } else {
      held = (held << length) | code
    }
    for (count += length; count >= 8; count -= 8) buffer[to++] = held >>> (count - 8)
  }
  // §5.2: the last byte is padded with the most significant bits of EOS, all ones.
  if (count > 0) buffer[to++] = (held << (8 - count)) | (0xff >>> count)
  return to
}

/** Decodes `buffer[start, end)` into `out` at 0; answers the number of bytes, or -1 when it is not valid (§5.2). */
export function huffmanDecode(buffer: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let held = 0
  let count = 0
  let at = start
  let to = 0
  for (;;) {
    while (count <= 16 && at < end) {
      held = ((held & 0xffff) << 8) | (buffer[at++] ?? 0)
      count += 8
    }
    // Missing bits at the end read as ones, which no symbol of 7 bits or fewer can be made of.
    const index = count >= ROOT_BITS ? held >>> (count - ROOT_BITS) : (held << (ROOT_BITS - count)) | (0x1ff >>> count)
    const hit = ROOT[index & 0x1ff] ?? 0
    const length = hit >>> 8
    if (length !== 0 && length <= count) {
      out[to++] = hit & 0xff
      count -= length
      continue
    }
    if (at === end && count < 8) return (held & ((1 << count) - 1)) === (1 << count) - 1 ? to : -1
    // A long code: walk it bit by bit.
    let node = 0
    while (node >= 0) {
      if (count === 0) {
        if (at === end) return -1
        held = buffer[at++] ?? 0
        count = 8
      }
      count--
      node = TREE[2 * node + ((held >>> count) & 1)] ?? -1 - EOS
      // Only padding may run out in the middle of a code, and more than 7 bits of it are an error (§5.2).
    }
    const symbol = -1 - node
    if (symbol === EOS) return -1
    out[to++] = symbol
  }
}

/** Bytes that decoding `length` encoded bytes yields at most: the shortest code has 5 bits. */
export const huffmanDecodedBound = (length: number): number => Math.floor((length * 8) / 5) + 1

function buildTables(): void {
  for (let s = 0; s < SYMBOLS; s++) BITS[s] = LENGTHS.charCodeAt(s) - 60
  const order = Array.from({ length: SYMBOLS }, (_, s) => s).sort((a, b) => (BITS[a] ?? 0) - (BITS[b] ?? 0) || a - b)
  let code = 0
  let last = BITS[order[0] ?? 0] ?? 0
  let nodes = 1
  for (const symbol of order) {
    const length = BITS[symbol] ?? 0
    code *= 2 ** (length - last)
    last = length
    CODES[symbol] = code
    nodes = addToTree(symbol, code, length, nodes)
    if (length <= ROOT_BITS)
      ROOT.fill((length << 8) | symbol, code << (ROOT_BITS - length), (code + 1) << (ROOT_BITS - length))
    code++
  }
}

function addToTree(symbol: number, code: number, length: number, nodes: number): number {
  let node = 0
  for (let bit = length - 1; bit > 0; bit--) {
    const slot = 2 * node + ((code >>> bit) & 1)
    if (TREE[slot] === 0) TREE[slot] = nodes++
    node = TREE[slot] ?? 0
  }
  TREE[2 * node + (code & 1)] = -1 - symbol
  return nodes
}
