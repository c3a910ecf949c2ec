// A thousand TCP connections in two HTTP/2 connections, each making progress while one of them has a reader that stopped.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { bootstrap, cluster, listener } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { startTcpTarget, type TcpTarget } from '../support/tcp-target.ts'
import { tcpListener, terminate } from '../support/tunnel-config.ts'
import { until, within } from '../support/waiting.ts'

const TUNNELS = 1000
const ROUNDS = 5

let target: TcpTarget
let front: ProxyProcess
let back: ProxyProcess

const MANY = {
  circuit_breakers: { thresholds: [{ max_connections: 5000, max_requests: 5000, max_pending_requests: 5000 }] },
}

before(async () => {
  target = await startTcpTarget()
  back = await startProxy(
    bootstrap(
      [
        listener({
          name: 'back',
          codec: 'HTTP2',
          upgrades: [],
          routes: [terminate('target')],
          hcm: { http2_protocol_options: { max_concurrent_streams: 500 } },
        }),
      ],
      [cluster({ name: 'target', port: target.port, more: MANY })],
    ),
  )
  front = await startProxy(
    bootstrap(
      [tcpListener({ name: 'front', cluster: 'back', tunnel: { hostname: 'target.test:1' } })],
      [
        cluster({
          name: 'back',
          port: back.port('back'),
          protocol: 'http2',
          more: { ...MANY, preconnect_policy: { per_upstream_preconnect_ratio: 1.5 } },
        }),
      ],
    ),
  )
})

after(async () => {
  await front.stop()
  await back.stop()
  await target.stop()
  await nothingLeft()
})

test('1,000 tunnels share two connections and one stopped reader stops only itself', { timeout: 60_000 }, async () => {
  const clients: Socket[] = []
  const far: Socket[] = []
  for (let i = 0; i < TUNNELS; i++) {
    const socket = connect({ port: front.port('front'), host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => undefined)
    clients.push(socket)
    const peer = await target.next()
    far.push(peer)
  }
  assert.equal(await front.stat('tcp.front.downstream_cx_total'), TUNNELS)
  const connections = await back.stat('http.back.downstream_cx_http2_active')
  assert.ok(connections >= 2 && connections <= 3, `${connections} HTTP/2 connections carry the tunnels`)
  // The first client never reads; its target sends until nobody takes more.
  clients[0]?.pause()
  const flood = far[0]
  if (flood === undefined) throw new Error('no tunnel')
  const piece = Buffer.alloc(64 * 1024)
  let sent = 0
  let full = false
  while (!full) {
    full = !flood.write(piece) && (await Promise.race([once(flood, 'drain').then(() => false), pause(1000)]))
    sent += piece.length
    assert.ok(sent < 256 * 1024 * 1024, 'a stopped reader must stop its sender')
  }
  for (const socket of far.slice(1)) socket.on('data', (chunk: Buffer) => socket.write(chunk))
  for (let round = 0; round < ROUNDS; round++) {
    await within(Promise.all(clients.slice(1).map((socket, i) => echo(socket, `${round} ${i}`))), 'all echoes', 20_000)
  }
  for (const socket of clients) socket.destroy()
  for (const socket of far) socket.destroy()
  await until(async () => ((await front.tunnels()).length === 0 ? true : undefined), { what: 'the tunnels to end' })
})

const pause = (ms: number): Promise<true> => new Promise((resolve) => setTimeout(() => resolve(true), ms))

async function echo(socket: Socket, text: string): Promise<void> {
  socket.write(text)
  let heard = ''
  while (heard.length < text.length) heard += String((await once(socket, 'data'))[0])
  assert.equal(heard, text)
}
