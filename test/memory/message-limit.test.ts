// A message of 1 GiB at a limit of 1 MiB, its bytes really sent, in one frame and in many, from either side, to readers that
// read and to one that does not: it is refused with 1009, at most 1 MiB of it has gone on, and while all of it pours in the
// program needs no more memory than the limit and one frame header.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { freePorts } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startText } from '../support/proxy-process.ts'
import { type RawClient, rawClient } from '../support/raw-client.ts'
import { delay, until, within } from '../support/waiting.ts'

const MIB = 1024 * 1024
const LIMIT = MIB
const GIB = 1024 * MIB
/** The longest: two bytes, eight of length, four of mask. */
const FRAME_HEADER = 14
const LONGEST_CLOSE = 2 + 4 + 125
const PIECE = Buffer.alloc(64 * 1024)
/** Attempts of which the least counts: compiled code and the heap's own growth come at some moment of one of them. */
const ATTEMPTS = 3

/** A young generation that does not grow, so that what is left is what the program keeps. */
const STEADY = `--max-semi-space-size=1 --expose-gc --import=data:text/javascript,process.on('SIGUSR2',()=>gc())`

let server: Server
const arrivals: Arrival[] = []
let proxy: ProxyProcess
let port: number

/** One WebSocket at the application. */
interface Arrival {
  readonly socket: Socket
  /** Bytes behind the request head. */
  bytes: number
  /** The last of them. */
  tail: Buffer
}

before(async () => {
  server = createServer(serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const to = typeof address === 'object' && address !== null ? address.port : 0
  port = (await freePorts('port')).port
  proxy = await startText(config(port, to), {
    args: ['--admin', '127.0.0.1:0', '--drain-time-s', '0'],
    env: { NODE_OPTIONS: STEADY },
  })
})

after(async () => {
  await proxy.stop()
  for (const { socket } of arrivals) socket.destroy()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  await nothingLeft()
})

const config = (listen: number, to: number): string => `
kind: HTTPServer
name: web
address: 127.0.0.1
port: ${listen}
rules: [{paths: [{pathPrefix: /, backend: chat}]}]
---
kind: Pipeline
name: chat
filters:
- kind: WebSocketProxy
  name: websocket
  pools:
  - {servers: [{url: "ws://127.0.0.1:${to}"}], clientMaxMsgSize: ${LIMIT}, serverMaxMsgSize: ${LIMIT}}
`

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

function serve(socket: Socket): void {
  let head = ''
  socket.on('error', () => undefined)
  socket.on('data', function onHead(chunk: Buffer) {
    head += chunk.toString('latin1')
    if (!head.includes('\r\n\r\n')) return
    socket.off('data', onHead)
    const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1] ?? ''
    const accept = createHash('sha1')
      .update(key + GUID)
      .digest('base64')
    const arrival: Arrival = { socket, bytes: 0, tail: Buffer.alloc(0) }
    arrivals.push(arrival)
    socket.on('data', (data: Buffer) => {
      arrival.bytes += data.length
      arrival.tail = Buffer.concat([arrival.tail, data]).subarray(-256)
    })
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    )
  })
}

async function open(): Promise<{ client: RawClient; arrival: Arrival }> {
  const before = arrivals.length
  const client = await rawClient(port)
  client.write(
    `GET /chat HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${KEY}\r\n\r\n`,
  )
  assert.equal((await client.answer()).status, 101)
  const arrival = await until(() => arrivals[before], { what: 'the WebSocket at the app' })
  return { client, arrival }
}

/** The head of a frame of `length` bytes; a mask of zeroes leaves the payload as it is. */
function head(first: number, length: number, masked: boolean): Buffer {
  const bytes = Buffer.alloc(10 + (masked ? 4 : 0))
  bytes[0] = first
  bytes[1] = 127 | (masked ? 0x80 : 0)
  bytes.writeBigUInt64BE(BigInt(length), 2)
  return bytes
}

type Shape = 'in one frame' | 'in frames of 64 KiB'

/** Sends the whole gibibyte, whatever is said meanwhile, as long as it is taken. */
function pour(socket: Socket, shape: Shape, masked: boolean): Promise<number> {
  const fragment = head(0x00, PIECE.length, masked)
  let sent = 0
  return new Promise((resolve) => {
    const go = (): void => {
      while (sent < GIB && socket.writable) {
        if (sent === 0)
          socket.write(shape === 'in one frame' ? head(0x82, GIB, masked) : head(0x02, PIECE.length, masked))
        else if (shape !== 'in one frame') socket.write(fragment)
        sent += PIECE.length
        if (!socket.write(PIECE)) return void socket.once('drain', go)
      }
      resolve(sent)
    }
    socket.once('close', () => resolve(sent))
    go()
  })
}

/** Resident bytes of the program: now, or the most since the last time the mark was taken back. */
function resident(field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${proxy.pid}/status`, 'utf8')
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]) * 1024
}

/** Has the garbage collected; forgets the peak. Answers what is resident. */
async function baseline(): Promise<number> {
  for (let look = 0; look < 3; look++) {
    proxy.signal('SIGUSR2')
    await delay(50)
  }
  writeFileSync(`/proc/${proxy.pid}/clear_refs`, '5')
  return resident('VmRSS')
}

/** The code of the Close frame at the end of `bytes`; undefined when there is none, or not all of it. */
function closeCode(bytes: Buffer, masked: boolean): number | undefined {
  const header = masked ? 6 : 2
  for (let at = Math.max(0, bytes.length - LONGEST_CLOSE); at < bytes.length; at++) {
    const length = (bytes[at + 1] ?? 0) & 0x7f
    if (bytes[at] !== 0x88 || at + header + length !== bytes.length) continue
    const mask = masked ? bytes.subarray(at + 2, at + 6) : Buffer.alloc(4)
    return bytes.readUInt16BE(at + header) ^ mask.readUInt16BE(0)
  }
  return undefined
}

/** What the app was told at last. */
const codeAtApp = (arrival: Arrival): Promise<number> =>
  until(() => closeCode(arrival.tail, true), { what: 'the Close at the app' })

/** What of the message goes on: the frames before the one that is too much. */
const passed = (shape: Shape, masked: boolean): number =>
  shape === 'in one frame' ? 0 : LIMIT + (LIMIT / PIECE.length) * (masked ? FRAME_HEADER : FRAME_HEADER - 4)

interface Outcome {
  readonly growth: number
  readonly sent: number
}

async function fromClient(shape: Shape, reading: boolean): Promise<Outcome> {
  const { client, arrival } = await open()
  if (!reading) arrival.socket.pause()
  const start = await baseline()
  const sent = await within(pour(client.socket, shape, true), 'the message to be poured', 30_000)
  const growth = resident('VmHWM') - start
  assert.equal((await client.read(4)).readUInt16BE(2), 1009)
  arrival.socket.resume()
  const whole = passed(shape, true)
  assert.equal(await codeAtApp(arrival), 1001)
  assert.ok(arrival.bytes > whole && arrival.bytes <= whole + LONGEST_CLOSE, `${arrival.bytes} bytes went on`)
  await over(client, arrival)
  return { growth, sent }
}

async function fromServer(shape: Shape): Promise<Outcome> {
  const { client, arrival } = await open()
  const start = await baseline()
  const sent = await within(pour(arrival.socket, shape, false), 'the message to be poured', 30_000)
  const growth = resident('VmHWM') - start
  assert.equal(await codeAtApp(arrival), 1009)
  client.end()
  const received = await client.rest()
  assert.ok(received.length <= passed(shape, false) + LONGEST_CLOSE, `${received.length} bytes went on`)
  assert.equal(closeCode(received, false), 1001)
  await over(client, arrival)
  return { growth, sent }
}

async function over(client: RawClient, arrival: Arrival): Promise<void> {
  client.close()
  arrival.socket.destroy()
  await until(async () => ((await proxy.tunnels()).length === 0 ? true : undefined), { what: 'the tunnel to end' })
}

type Case = readonly [name: string, run: () => Promise<Outcome>]

const CASES: readonly Case[] = [
  ['from the client in one frame', () => fromClient('in one frame', true)],
  ['from the client in frames of 64 KiB', () => fromClient('in frames of 64 KiB', true)],
  ['from the client in frames of 64 KiB, to an app that does not read', () => fromClient('in frames of 64 KiB', false)],
  ['from the server in one frame', () => fromServer('in one frame')],
  ['from the server in frames of 64 KiB', () => fromServer('in frames of 64 KiB')],
]

for (const [name, run] of CASES) {
  test(
    `1 GiB ${name} is refused within 1 MiB and a frame header`,
    { skip: process.platform === 'linux' ? false : 'needs /proc of Linux', timeout: 100_000 },
    async (context) => {
      const most = LIMIT + FRAME_HEADER
      let least = Infinity
      for (let attempt = 0; attempt < ATTEMPTS && least > most; attempt++) {
        const { growth, sent } = await run()
        assert.equal(sent, GIB, 'all of it was taken')
        context.diagnostic(`grew by ${growth} bytes`)
        least = Math.min(least, growth)
      }
      assert.ok(least <= most, `the program grew by ${least} bytes`)
    },
  )
}
