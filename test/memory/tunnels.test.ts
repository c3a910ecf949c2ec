// Thousands of TCP and UDP clients that come and vanish at every moment of a tunnel, through every way there is to carry it
// and towards targets that answer, end, reset or are not there: afterwards both proxies have no descriptor more than before,
// every gauge is at zero, and the last round leaves the heap where the one before left it.

import assert from 'node:assert/strict'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { readdirSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { after, afterEach, before, test } from 'node:test'
import { bootstrap, cluster, listener, type YamlMap } from '../support/envoy-config.ts'
import { freePorts } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { tcpListener, terminate, terminatePost } from '../support/tunnel-config.ts'
import { tunneling, udpListener, udpRoute } from '../support/udp-config.ts'
import { startUdpEcho, type UdpEcho } from '../support/udp-peers.ts'
import { delay, until, within } from '../support/waiting.ts'

const CYCLES = 2400
const CONCURRENCY = 60
const UDP_CLIENTS = 200
/** What a round may add to one proxy: less than one kept object per cycle. */
const MARGIN_BYTES = 300 * 1024

/** Makes the program collect its garbage when it is told to. */
const COLLECT_ON_SIGNAL = `data:text/javascript,process.on('SIGUSR2',()=>gc())`

/** What the far end does with a connection. */
const TARGETS = ['echo', 'reset', 'end', 'closed'] as const
type Target = (typeof TARGETS)[number]
/** How the bytes get there: `h1-connect` asks for a tunnel by CONNECT over HTTP/1.1. */
const WAYS = ['plain', 'h1-connect', 'h1-post', 'h2-connect', 'h2-post', 'internal'] as const
/** Moments at which a client leaves. */
const MOMENTS = ['before it is connected', 'at once', 'after its bytes', 'in a moment', 'after an answer'] as const
type Moment = (typeof MOMENTS)[number]
const ENDS = ['fin', 'rst', 'fin, then rst'] as const
type End = (typeof ENDS)[number]

const MANY = {
  circuit_breakers: { thresholds: [{ max_connections: 9999, max_requests: 9999, max_pending_requests: 9999 }] },
}

const servers: Server[] = []
const sockets = new Set<Socket>()
let ports: Record<Target, number>
let udp: UdpEcho
let front: ProxyProcess
let back: ProxyProcess

before(async () => {
  ports = await startTargets()
  udp = await startUdpEcho()
})

afterEach(async () => {
  await front.stop()
  await back.stop()
})

after(async () => {
  await udp.stop()
  for (const socket of sockets) socket.destroy()
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))))
  await nothingLeft()
})

async function startTargets(): Promise<Record<Target, number>> {
  const { closed } = await freePorts('closed')
  return {
    echo: await serve((socket) => socket.on('data', (chunk: Buffer) => socket.write(chunk))),
    reset: await serve((socket) => socket.once('data', () => socket.resetAndDestroy())),
    end: await serve((socket) => socket.end('over')),
    closed,
  }
}

async function startProxies(engine: string): Promise<void> {
  const options = { env: { NODE_OPTIONS: `--expose-gc --import=${COLLECT_ON_SIGNAL}`, SLUICE_SOCKET_ENGINE: engine } }
  const targets = TARGETS.map((name) => cluster({ name, port: ports[name], more: MANY }))
  back = await startProxy(bootstrap(backListeners(), [...targets, udpCluster(udp.port)]), options)
  const clusters = [...targets, ...frontClusters()]
  front = await startProxy(bootstrap(frontListeners(), clusters, { bootstrap_extensions: [INTERNAL] }), options)
}

/** A server whose half ends with its client's, whatever else it does. */
async function serve(behave: (socket: Socket) => void): Promise<number> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    socket.on('end', () => socket.end())
    behave(socket)
    socket.resume()
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

const INTERNAL: YamlMap = {
  name: 'envoy.bootstrap.internal_listener',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener',
  },
}

const wants = (target: Target): YamlMap => ({ name: 'x-target', string_match: { exact: target } })
const POST: YamlMap = { name: ':method', string_match: { exact: 'POST' } }

const backListeners = (): YamlMap[] => [
  ...['h1', 'h2'].map((name) =>
    listener({
      name,
      codec: name === 'h1' ? 'HTTP1' : 'HTTP2',
      upgrades: [],
      routes: TARGETS.flatMap((target) => [
        terminate(target, { headers: [wants(target)] }),
        terminatePost(target, { headers: [POST, wants(target)] }),
      ]),
    }),
  ),
  listener({ name: 'masque', codec: 'HTTP2', upgrades: [], routes: [udpRoute('udp')] }),
]

const udpCluster = (port: number): YamlMap => cluster({ name: 'udp', port, more: MANY })

const frontListeners = (): YamlMap[] => [
  ...TARGETS.flatMap((target) => WAYS.map((way) => frontListener(way, target))),
  ...TARGETS.map((target) => {
    const { address: _, ...inner } = tcpListener({ name: `inner-${target}`, cluster: target })
    return { ...inner, internal_listener: {} }
  }),
  udpListener({
    name: 'udp',
    cluster: 'masque',
    tunneling: tunneling({ target_host: '127.0.0.1', default_target_port: udp.port }),
    more: { idle_timeout: '0.5s' },
  }),
]

function frontListener(way: (typeof WAYS)[number], target: Target): YamlMap {
  const name = `${way}-${target}`
  if (way === 'plain') return tcpListener({ name, cluster: target })
  if (way === 'internal') return tcpListener({ name, cluster: `to-inner-${target}` })
  const [version = '', method] = way.split('-')
  const headers = [{ header: { key: 'x-target', value: target } }]
  const post = method === 'post' ? { use_post: true } : {}
  return tcpListener({
    name,
    cluster: version,
    tunnel: { hostname: 'target.test:1', headers_to_add: headers, ...post },
  })
}

const frontClusters = (): YamlMap[] => [
  cluster({ name: 'h1', port: back.port('h1'), more: MANY }),
  cluster({ name: 'h2', port: back.port('h2'), protocol: 'http2', more: MANY }),
  cluster({ name: 'masque', port: back.port('masque'), protocol: 'http2', more: MANY }),
  ...TARGETS.map((target) => {
    const endpoint = { address: { envoy_internal_address: { server_listener_name: `inner-${target}` } } }
    const name = `to-inner-${target}`
    return { name, load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] } }
  }),
]

/** One client, from connect to its end. */
function cycle(port: number, moment: Moment, end: End): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const leave = (): void => {
      if (end === 'rst') return void socket.resetAndDestroy()
      socket.end()
      if (end === 'fin, then rst') setImmediate(() => socket.resetAndDestroy())
    }
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.on('data', leave)
    if (moment === 'before it is connected') return leave()
    socket.on('connect', () => {
      if (moment === 'at once') return leave()
      socket.write('hello')
      if (moment === 'after its bytes') leave()
      if (moment === 'in a moment') setTimeout(leave, 2)
    })
  })
}

async function round(): Promise<void> {
  const doors = TARGETS.flatMap((target) => WAYS.map((way) => front.port(`${way}-${target}`)))
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < CYCLES) {
      const index = next++
      const turn = Math.floor(index / doors.length)
      const moment = MOMENTS[turn % MOMENTS.length] ?? 'at once'
      const end = ENDS[Math.floor(turn / MOMENTS.length) % ENDS.length] ?? 'fin'
      const what = `the end of a client that left ${moment} by ${end}`
      await within(cycle(doors[index % doors.length] ?? 0, moment, end), what)
    }
  }
  await Promise.all([...Array.from({ length: CONCURRENCY }, worker), datagrams()])
}

/** Each client has its own port, so each is a session. */
async function datagrams(): Promise<void> {
  const clients = Array.from({ length: UDP_CLIENTS }, () => createSocket('udp4'))
  for (const client of clients) {
    await delay(2)
    await answered(client)
  }
}

/** A datagram may be lost, so it is sent again. */
function answered(client: UdpSocket): Promise<void> {
  const send = (): void => client.send('hello', front.port('udp'), '127.0.0.1')
  const again = setInterval(send, 200)
  const answer = new Promise<void>((resolve) => client.once('message', () => client.close(resolve)))
  send()
  return within(answer, 'the answer to a UDP client').finally(() => clearInterval(again))
}

const descriptors = (proxy: ProxyProcess): number => readdirSync(`/proc/${proxy.pid}/fd`).length

/** Gauges of what is open, short of the few HTTP/2 connections that are kept for the next tunnel. */
async function openGauges(proxy: ProxyProcess): Promise<string[]> {
  const { body } = await proxy.admin('/stats?type=Gauges')
  return body.split('\n').filter((line) => {
    if (!/active|pending|sess|tunnel/.test(line) || line.endsWith(': 0')) return false
    return !/^(cluster_manager|listener_manager)\.|^cluster\.(h2|masque)\.upstream_cx_active|downstream_cx_.*active/.test(
      line,
    )
  })
}

/** Waits until nothing is open any more; fails when something stays. */
async function settled(proxy: ProxyProcess, name: string, descriptorsAtStart: number): Promise<void> {
  let left: string[] = []
  await until(
    async () => {
      left = await openGauges(proxy)
      const tunnels = (await proxy.tunnels()).length
      if (tunnels > 0) left.push(`${tunnels} tunnels are listed`)
      if (descriptors(proxy) > descriptorsAtStart) left.push(`${descriptors(proxy)} descriptors`)
      return left.length === 0 || undefined
    },
    {
      what: `the ${name} proxy to be as at the start, with ${descriptorsAtStart} descriptors`,
      detail: () => left.join(),
    },
  )
}

/** Live bytes in a program's heap and outside it: what is left after forced collections, the least of some looks. */
async function liveBytes(proxy: ProxyProcess): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let look = 0; look < 6; look++) {
    proxy.signal('SIGUSR2')
    await delay(100)
    const memory: { heap_used: string; external: string } = JSON.parse((await proxy.admin('/memory')).body)
    least = Math.min(least, Number(memory.heap_used) + Number(memory.external))
  }
  return least
}

/** Rounds until what is kept on purpose is there: shared connections, buffers, compiled code. */
const WARM_UP = 3

test('clients that vanish from tunnels of every kind leave nothing behind', { timeout: 58_000 }, async (context) => {
  await startProxies('')
  const proxies = [
    { name: 'wrapping', proxy: front },
    { name: 'unwrapping', proxy: back },
  ]
  await round()
  await delay(700)
  // The admin's own connections come and go.
  const atStart = proxies.map(({ proxy }) => descriptors(proxy) + 2)
  const live: number[][] = []
  for (let pass = 1; pass < WARM_UP + 2; pass++) {
    await round()
    for (const [index, { proxy, name }] of proxies.entries()) await settled(proxy, name, atStart[index] ?? 0)
    await until(() => sockets.size === 0 || undefined, { what: 'the targets to be left' })
    if (pass >= WARM_UP) live.push(await Promise.all(proxies.map(({ proxy }) => liveBytes(proxy))))
  }
  context.diagnostic(`live bytes after each round: ${JSON.stringify(live)}`)
  for (const [index, { name }] of proxies.entries()) {
    const [last = 0, now = 0] = live.map((each) => each[index] ?? 0)
    assert.ok(now - last < MARGIN_BYTES, `the ${name} proxy grew by ${now - last} bytes in ${CYCLES} cycles`)
  }
})

test('nor do they on sockets of `net`', async () => {
  await startProxies('net')
  await round()
  await delay(700)
  // As many as the shared connections need; a tunnel that stayed would be listed.
  await settled(front, 'wrapping', descriptors(front) + 2)
  await settled(back, 'unwrapping', descriptors(back) + 2)
})
