// Outlier detection with real servers: of five endpoints one begins to fail, is left out, and returns; a tunnel that it carries
// is not touched.

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { after, before, test } from 'node:test'
import { WebSocketServer } from 'ws'
import { bootstrap, cluster, endpoint, listener, route } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient } from '../support/raw-client.ts'
import { until } from '../support/waiting.ts'
import { webSocket, type WebSocketClient } from '../support/websocket-client.ts'

interface App {
  readonly server: Server
  readonly sockets: WebSocketServer
  readonly port: number
  status: number
}

async function startApp(): Promise<App> {
  const app: { status: number } = { status: 200 }
  const server = createServer((_, response) => response.writeHead(app.status, { 'x-port': port }).end())
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(binary ? data : `${port}`)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return Object.assign(app, { server, sockets, port })
}

let apps: App[]
let proxy: ProxyProcess

before(async () => {
  apps = await Promise.all(Array.from({ length: 5 }, startApp))
  const more = {
    load_assignment: {
      cluster_name: 'app',
      endpoints: [{ lb_endpoints: apps.map(({ port }) => endpoint(port)) }],
    },
    outlier_detection: { consecutive_5xx: 3, interval: '0.5s', base_ejection_time: '1s', max_ejection_percent: 20 },
  }
  proxy = await startProxy(
    bootstrap([listener({ name: 'web', routes: [route('/', 'app')] })], [cluster({ name: 'app', port: 1, more })]),
  )
})

after(async () => {
  await proxy.stop()
  for (const { server, sockets } of apps) {
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  await nothingLeft()
})

async function get(): Promise<{ status: number; port: number }> {
  const client = await rawClient(proxy.port('web'))
  client.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  const { status, headers } = await client.answer()
  client.close()
  return { status, port: Number(headers.get('x-port')) }
}

/** A WebSocket on that endpoint; round robin comes by. */
async function tunnelTo(port: number): Promise<WebSocketClient> {
  for (;;) {
    const socket = await webSocket({ protocol: 'http1', port: proxy.port('web'), path: '/ws' })
    socket.socket.send('who')
    if (Number((await socket.next()).data.toString()) === port) return socket
    await socket.close()
  }
}

test('an endpoint that fails is left out, its tunnel lives, and it returns', async () => {
  const bad = apps[2]
  if (bad === undefined) throw new Error('five apps')
  const tunnel = await tunnelTo(bad.port)
  bad.status = 500
  let failures = 0
  await until(async () => ((await get()).status === 500 && ++failures === 3) || undefined, { what: 'three failures' })
  assert.equal(await proxy.stat('cluster.app.outlier_detection.ejections_active'), 1)
  assert.equal(await proxy.stat('cluster.app.outlier_detection.ejections_enforced_consecutive_5xx'), 1)
  assert.equal(await proxy.stat('cluster.app.membership_healthy'), 4)
  tunnel.socket.send('who')
  assert.equal(Number((await tunnel.next()).data.toString()), bad.port)
  bad.status = 200
  await until(async () => (await get()).port === bad.port || undefined, { what: 'its return' })
  await proxy.statBecomes('cluster.app.outlier_detection.ejections_active', 0)
  await proxy.statBecomes('cluster.app.membership_healthy', 5)
  tunnel.socket.send('who')
  assert.equal(Number((await tunnel.next()).data.toString()), bad.port)
  assert.equal((await tunnel.close(1000)).code, 1000)
})
