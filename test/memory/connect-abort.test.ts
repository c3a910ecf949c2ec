// 10,000 clients that come and vanish at every moment of a handshake: afterwards the process has no socket more than before,
// every gauge is at zero, and the second 5,000 leave the heap where the first 5,000 left it.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { createServer, type Server, connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { upgradeRequest } from '../support/raw-client.ts'
import { delay, until, within } from '../support/waiting.ts'

const CYCLES = 5000
const CONCURRENCY = 100
/** What the second round may add: 61 bytes a cycle, so less than one kept object each. About 8 are seen. */
const MARGIN_BYTES = 300 * 1024

/** Makes the program collect its garbage when it is told to. */
const COLLECT_ON_SIGNAL = `data:text/javascript,process.on('SIGUSR2',()=>gc())`

/** Moments at which a client leaves. */
const MOMENTS = [
  'before a byte',
  'within the head',
  'after the head',
  'after the 101',
  'after an echo',
  'refused',
] as const
type Moment = (typeof MOMENTS)[number]
const ENDS = ['fin', 'rst'] as const
type End = (typeof ENDS)[number]

const HEAD = upgradeRequest('/app')
/** A masked text frame `hi`. */
const FRAME = Buffer.from([0x81, 0x82, 1, 2, 3, 4, 0x68 ^ 1, 0x69 ^ 2])

let app: Server
const appSockets = new Set<Socket>()
let proxy: ProxyProcess

before(async () => {
  app = createServer({ noDelay: true }, (socket) => serve(socket))
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const address = app.address()
  if (address === null || typeof address === 'string') throw new Error('the app has no port')
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'in', codec: 'HTTP1', routes: [route('/app', 'app')] })],
      [cluster({ name: 'app', port: address.port })],
    ),
    { env: { NODE_OPTIONS: `--expose-gc --import=${COLLECT_ON_SIGNAL}` } },
  )
})

after(async () => {
  await proxy.stop()
  for (const socket of appSockets) socket.destroy()
  await new Promise<void>((resolve) => app.close(() => resolve()))
  await nothingLeft()
})

/** Accepts every upgrade with the fitting 101 and sends back what comes; ends when the peer does. */
function serve(socket: Socket): void {
  appSockets.add(socket)
  socket.on('close', () => appSockets.delete(socket))
  socket.on('error', () => undefined)
  let opened = false
  // A connection whose client left before its request was sent is kept for another; here nobody needs it after the round.
  socket.setTimeout(500, () => socket.end())
  socket.on('data', (chunk: Buffer) => {
    if (opened) {
      socket.write(chunk)
      return
    }
    if (!chunk.includes('\r\n\r\n')) return
    opened = true
    socket.setTimeout(0)
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
    )
  })
}

/** One client, from connect to its end. */
function cycle(moment: Moment, end: End): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port: proxy.port('in'), host: '127.0.0.1', noDelay: true })
    const leave = (): void => {
      if (end === 'rst') socket.resetAndDestroy()
      else socket.end()
    }
    let answers = 0
    socket.on('data', () => {
      answers++
      if (answers === 1 && moment === 'after an echo') socket.write(FRAME)
      else leave()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.on('connect', () => {
      if (moment === 'before a byte') leave()
      else if (moment === 'within the head') socket.write(HEAD.slice(0, 40), leave)
      else if (moment === 'after the head') socket.write(HEAD, leave)
      else if (moment === 'refused') socket.write(HEAD.replace('/app', '/none'))
      else socket.write(HEAD)
    })
  })
}

async function round(): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < CYCLES) {
      const index = next++
      const moment = MOMENTS[index % MOMENTS.length] ?? 'before a byte'
      const end = ENDS[Math.floor(index / MOMENTS.length) % ENDS.length] ?? 'fin'
      await within(cycle(moment, end), `the end of a client that left ${moment} by ${end}`)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
}

const GAUGES = [
  'http.in.downstream_cx_active',
  'http.in.downstream_rq_active',
  'http.in.downstream_cx_upgrades_active',
  'http.in.upgrade.websocket.active',
  'server.tunnels_active',
  'cluster.app.upstream_cx_active',
  'cluster.app.upstream_rq_active',
  'cluster.app.upstream_rq_pending_active',
]

/** Waits until nothing is open any more; fails when something stays. */
async function settled(descriptorsAtStart: number): Promise<void> {
  for (const name of GAUGES) await proxy.statBecomes(name, 0)
  await until(() => (appSockets.size === 0 ? true : undefined), {
    what: 'the app to be left',
    detail: () => `${appSockets.size} stay`,
  })
  // The admin's own connections take a moment to go.
  await until(() => (descriptors() <= descriptorsAtStart ? true : undefined), {
    what: `the process to have ${descriptorsAtStart} descriptors again`,
    detail: () => `it has ${descriptors()}`,
  })
}

const descriptors = (): number => readdirSync(`/proc/${proxy.pid}/fd`).length

/** Live bytes in the program's heap and outside it: what is left after forced collections, the least of some looks. */
async function liveBytes(): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let look = 0; look < 6; look++) {
    proxy.signal('SIGUSR2')
    await delay(100)
    const { body } = await proxy.admin('/memory')
    const memory: { heap_used: string; external: string } = JSON.parse(body)
    least = Math.min(least, Number(memory.heap_used) + Number(memory.external))
  }
  return least
}

test('10,000 clients that vanish leave no socket, no gauge and no memory', async (context) => {
  await delay(200)
  const descriptorsAtStart = descriptors()
  await round()
  await settled(descriptorsAtStart)
  const first = await liveBytes()
  await round()
  await settled(descriptorsAtStart)
  const second = await liveBytes()
  context.diagnostic(`live after 5,000: ${first} bytes, after 10,000: ${second} bytes`)
  assert.ok(second - first < MARGIN_BYTES, `the heap grew by ${second - first} bytes in ${CYCLES} cycles`)

  const stats = await proxy.stats()
  assert.equal(stats.get('http.in.downstream_cx_total'), 2 * CYCLES)
  const accepted = stats.get('http.in.upgrade.websocket.accepted_total') ?? 0
  assert.ok(accepted >= 2 * Math.floor((2 * CYCLES) / MOMENTS.length), `${accepted} tunnels were open`)
  assert.equal(stats.get('cluster.app.upstream_cx_total'), stats.get('cluster.app.upstream_cx_destroy'))
})
