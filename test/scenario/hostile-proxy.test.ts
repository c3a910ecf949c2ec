// Proxies behind us that answer a CONNECT oddly or with malice: what is framing in a 2xx, answers without end, answers that
// are none. Tried in the three places where Sluice asks: a passed-on CONNECT, a tcp_proxy, a transport socket.

import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { connectHttp1 } from '../support/connect-client.ts'
import { bootstrap, cluster, listener, type YamlMap } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient } from '../support/raw-client.ts'
import { tcpListener } from '../support/tunnel-config.ts'

/** Bytes that a 2xx would make a body of, were it to be believed. */
const BYTES = '5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'

/** By the port of the CONNECT's target: what is answered. */
const ANSWERS: Readonly<Record<number, string>> = {
  1: `HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n${BYTES}`,
  2: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${BYTES}`,
  3: `HTTP/1.1 200 OK\r\n${'x-long: y\r\n'.repeat(200_000)}\r\n`,
  4: `HTTP/1.1 200 OK\r\nx-long: ${'y'.repeat(2_000_000)}`,
  5: 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
  6: 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
  7: 'HTTP/1.1 200 OK\r\nbad header\r\n\r\n',
  8: 'HTTP/1.1 407 Who\r\ncontent-length: 2000000\r\n\r\nx',
  9: '',
}

const sockets = new Set<Socket>()
let hostile: Server
let port: number
let proxy: ProxyProcess

const through = (name: string, to: number): YamlMap => ({
  ...cluster({ name, port: to }),
  transport_socket: {
    name: 'proxy',
    typed_config: {
      '@type': 'type.googleapis.com/sluice.v1.HttpProxyTransport',
      proxy_address: { socket_address: { address: '127.0.0.1', port_value: port } },
    },
  },
})

before(async () => {
  hostile = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', (head: Buffer) => {
      const target = Number(/^CONNECT [^ ]*:(\d+) /.exec(head.toString('latin1'))?.[1])
      const answer = ANSWERS[target] ?? ''
      if (answer === '') socket.destroy()
      else socket.write(answer)
    })
  })
  await new Promise<void>((resolve) => hostile.listen(0, '127.0.0.1', resolve))
  const address = hostile.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
  const cases = Object.keys(ANSWERS).map(Number)
  const passed = {
    match: { connect_matcher: {} },
    route: { cluster: 'next', upgrade_configs: [{ upgrade_type: 'CONNECT' }] },
  }
  proxy = await startProxy(
    bootstrap(
      [
        listener({ name: 'front', routes: [passed], upgrades: [] }),
        ...cases.map((n) => tcpListener({ name: `tcp-${n}`, cluster: 'next', tunnel: { hostname: `a.test:${n}` } })),
        ...cases.map((n) => tcpListener({ name: `socket-${n}`, cluster: `through-${n}` })),
      ],
      [cluster({ name: 'next', port }), ...cases.map((n) => through(`through-${n}`, n))],
    ),
  )
})

after(async () => {
  await proxy.stop()
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => hostile.close(resolve))
  await nothingLeft()
})

for (const [n, what] of [
  [1, 'Content-Length'],
  [2, 'Transfer-Encoding'],
] as const) {
  describe(`${what} in a 2xx is no framing (RFC 9110 §9.3.6): every byte passes`, () => {
    test('for a CONNECT that is passed on', async () => {
      const client = await connectHttp1({ port: proxy.port('front'), target: `a.test:${n}` })
      assert.equal(client.status, 200)
      for (const name of ['content-length', 'transfer-encoding']) assert.equal(client.headers.has(name), false)
      assert.equal(String(await client.read(BYTES.length)), BYTES)
      client.reset()
      await client.close()
    })

    test('for a tcp_proxy', async () => {
      const client = await rawClient(proxy.port(`tcp-${n}`))
      assert.equal(String(await client.read(BYTES.length)), BYTES)
      client.close()
    })

    test('for a transport socket it is a refusal, as in Envoy', async () => {
      const client = await rawClient(proxy.port(`socket-${n}`))
      assert.equal(String(await client.rest()), '')
      client.close()
    })
  })
}

for (const [n, what] of [
  [3, 'a head of very many fields'],
  [4, 'a head without end'],
  [5, 'no HTTP at all'],
  [6, 'a 101'],
  [7, 'a malformed head'],
  [9, 'a close without a word'],
] as const) {
  test(`${what} opens nothing and is told as a failure`, async () => {
    const client = await connectHttp1({ port: proxy.port('front'), target: `a.test:${n}` })
    assert.ok(client.status === 502 || client.status === 503, String(client.status))
    await client.close()
    for (const place of ['tcp', 'socket']) {
      const plain = await rawClient(proxy.port(`${place}-${n}`))
      assert.equal(String(await plain.rest()), '')
      plain.close()
    }
  })
}

test('a refusal passes no byte of its body to a TCP client', async () => {
  for (const place of ['tcp', 'socket']) {
    const plain = await rawClient(proxy.port(`${place}-8`))
    assert.equal(String(await plain.rest()), '')
    plain.close()
  }
})

test('nothing is kept of all that', async () => {
  await proxy.statBecomes('cluster.next.upstream_cx_active', 0)
  await proxy.statBecomes('cluster.next.upstream_rq_active', 0)
})
