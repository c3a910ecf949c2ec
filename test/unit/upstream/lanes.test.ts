// How requests share connections: keys, preconnecting, streams used up, slots that free.

import assert from 'node:assert/strict'
import { type IncomingMessage, type ServerResponse, createServer as createHttp1 } from 'node:http'
import { type Http2Session, type ServerHttp2Stream, createServer as createHttp2 } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { after, afterEach, describe, it } from 'node:test'
import { HeaderList } from '../../../src/codec/header-list.ts'
import type { ClientStream, ClientStreamSink, RequestHead, ResponseHead } from '../../../src/codec/http-stream.ts'
import type { CloseCause } from '../../../src/core/close-cause.ts'
import type { Cluster } from '../../../src/config/model/cluster.ts'
import type { ByteStream } from '../../../src/transport/byte-stream.ts'
import type { ClusterUpstream } from '../../../src/upstream/cluster-upstream.ts'
import type { StreamNeed, StreamWaiter, Ticket, UpstreamFailure } from '../../../src/upstream/stream-need.ts'
import type { UpstreamConnection } from '../../../src/upstream/upstream-connection.ts'
import { nothingLeft } from '../../support/leaks.ts'
import { startTcpTarget } from '../../support/tcp-target.ts'
import { delay, until } from '../../support/waiting.ts'
import { cluster, endpointConfig, socket } from '../cluster/build.ts'
import { STOP, STREAM_NEED, client, clusterOn, limits, rig } from './build.ts'

/** What a failed test leaves behind; stopping twice does nothing. */
const started: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((stop) => stop()))
})
after(nothingLeft)

function startRig(config: Cluster): ReturnType<typeof rig> {
  const made = rig(config)
  started.push(made.stop)
  return made
}

const TWO = { kind: 'explicit', version: 'http2' } as const
const http2 = (streams: number): Partial<Cluster> => ({
  protocol: TWO,
  http2: { ...cluster().http2, maxConcurrentStreams: streams },
})

/** A CONNECT or GET on its way; a tunnel is open once it has `tunnel`. */
class Exchange implements StreamWaiter, ClientStreamSink {
  readonly #head: RequestHead
  connection: UpstreamConnection | undefined
  stream: ClientStream | undefined
  status = 0
  tunnel: ByteStream | undefined
  text = ''
  failure: UpstreamFailure | undefined
  reset: CloseCause | undefined
  ticket: Ticket | undefined

  constructor(upstream: ClusterUpstream, head: RequestHead, need: StreamNeed) {
    this.#head = head
    this.ticket = upstream.acquire(need, this)
  }

  onStreamReady(connection: UpstreamConnection): void {
    this.connection = connection
    this.stream = connection.client.request(this.#head, this.#head.tunnel === undefined, this)
  }

  onStreamFailed(failure: UpstreamFailure): void {
    this.failure = failure
  }

  onInformational(): void {
    // None are sent.
  }

  onResponse(head: ResponseHead): void {
    this.status = head.status
    if (this.#head.tunnel === undefined || head.status !== 200) return
    this.tunnel = this.stream?.intoByteStream()
    this.tunnel?.setSink({
      onData: (buffer, start, end) => (this.text += buffer.toString('latin1', start, end)),
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClose: (cause) => (this.reset = cause),
    })
  }

  onData(): void {
    // Bodies are empty.
  }

  onTrailers(): void {
    // There are none.
  }

  onDrain(): void {
    // Nothing waits.
  }

  onReset(cause: CloseCause): void {
    this.reset = cause
  }
}

const head = (tunnel: boolean, path = '/'): RequestHead => ({
  method: tunnel ? 'CONNECT' : 'GET',
  scheme: 'http',
  authority: tunnel ? 'far.test:443' : 'app.test',
  path: tunnel ? '' : path,
  protocol: 'HTTP/1.1',
  headers: new HeaderList(),
  tunnel: tunnel ? { kind: 'connect' } : undefined,
})

const get = (upstream: ClusterUpstream, need: StreamNeed = STREAM_NEED): Exchange =>
  new Exchange(upstream, head(false), need)

const tunnel = (upstream: ClusterUpstream): Exchange => new Exchange(upstream, head(true), STREAM_NEED)

const answered = (exchange: Exchange): Promise<number> =>
  until(() => (exchange.status > 0 ? exchange.status : undefined), {
    what: 'the answer',
    detail: () => exchange.failure?.explanation ?? exchange.reset?.detail ?? '',
  })

async function portOf(server: { listen: Server['listen']; address: Server['address'] }): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server has a port
  return (server.address() as AddressInfo).port
}

/** An HTTP/1 application whose answers wait until they are released. */
async function heldApp() {
  const held: ServerResponse[] = []
  let connections = 0
  let holding = true
  const server = createHttp1((_incoming: IncomingMessage, response) => {
    if (holding) held.push(response)
    else response.end()
  })
  server.on('connection', () => connections++)
  const port = await portOf(server)
  const stop = () => new Promise<void>((resolve) => (server.closeAllConnections(), server.close(() => resolve())))
  started.push(stop)
  return {
    port,
    connections: () => connections,
    release() {
      holding = false
      for (const response of held.splice(0)) response.end()
    },
    stop,
  }
}

/** An HTTP/2 application that accepts every CONNECT and echoes, so many at once per connection. */
async function tunnelApp(streams: number) {
  const sessions: Http2Session[] = []
  const perSession = new Map<Http2Session, number>()
  let most = 0
  const server = createHttp2({ settings: { maxConcurrentStreams: streams, enableConnectProtocol: true } })
  server.on('session', (session) => {
    sessions.push(session)
    session.on('error', () => undefined)
  })
  server.on('stream', (stream: ServerHttp2Stream) => {
    const { session } = stream
    if (session === undefined) return
    const now = (perSession.get(session) ?? 0) + 1
    perSession.set(session, now)
    most = Math.max(most, now)
    stream.on('error', () => undefined)
    stream.on('close', () => perSession.set(session, (perSession.get(session) ?? 1) - 1))
    stream.respond({ ':status': 200 })
    stream.pipe(stream)
  })
  const port = await portOf(server)
  const stop = async () => {
    for (const session of sessions) session.destroy()
    if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  started.push(stop)
  return {
    port,
    sessions,
    most: () => most,
    /** What is open goes on. */
    stopListening: () => void server.close(),
    stop,
  }
}

describe('pool keys', () => {
  it('let requests share connections, unless a PROXY header or the configuration ties them to a client', async () => {
    for (const [more, expected] of [
      [{}, 1],
      [{ poolPerDownstreamConnection: true }, 2],
    ] as const) {
      const app = await heldApp()
      app.release()
      const { upstream, stop } = startRig(clusterOn(app.port, more))
      const [one, two] = [client(), client()]
      for (const downstream of [one, two, one, two]) {
        await answered(get(upstream, { ...STREAM_NEED, downstream }))
        await delay(5)
      }
      assert.equal(app.connections(), expected)
      assert.equal(upstream.needsOrigin, expected === 2)
      stop()
      await app.stop()
    }
  })

  it('are forgotten with the last connection of their client', async () => {
    const app = await heldApp()
    app.release()
    const { upstream, stop } = startRig(
      clusterOn(app.port, {
        poolPerDownstreamConnection: true,
        common: { ...cluster().common, maxRequestsPerConnection: 1 },
      }),
    )
    for (let i = 0; i < 20; i++) await answered(get(upstream, { ...STREAM_NEED, downstream: client() }))
    await until(() => (upstream.poolCount === 0 ? true : undefined), { what: 'no pools' })
    assert.equal(upstream.stats.upstreamCxTotal.value, 20)
    stop()
    await app.stop()
  })

  it('keep server names apart, a bounded number of them', async () => {
    const app = await heldApp()
    app.release()
    const { upstream, stop } = startRig(
      clusterOn(app.port, { common: { ...cluster().common, maxRequestsPerConnection: 1 } }),
    )
    for (let i = 0; i < 300; i++) await answered(get(upstream, { ...STREAM_NEED, serverName: `${i}.test` }))
    assert.ok(upstream.poolCount <= 257, `${upstream.poolCount} pools`)
    stop()
    await app.stop()
  })
})

describe('preconnect_policy', () => {
  it('keeps HTTP/1 connections ready for the next requests', async () => {
    const app = await heldApp()
    const { upstream, stop } = startRig(clusterOn(app.port, { preconnectRatio: 2 }))
    const first = [get(upstream), get(upstream)]
    // ceil(2 × 2) connections for two requests.
    await until(() => (app.connections() === 4 ? true : undefined), { what: 'four connections' })
    await until(() => first.every(({ connection }) => connection !== undefined) || undefined, { what: 'two requests' })
    const third = get(upstream)
    assert.notEqual(third.connection, undefined, 'a ready connection serves it at once')
    await until(() => (app.connections() === 6 ? true : undefined), { what: 'six connections' })
    app.release()
    for (const exchange of [...first, third]) await answered(exchange)
    await delay(30)
    assert.equal(app.connections(), 6)
    await answered(get(upstream))
    await delay(30)
    assert.equal(app.connections(), 6, 'enough are idle')
    stop()
    await app.stop()
  })

  it('opens one connection per waiting request without it', async () => {
    const app = await heldApp()
    const { upstream, stop } = startRig(clusterOn(app.port))
    const all = [get(upstream), get(upstream), get(upstream)]
    await until(() => all.every(({ connection }) => connection !== undefined) || undefined, { what: 'three requests' })
    await delay(30)
    assert.equal(app.connections(), 3)
    stop()
    await app.stop()
  })

  it('does not dial on and on when connections fail', async () => {
    const dead = await startTcpTarget()
    await dead.stop()
    const { upstream, stop } = startRig(clusterOn(dead.port, { preconnectRatio: 3 }))
    const exchange = get(upstream)
    await until(() => exchange.failure, { what: 'the failure' })
    await delay(50)
    assert.equal(upstream.stats.upstreamCxConnectFail.value, 3)
    stop()
  })

  it('opens the next HTTP/2 connection before the streams of the first are used up', async () => {
    const app = await tunnelApp(10)
    const { upstream, stop } = startRig(clusterOn(app.port, { ...http2(100), preconnectRatio: 1.5 }))
    const first = tunnel(upstream)
    await answered(first)
    // 6 × 1.5 = 9 fit into ten, 7 × 1.5 do not.
    for (let i = 0; i < 5; i++) await answered(tunnel(upstream))
    assert.equal(app.sessions.length, 1)
    await answered(tunnel(upstream))
    await until(() => (app.sessions.length === 2 ? true : undefined), { what: 'a second connection' })
    stop()
    await app.stop()
  })
})

describe('HTTP/2 connections whose streams are used up', () => {
  it('carry 1,000 tunnels over two connections', async () => {
    const app = await tunnelApp(500)
    const { upstream, stop } = startRig(clusterOn(app.port, http2(1024)))
    await answered(tunnel(upstream))
    const all = Array.from({ length: 999 }, () => tunnel(upstream))
    await until(() => (all.every(({ tunnel: open }) => open !== undefined) ? true : undefined), {
      what: '1,000 tunnels',
      detail: () => `${all.filter(({ tunnel: open }) => open !== undefined).length} are open`,
    })
    assert.equal(app.sessions.length, 2)
    assert.equal(app.most(), 500)
    all.forEach(({ tunnel: open }, index) => open?.writeLatin1(`tunnel ${index}`))
    await until(() => all.every(({ text }, index) => text === `tunnel ${index}`) || undefined, { what: 'every echo' })
    // One more has no room and opens a third; a stream that ends makes room in the first.
    const [gone] = all
    gone?.tunnel?.reset(STOP)
    await until(() => gone?.reset, { what: 'the reset' })
    await answered(tunnel(upstream))
    assert.equal(app.sessions.length, 2)
    stop()
    await app.stop()
  })

  it('are opened one by one until the first tells how many streams it takes', async () => {
    const app = await tunnelApp(500)
    const { upstream, stop } = startRig(clusterOn(app.port, http2(1024)))
    const all = Array.from({ length: 900 }, () => tunnel(upstream))
    await until(() => (all.every(({ tunnel: open }) => open !== undefined) ? true : undefined), { what: '900 tunnels' })
    assert.equal(app.sessions.length, 2)
    assert.equal(upstream.stats.upstreamCxTotal.value, 2)
    stop()
    await app.stop()
  })

  it('fail those that wait when the next connection cannot be had', async () => {
    const app = await tunnelApp(2)
    const { upstream, stop } = startRig(clusterOn(app.port, http2(100)))
    const open = [tunnel(upstream), tunnel(upstream)]
    for (const exchange of open) await answered(exchange)
    app.stopListening()
    const waiting = tunnel(upstream)
    const failure = await until(() => waiting.failure, { what: 'the failure' })
    assert.equal(failure.code, 'upstream_connection_failure')
    open[0]?.tunnel?.writeLatin1('alive')
    await until(() => (open[0]?.text === 'alive' ? true : undefined), { what: 'the echo' })
    stop()
    await app.stop()
  })
})

describe('max_connections', () => {
  it('lets a request wait for a connection of another endpoint to go', async () => {
    const apps = [await heldApp(), await heldApp()]
    const breakers = { default: limits({ maxConnections: 2 }), high: limits() }
    const endpoints = apps.map(({ port }) => endpointConfig('127.0.0.1', { address: socket('127.0.0.1', port) }))
    const { upstream, stop } = startRig(cluster({ endpoints, circuitBreakers: breakers }))
    // Round robin: one to each, then one more to each, which find no slot.
    const all = [get(upstream), get(upstream), get(upstream), get(upstream)]
    await until(() => (upstream.breakers('default').active('connection') === 2 ? true : undefined), { what: 'two' })
    await until(() => all.filter(({ stream }) => stream !== undefined).length === 2 || undefined, {
      what: 'two requests',
    })
    assert.ok(upstream.stats.upstreamCxOverflow.value >= 2)
    // The first endpoint's connection breaks, and so a slot is free. Who waited longest takes it.
    const [first, second, third, fourth] = all
    first?.stream?.reset(STOP)
    await until(() => third?.stream ?? fourth?.stream, { what: 'a request that waited' })
    assert.ok(upstream.breakers('default').active('connection') <= 2)
    apps.forEach((app) => app.release())
    for (const exchange of [second, third, fourth]) if (exchange !== undefined) await answered(exchange)
    stop()
    await Promise.all(apps.map((app) => app.stop()))
  })

  it('wakes a lane of its own accord when another one gives its slot back', async () => {
    const [one, two] = [await tunnelApp(1), await tunnelApp(1)]
    const breakers = { default: limits({ maxConnections: 2 }), high: limits() }
    const endpoints = [one, two].map(({ port }) => endpointConfig('127.0.0.1', { address: socket('127.0.0.1', port) }))
    const { upstream, stop } = startRig(cluster({ endpoints, circuitBreakers: breakers, ...http2(100) }))
    const open = [tunnel(upstream), tunnel(upstream)]
    for (const exchange of open) await answered(exchange)
    // Both connections are full with tunnels that stay; the third tunnel waits at the first endpoint.
    const third = tunnel(upstream)
    await delay(30)
    assert.equal(third.stream, undefined)
    assert.equal(third.failure, undefined)
    // The other endpoint's connection goes.
    const [at, other] = open[0]?.connection?.endpoint.text.endsWith(`:${one.port}`) === true ? [one, two] : [two, one]
    other.sessions[0]?.destroy()
    assert.equal(await answered(third), 200)
    assert.deepEqual([at.sessions.length, other.sessions.length], [2, 1])
    stop()
    await Promise.all([one.stop(), two.stop()])
  })
})

describe('limits on connections', () => {
  it('count each priority by itself', async () => {
    const app = await heldApp()
    const circuitBreakers = { default: limits({ maxConnections: 2 }), high: limits({ maxConnections: 1 }) }
    const { upstream, stop } = startRig(clusterOn(app.port, { circuitBreakers }))
    const high = { ...STREAM_NEED, priority: 'high' } as const
    const asked = [get(upstream, high), get(upstream, high), get(upstream), get(upstream), get(upstream)]
    await until(() => app.connections() === 3 || undefined, {
      what: 'one connection of high priority and two of the other',
    })
    await delay(20)
    assert.equal(app.connections(), 3)
    assert.equal(upstream.breakers('high').active('connection'), 1)
    assert.equal(upstream.breakers('default').active('connection'), 2)
    app.release()
    for (const exchange of asked) assert.equal(await answered(exchange), 200)
    stop()
    await until(() => upstream.breakers('high').active('connection') === 0 || undefined, { what: 'the slot' })
    await app.stop()
  })

  it('hold for one endpoint, whatever room the cluster has', async () => {
    const app = await heldApp()
    const limited = limits({ maxConnectionsPerEndpoint: 2 })
    const { upstream, stop } = startRig(clusterOn(app.port, { circuitBreakers: { default: limited, high: limited } }))
    const asked = Array.from({ length: 5 }, () => get(upstream))
    await until(() => app.connections() === 2 || undefined, { what: 'two connections' })
    await delay(20)
    assert.equal(app.connections(), 2)
    app.release()
    for (const exchange of asked) assert.equal(await answered(exchange), 200)
    assert.equal(app.connections(), 2)
    stop()
    await app.stop()
  })
})
