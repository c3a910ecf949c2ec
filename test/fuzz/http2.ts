// Fuzzer of the HTTP/2 codec: mutates the frames of the golden tables and checks what must hold for any frames at all.
// `npm run fuzz`.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type FrameCase, frameCases, runCase, type Side } from '../support/http2-cases.ts'
import { frameBytes } from '../support/http2-frames.ts'
import { Choices } from '../support/random.ts'

const table = (side: Side): FrameCase[] =>
  frameCases(readFileSync(new URL(`../golden/http2/${side}.txt`, import.meta.url), 'utf8'))

const CASES: Readonly<Record<Side, readonly FrameCase[]>> = { server: table('server'), client: table('client') }

/** Frames that turn one state into another. */
const TOKENS = [
  'headers 1 get',
  'headers 1 end x=y',
  'headers 3 post',
  'headers 3 end open post',
  'headers 5 websocket',
  'headers 7 early',
  'headers 9 pause',
  'headers 1 end status=200',
  'headers 1 status=200',
  'headers 3 status=100',
  'continuation 3 x=y',
  'data 1 x',
  'data 1 end x',
  'data 3 end hello pad=9',
  'data 9 x*5000',
  'data 5',
  'rst 1 0',
  'rst 3 8',
  'window 0 1',
  'window 1 2147483647',
  'settings 4=0',
  'settings 4=1000 1=0',
  'settings 3=0',
  'settings ack',
  'goaway 0 0',
  'goaway 2147483647 0',
  'ping',
  'frame 99 0 1 x',
].map(frameBytes)

// Beyond it a peer could make this side hold what it likes: a frame, and a header block with the room it grew by.
const MOST_HELD = 20_000 + 9 + 2 * 60 * 1024 + 32 * 1024

/** Runs `iterations` inputs from `seed`; throws an AssertionError that names the seed and shows the input. */
export async function fuzzHttp2(iterations: number, seed: number): Promise<void> {
  const choices = new Choices(seed)
  for (let i = 0; i < iterations; i++) {
    const side: Side = choices.chance(0.65) ? 'server' : 'client'
    const base = choices.pick(CASES[side])
    const bytes = mutated(side, base, choices)
    try {
      await check(side, base, bytes, choices)
    } catch (error) {
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
      throw new assert.AssertionError({
        message: `seed ${seed}, ${side}, settings ${JSON.stringify([...base.settings])}, input ${bytes.toString('hex')}: ${what}`,
      })
    }
  }
}

async function check(side: Side, base: FrameCase, bytes: Buffer, choices: Choices): Promise<void> {
  const whole = await runCase(side, base, [bytes])
  const parts = await runCase(side, base, split(bytes, choices))
  for (const run of [whole, parts]) {
    assert.ok(run.mostHeld <= MOST_HELD, `held ${run.mostHeld} bytes`)
    goawayIsLast(run.lines)
  }
  if (!dependsOnTime([...whole.lines, ...parts.lines])) {
    assert.deepEqual(
      withoutWindows(parts.lines),
      withoutWindows(whole.lines),
      'the outcome depends on how the bytes were split',
    )
  }
  if (whole.lines.at(-1) !== 'closed') return
  const more = await runCase(side, base, [bytes, ...TOKENS])
  assert.deepEqual(more.lines, whole.lines, 'frames behind the end of the connection were read')
}

/** Nothing is sent after a GOAWAY that names an error, and a connection that closes said so. */
function goawayIsLast(lines: readonly string[]): void {
  const sent = lines.filter((line) => /^(?:headers|data|rst|ping|window|goaway|type-)\b/.test(line))
  const at = sent.findIndex((line) => line.startsWith('goaway') && !line.endsWith('NO_ERROR'))
  if (at >= 0) assert.deepEqual(sent.slice(at + 1), [], 'frames after GOAWAY')
  if (lines.at(-1) === 'closed') assert.match(sent.at(-1) ?? '', /^goaway/, 'closed without GOAWAY')
}

/** What waits for a window is sent at the end of a read, and what was read gives window back in the meantime. */
const dependsOnTime = (lines: readonly string[]): boolean =>
  lines.some((line) => line.startsWith('data ') || line.includes('FLOW_CONTROL_ERROR'))

const withoutWindows = (lines: readonly string[]): string[] => lines.filter((line) => !line.startsWith('window '))

function mutated(side: Side, base: FrameCase, choices: Choices): Buffer {
  const start = base.settings.has('bare') ? 0 : side === 'server' ? 2 : 1
  const frames = base.frames.slice(start)
  for (let changes = choices.below(7); changes > 0; changes--) change(frames, side, choices)
  return Buffer.concat([...base.frames.slice(0, start), ...frames]).subarray(0, 200_000)
}

function change(frames: Buffer[], side: Side, choices: Choices): void {
  const at = choices.below(frames.length + 1)
  const kind = choices.next()
  if (kind < 0.35) frames.splice(at, 0, choices.pick(TOKENS))
  else if (kind < 0.5) frames.splice(at, 0, choices.pick(choices.pick(CASES[side]).frames))
  else if (kind < 0.6) frames.splice(at, 1)
  else if (kind < 0.7) frames.splice(at, 0, ...frames.slice(choices.below(frames.length + 1)).slice(0, 3))
  else frames.splice(at, 1, damaged(frames[at] ?? choices.pick(TOKENS), choices))
}

function damaged(original: Buffer, choices: Choices): Buffer {
  const bytes = Buffer.from(original)
  if (choices.chance(0.2)) return bytes.subarray(0, choices.below(bytes.length + 1))
  if (choices.chance(0.2) && bytes.length > 9) return relengthened(bytes, choices)
  // The header's bytes mean most: length, type, flags, stream.
  const at = choices.chance(0.5) ? choices.pick([2, 3, 4, 8]) : choices.below(bytes.length)
  if (at < bytes.length)
    bytes[at] = choices.chance(0.5) ? choices.below(256) : (bytes[at] ?? 0) ^ (1 << choices.below(8))
  return bytes
}

/** Another payload under a length that fits it. */
function relengthened(bytes: Buffer, choices: Choices): Buffer {
  const payload = Buffer.concat([
    bytes.subarray(9, 9 + choices.below(bytes.length - 8)),
    choices.bytes(choices.below(20)),
  ])
  const head = Buffer.from(bytes.subarray(0, 9))
  head.writeUIntBE(payload.length, 0, 3)
  return Buffer.concat([head, payload])
}

function split(bytes: Buffer, choices: Choices): Buffer[] {
  const chunks: Buffer[] = []
  const mean = bytes.length > 5000 ? 500 : choices.chance(0.3) ? 1 : 1 + choices.next() * 40
  for (let at = 0; at < bytes.length;) {
    const size = 1 + (mean === 1 ? 0 : choices.below(mean * 2))
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}
