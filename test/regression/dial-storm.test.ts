// An upgrade that waits for the SETTINGS of an HTTP/2 upstream which never sends any: each connection that ended was
// replaced at once, some three thousand times a second until the route timeout.

import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient, upgradeRequest } from '../support/raw-client.ts'

/** Ends each connection with `words`; counts them. */
interface Unwilling {
  readonly port: number
  connections: number
  stop(): Promise<void>
}

async function unwilling(words: string): Promise<Unwilling> {
  const server: Server = createServer((socket: Socket) => {
    counted.connections++
    socket.on('error', () => undefined)
    socket.resume().end(words)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const counted: Unwilling = {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    connections: 0,
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
  return counted
}

let http1: Unwilling
let mute: Unwilling
let proxy: ProxyProcess

before(async () => {
  http1 = await unwilling('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')
  mute = await unwilling('')
  proxy = await startProxy(
    bootstrap(
      [
        listener({
          name: 'web',
          routes: [route('/http1', 'http1', { timeout: '3s' }), route('/mute', 'mute', { timeout: '3s' })],
        }),
      ],
      [
        cluster({ name: 'http1', port: http1.port, protocol: 'http2' }),
        cluster({ name: 'mute', port: mute.port, protocol: 'http2' }),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await http1.stop()
  await mute.stop()
  await nothingLeft()
})

for (const [path, status, reason, upstream] of [
  ['/http1', 502, /^upstream_protocol_error; /, () => http1],
  ['/mute', 503, /^upstream_closed_before_response; /, () => mute],
] as const) {
  test(`an upstream that is not HTTP/2 (${path}) is asked once, and the client hears why`, async () => {
    const client = await rawClient(proxy.port('web'))
    client.write(upgradeRequest(path))
    const answer = await client.answer()
    assert.equal(answer.status, status)
    assert.match(answer.headers.get('x-sluice-reason') ?? '', reason)
    assert.equal(upstream().connections, 1)
    client.close()
    await proxy.statBecomes(`cluster.${path.slice(1)}.upstream_rq_pending_active`, 0)
    await proxy.statBecomes(`cluster.${path.slice(1)}.upstream_rq_active`, 0)
  })
}
