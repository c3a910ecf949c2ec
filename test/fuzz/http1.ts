// Fuzzer of the HTTP/1 codec: mutates the golden corpus and checks what must hold for any bytes at all. `npm run fuzz`.

import assert from 'node:assert/strict'
import type { HeaderList } from '../../src/codec/header-list.ts'
import { http1Client } from '../../src/codec/http1/client.ts'
import { http1ClientOptions, type Http1ServerOptions } from '../../src/codec/http1/options.ts'
import type { RequestHead } from '../../src/codec/http-stream.ts'
import { goldenCorpus } from '../support/golden-corpus.ts'
import { ASKED, requestOutcome, responseOutcome } from '../support/http1-outcome.ts'
import { ScriptedStream } from '../support/scripted-stream.ts'

const corpus = (name: string): Buffer[] =>
  goldenCorpus(new URL(`../golden/http1/${name}`, import.meta.url)).map((message) => message.bytes)

const TOKENS = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  ' ',
  '\t',
  '\0',
  ':',
  ',',
  ';',
  '0',
  '0\r\n\r\n',
  'ff',
  '+',
  '-',
  '\x0b',
  '\x7f',
  '\x80',
  '\xff',
  'Content-Length: 5\r\n',
  'content-length:0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding:\x0bchunked\r\n',
  'chunked',
  'Connection: close\r\n',
  'Connection: upgrade\r\n',
  'Upgrade: websocket\r\n',
  'Host: x\r\n',
  ' HTTP/1.1',
  'HTTP/1.0',
  '\r\n ',
  '//',
  '@',
  'GET / HTTP/1.1\r\nHost: s\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 101 X\r\n',
  '5\r\nhello\r\n',
  '#',
  '[',
  ']',
]

const SMUGGLED = Buffer.from('GET /smuggled HTTP/1.1\r\nHost: s\r\n\r\n')
const POISON = Buffer.from('HTTP/1.1 299 Poison\r\nContent-Length: 0\r\n\r\n')

const VARIANTS: readonly Partial<Http1ServerOptions>[] = [
  {},
  { acceptHttp10: true, allowChunkedLength: true, enableTrailers: true },
  { headersWithUnderscores: 'drop', maxHeadBytes: 120, maxHeaders: 4, allowCustomMethods: false },
  { headersWithUnderscores: 'reject', ignoreUpgrade: (token) => token !== 'websocket' },
]

/** Runs `iterations` inputs each way from `seed`; throws an AssertionError that names the seed and shows the input. */
export function fuzzHttp1(iterations: number, seed: number): void {
  const random = mulberry32(seed)
  const requests = corpus('requests.txt')
  const responses = corpus('responses.txt')
  for (let i = 0; i < iterations; i++) {
    guarded(seed, mutate(requests, random), (bytes) => checkRequest(bytes, random))
    guarded(seed, mutate(responses, random), (bytes) => checkResponse(bytes, random))
  }
}

function guarded(seed: number, bytes: Buffer, check: (bytes: Buffer) => void): void {
  try {
    check(bytes)
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new assert.AssertionError({
      message: `seed ${seed}, input ${JSON.stringify(bytes.toString('latin1'))}: ${what}`,
    })
  }
}

function checkRequest(bytes: Buffer, random: () => number): void {
  const heads: RequestHead[] = []
  const options = VARIANTS[Math.floor(random() * VARIANTS.length)] ?? {}
  const whole = requestOutcome([bytes], options, [], (head) => heads.push({ ...head, headers: head.headers.clone() }))
  assert.deepEqual(
    requestOutcome(split(bytes, random), options),
    whole,
    'the outcome depends on how the bytes were split',
  )
  endsWithRefusal(whole)
  if (whole.at(-1) === 'closed') {
    const more = requestOutcome([bytes, SMUGGLED], options)
    assert.deepEqual(more, whole, 'bytes behind the end of the connection were parsed')
  }
  for (const head of heads) passesOnAsOne(head)
}

/** What was refused ends the connection: nothing is parsed after it. */
function endsWithRefusal(lines: readonly string[]): void {
  const refusal = lines.findIndex((line) => /^(?:reset )?\d{3} /.test(line))
  if (refusal >= 0) assert.deepEqual(lines.slice(refusal + 1), ['closed'])
}

/** A request that was accepted leaves as exactly one request with the same meaning. */
function passesOnAsOne(head: RequestHead): void {
  const stream = new ScriptedStream()
  const client = http1Client(stream, { onAvailability: () => {}, onConnectionClose: () => {} }, http1ClientOptions())
  const nothing = (): void => {}
  const sink = {
    onInformational: nothing,
    onResponse: nothing,
    onData: nothing,
    onTrailers: nothing,
    onDrain: nothing,
    onReset: nothing,
  }
  client.request({ ...head, headers: stripped(head) }, head.tunnel === undefined, sink)
  if (stream.written === '') return
  const seen: RequestHead[] = []
  requestOutcome([Buffer.from(stream.written, 'latin1')], {}, [], (again) => seen.push(again))
  assert.equal(seen.length, 1, `left as ${seen.length} requests: ${JSON.stringify(stream.written)}`)
  const again = seen[0]
  // An absolute-form target's scheme and an empty HTTP/1.0 authority are not on the wire.
  assert.deepEqual([again?.method, again?.path, again?.authority], [head.method, head.path, head.authority])
  assert.deepEqual(again?.tunnel, head.tunnel)
}

function stripped(head: RequestHead): HeaderList {
  const headers = head.headers.clone()
  if (head.tunnel === undefined) headers.remove('content-length')
  return headers
}

function checkResponse(bytes: Buffer, random: () => number): void {
  const names = Object.keys(ASKED)
  const asked = names[Math.floor(random() * names.length)] ?? 'GET'
  const ends = random() < 0.5
  const whole = responseOutcome([bytes], asked, ends)
  assert.deepEqual(
    responseOutcome(split(bytes, random), asked, ends),
    whole,
    'the outcome depends on how the bytes were split',
  )
  const finals = whole.filter((line) => /^(?:tunnel )?\d{3}$/.test(line))
  assert.ok(finals.length <= 1, 'one request had several responses')
  if (whole.at(-1) !== 'closed' || ends) return
  assert.deepEqual(responseOutcome([bytes, POISON], asked), whole, 'bytes behind the end of the connection were parsed')
}

function mutate(seeds: readonly Buffer[], random: () => number): Buffer {
  const pick = (): string =>
    (seeds[Math.floor(random() * seeds.length)] ?? Buffer.alloc(0)).toString('latin1').slice(0, 4096)
  let text = pick()
  for (let changes = Math.floor(random() * 6); changes > 0; changes--) {
    const at = Math.floor(random() * (text.length + 1))
    const kind = random()
    if (kind < 0.4) text = text.slice(0, at) + (TOKENS[Math.floor(random() * TOKENS.length)] ?? '') + text.slice(at)
    else if (kind < 0.6) text = text.slice(0, at) + text.slice(at + 1 + Math.floor(random() * 4))
    else if (kind < 0.75)
      text = text.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + text.slice(at + 1)
    else if (kind < 0.85) text = text.slice(0, at) + pick().slice(0, 200)
    else if (kind < 0.95) text = swapLines(text, random)
    else text += pick()
  }
  return Buffer.from(text, 'latin1')
}

function swapLines(text: string, random: () => number): string {
  const lines = text.split('\r\n')
  const from = Math.floor(random() * lines.length)
  const to = Math.floor(random() * lines.length)
  lines.splice(to, 0, lines[from] ?? '')
  return lines.join('\r\n')
}

function split(bytes: Buffer, random: () => number): Buffer[] {
  const chunks: Buffer[] = []
  const mean = random() < 0.3 ? 1 : 1 + random() * 40
  for (let at = 0; at < bytes.length;) {
    const size = 1 + Math.floor(random() * mean * 2 * (mean === 1 ? 0 : 1))
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

/** A small generator of repeatable numbers from 0 to 1. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
