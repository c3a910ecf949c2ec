// Time to read and to write the head of a typical browser request: `node bench/micro/http1-head.ts`.

import { http1ClientOptions, http1ServerOptions } from '../../src/codec/http1/options.ts'
import { HeadScanner } from '../../src/codec/http1/head-scanner.ts'
import { writeRequestHead, writeResponseHead } from '../../src/codec/http1/head-writer.ts'
import { outgoingRequestFraming, outgoingResponseFraming } from '../../src/codec/http1/outgoing-framing.ts'
import { parseRequestHead } from '../../src/codec/http1/request-head.ts'
import { parseResponseHead } from '../../src/codec/http1/response-head.ts'

const REQUEST = Buffer.from(
  'GET /chat/room?id=42&since=1700000000 HTTP/1.1\r\nHost: app.example.com\r\nConnection: keep-alive\r\n' +
    'sec-ch-ua: "Chromium";v="131", "Not_A Brand";v="24"\r\nsec-ch-ua-mobile: ?0\r\n' +
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36\r\n' +
    'Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n' +
    'Referer: https://app.example.com/\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\n' +
    'Cookie: session=0123456789abcdef0123456789abcdef\r\n\r\n',
)
const RESPONSE = Buffer.from(
  'HTTP/1.1 200 OK\r\nDate: Sat, 22 Aug 2026 10:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 1024\r\n' +
    'Cache-Control: no-store\r\nETag: "abc"\r\nVary: Accept-Encoding\r\nServer: x\r\nX-Request-ID: 0123\r\n\r\n',
)
const ROUNDS = 100_000

const server = http1ServerOptions()
const client = http1ClientOptions()
const scanner = new HeadScanner()

const asked = { isHead: false, isConnect: false, tunnel: undefined }

/** Where the lines of the head end. */
function scan(bytes: Buffer): number {
  scanner.reset()
  return scanner.scan(bytes, 0, bytes.length, 61_440, 101) - 2
}

const parsed = parseRequestHead(REQUEST, 0, scan(REQUEST), server)
const answered = parseResponseHead(RESPONSE, 0, scan(RESPONSE), asked, client)
if (parsed.kind !== 'request' || answered.kind !== 'response') throw new Error('the samples do not parse')
const out = Buffer.alloc(4096)
let sum = 0

measure('scan request', () => (sum += scan(REQUEST)))
measure('scan and parse request', () => (sum += parseRequestHead(REQUEST, 0, scan(REQUEST), server).kind.length))
measure('write request', () => {
  const text = writeRequestHead(parsed.head, outgoingRequestFraming(parsed.head, true), client) ?? ''
  sum += out.write(text, 'latin1')
})
measure('scan and parse response', () => {
  sum += parseResponseHead(RESPONSE, 0, scan(RESPONSE), asked, client).kind.length
})
measure('write response', () => {
  const { head } = answered
  const framing = outgoingResponseFraming(head.status, head.headers, false, {
    isHead: false,
    isHttp10: false,
    opensTunnel: false,
  })
  sum += out.write(
    writeResponseHead(head, framing, { headerKeyFormat: 'lower', isHttp10: false, persistence: '', upgrade: '' }),
    'latin1',
  )
})

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
