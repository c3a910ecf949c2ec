// Time to encode and decode the header blocks of a proxied HTTP/2 request: `node bench/micro/hpack.ts`. Each request has its
// own x-request-id, as the proxy gives it one.

import { HpackDecoder } from '../../src/codec/http2/hpack/decoder.ts'
import { type BlockBuffer, HpackEncoder } from '../../src/codec/http2/hpack/encoder.ts'

const REQUEST: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'app.example.com'],
  [':path', '/chat/room?id=42&since=1700000000'],
  [
    'user-agent',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  ],
  ['accept', 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8'],
  ['accept-encoding', 'gzip, deflate, br'],
  ['accept-language', 'en-GB,en;q=0.9'],
  ['cookie', 'session=0123456789abcdef0123456789abcdef'],
  ['x-forwarded-for', '192.0.2.7'],
  ['x-forwarded-proto', 'http'],
  ['x-envoy-expected-rq-timeout-ms', '15000'],
]
const RESPONSE: readonly (readonly [string, string])[] = [
  [':status', '200'],
  ['content-type', 'text/plain; charset=utf-8'],
  ['cache-control', 'no-store'],
  ['server', 'sluice'],
  ['date', 'Sat, 22 Aug 2026 10:00:00 GMT'],
]
const ROUNDS = 100_000

const ids = Array.from({ length: 4096 }, (_, i) => {
  const text = (Math.imul(i + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0')
  return `${text}-${text.slice(0, 4)}-4${text.slice(1, 4)}-a${text.slice(2, 5)}-${text}${text.slice(4)}`
})
const out: BlockBuffer = { buffer: Buffer.alloc(16_384), end: 0 }
const sink = { onField: (): void => void sum++ }
let sum = 0
let turn = 0

function encode(
  encoder: HpackEncoder,
  fields: readonly (readonly [string, string])[],
  ...more: readonly string[]
): void {
  out.end = 0
  encoder.begin(out)
  for (const [name, value] of fields) encoder.encode(out, name, value)
  for (let i = 0; i < more.length; i += 2) encoder.encode(out, more[i] ?? '', more[i + 1] ?? '')
}

const requests = new HpackEncoder()
const responses = new HpackEncoder()
const pair = new HpackEncoder()
const decoder = new HpackDecoder()

measure('encode request', () => encode(requests, REQUEST, 'x-request-id', ids[turn++ & 4095] ?? ''))
measure('encode response', () => {
  turn++
  encode(
    responses,
    RESPONSE,
    'content-length',
    String(turn & 0xffff),
    'x-envoy-upstream-service-time',
    String(turn & 15),
  )
})
measure('encode and decode request', () => {
  encode(pair, REQUEST, 'x-request-id', ids[turn++ & 4095] ?? '')
  if (!decoder.decode(out.buffer, 0, out.end, sink)) throw new Error('the block does not decode')
})
process.stdout.write(`request block ${size(requests)} bytes\n`)

function size(encoder: HpackEncoder): number {
  encode(encoder, REQUEST, 'x-request-id', ids[0] ?? '')
  return out.end
}

/** Prints the best of several runs: on a shared machine the others measure the neighbours. */
function measure(name: string, once: () => void): void {
  let best = Infinity
  for (let run = 0; run < 8; run++) {
    const before = process.cpuUsage()
    for (let i = 0; i < ROUNDS; i++) once()
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / ROUNDS)
  }
  process.stdout.write(`${name.padEnd(26)} ${best.toFixed(2)} µs\n`)
}

if (sum === 0) throw new Error('nothing was measured')
