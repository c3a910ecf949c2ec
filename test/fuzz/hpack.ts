// Fuzzer of HPACK: any bytes decode within bounds or not at all, and whatever is encoded comes back, while both sides'
// tables change their sizes. `npm run fuzz`.

import assert from 'node:assert/strict'
import { HpackDecoder } from '../../src/codec/http2/hpack/decoder.ts'
import { type BlockBuffer, HpackEncoder } from '../../src/codec/http2/hpack/encoder.ts'
import { Choices } from '../support/random.ts'

const NAMES = [
  ':path',
  ':method',
  ':status',
  'cookie',
  'authorization',
  'x-request-id',
  'accept',
  'x-a',
  'x-b',
  'content-length',
  'date',
]
const VALUES = ['', '/', 'GET', '200', 'a', 'session=0123456789abcdef', 'gzip, deflate', '42']
const LIMITS = [0, 40, 100, 4096, 65_536]

/** Runs `iterations` inputs each way from `seed`; throws an AssertionError that names the seed. */
export function fuzzHpack(iterations: number, seed: number): void {
  const choices = new Choices(seed)
  let blocks: Buffer[] = [Buffer.from('828684be', 'hex')]
  for (let i = 0; i < iterations; i++) {
    try {
      const made = roundTrips(choices)
      if (i % 16 === 0) blocks = made
      decodesWithinBounds(blocks, choices)
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error)
      throw new assert.AssertionError({ message: `seed ${seed}, input ${i}: ${what}` })
    }
  }
}

/** A few blocks through one pair, with SETTINGS between them. Answers the blocks. */
function roundTrips(choices: Choices): Buffer[] {
  const own = choices.pick(LIMITS)
  const encoder = new HpackEncoder(own)
  const decoder = new HpackDecoder()
  const blocks: Buffer[] = []
  let limit = 4096
  for (let i = choices.below(6); i >= 0; i--) {
    if (choices.chance(0.2)) {
      limit = choices.pick(LIMITS)
      decoder.setLimit(limit)
      encoder.setPeerLimit(limit)
    }
    const fields = Array.from({ length: choices.below(12) }, () => field(choices))
    const block = encode(encoder, fields)
    blocks.push(block)
    const back: string[] = []
    const good = decoder.decode(block, 0, block.length, { onField: ({ name, value }) => void back.push(name, value) })
    assert.ok(good, `own block refused: ${block.toString('hex')}`)
    assert.deepEqual(back, fields.flat())
    assert.ok(decoder.tableSize <= Math.min(limit, own), `table of ${decoder.tableSize} bytes`)
  }
  return blocks
}

function field(choices: Choices): [string, string] {
  const name = choices.chance(0.8) ? choices.pick(NAMES) : `x-${choices.below(300)}`
  if (choices.chance(0.6)) return [name, choices.pick(VALUES)]
  const length = choices.chance(0.1) ? choices.below(5000) : choices.below(60)
  return [
    name,
    choices.chance(0.5)
      ? choices.bytes(length).toString('latin1')
      : '0123456789abcdef'.repeat(length / 16 + 1).slice(0, length),
  ]
}

function encode(encoder: HpackEncoder, fields: readonly (readonly [string, string])[]): Buffer {
  const out: BlockBuffer = { buffer: Buffer.alloc(16), end: 0 }
  encoder.begin(out)
  for (const [name, value] of fields) encoder.encode(out, name, value)
  return out.buffer.subarray(0, out.end)
}

function decodesWithinBounds(seeds: readonly Buffer[], choices: Choices): void {
  const decoder = new HpackDecoder()
  const twin = new HpackDecoder()
  for (let i = choices.below(4); i >= 0; i--) {
    const block = damaged(seeds, choices)
    const seen = [decoder, twin].map((one) => {
      const fields: string[] = []
      // Somewhere in a larger buffer, whose other bytes must not matter.
      const before = one === twin ? 3 : 0
      const room = Buffer.concat([Buffer.alloc(before, 0xff), block, Buffer.alloc(before, 0xff)])
      const good = one.decode(room, before, before + block.length, {
        onField: ({ name, value }) => void fields.push(name, value),
      })
      assert.ok(one.tableSize <= 4096, `table of ${one.tableSize} bytes`)
      return { good, fields }
    })
    assert.deepEqual(seen[0], seen[1], `depends on what is around it: ${block.toString('hex')}`)
    if (seen[0]?.good !== true) return
  }
}

function damaged(seeds: readonly Buffer[], choices: Choices): Buffer {
  if (choices.chance(0.2)) return choices.bytes(choices.below(40))
  const block = Buffer.from(choices.pick(seeds))
  for (let changes = choices.below(4); changes > 0 && block.length > 0; changes--)
    block[choices.below(block.length)] = choices.below(256)
  return choices.chance(0.2) ? block.subarray(0, choices.below(block.length + 1)) : block
}
