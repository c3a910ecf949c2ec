// CONNECT-UDP that ends here, or is passed on: datagrams in capsules from independent clients (node:http2, a plain socket)
// to a UDP server and back, and every refusal of envoy.md §2.9.

import assert from 'node:assert/strict'
import { connect as connectTcp } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { capsule, datagram, takeDatagrams } from '../support/capsules.ts'
import { type ConnectUdpClient, connectUdpClient } from '../support/connect-udp-client.ts'
import { bootstrap, cluster, listener } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { udpRoute } from '../support/udp-config.ts'
import { startUdpEcho, type UdpEcho } from '../support/udp-peers.ts'
import { until } from '../support/waiting.ts'

const PATH = '/.well-known/masque/udp/target.example/443/'

let echo: UdpEcho
let proxy: ProxyProcess
let client: ConnectUdpClient
let onward: ConnectUdpClient

before(async () => {
  echo = await startUdpEcho()
  const end = {
    name: 'end',
    codec: 'AUTO' as const,
    upgrades: [],
    hcm: { stream_idle_timeout: '300s' },
  }
  proxy = await startProxy(
    bootstrap(
      [
        listener({ ...end, routes: [udpRoute('echo')] }),
        listener({ ...end, name: 'nowhere', routes: [udpRoute('nowhere')] }),
        listener({ ...end, name: 'refusing', routes: [{ match: { prefix: '/' }, route: { cluster: 'echo' } }] }),
      ],
      [
        cluster({ name: 'echo', port: echo.port }),
        // A broadcast address: the system refuses to connect a socket to it.
        {
          name: 'nowhere',
          load_assignment: {
            cluster_name: 'nowhere',
            endpoints: [
              {
                lb_endpoints: [
                  { endpoint: { address: { socket_address: { address: '255.255.255.255', port_value: 9 } } } },
                ],
              },
            ],
          },
        },
      ],
    ),
  )
  client = await connectUdpClient(proxy.port('end'))
})

after(async () => {
  await client.stop()
  await proxy.stop()
  await echo.stop()
  await nothingLeft()
})

describe('CONNECT-UDP that ends here, by HTTP/2', () => {
  test('datagrams go both ways, whole and in order', async () => {
    const tunnel = await client.open(PATH)
    assert.equal(tunnel.headers[':status'], 200)
    assert.equal(tunnel.headers['capsule-protocol'], '?1')
    const payloads = ['', 'a', 'b'.repeat(1200), 'c'.repeat(9000)]
    for (const [index, payload] of payloads.entries()) {
      tunnel.send(payload)
      assert.equal(String((await tunnel.has(index + 1))[index]), payload)
    }
    const [listed] = await proxy.tunnels()
    assert.deepEqual(
      { type: listed?.type, path: listed?.path, endpoint: listed?.endpoint, hops: listed?.hops.upstream },
      { type: 'connect-udp', path: PATH, endpoint: `127.0.0.1:${echo.port}`, hops: 'UDP' },
    )
    tunnel.stream.close()
    await proxy.statBecomes('http.end.downstream_cx_upgrades_active', 0)
    assert.equal(await proxy.stat('cluster.echo.udp.sess_tx_datagrams'), 4)
    assert.equal(await proxy.stat('cluster.echo.udp.sess_rx_datagrams'), 4)
  })

  test('many tunnels of one connection have a socket each', async () => {
    const tunnels = await Promise.all(Array.from({ length: 20 }, () => client.open(PATH)))
    const from = echo.received.length
    for (const [index, tunnel] of tunnels.entries()) tunnel.send(`mine ${index}`)
    for (const [index, tunnel] of tunnels.entries()) assert.equal(String((await tunnel.has(1))[0]), `mine ${index}`)
    assert.equal(new Set(echo.received.slice(from).map((datagram) => datagram.from)).size, 20)
    for (const tunnel of tunnels) tunnel.stream.close()
    await proxy.statBecomes('http.end.downstream_cx_upgrades_active', 0)
  })

  test('capsules in pieces, of unknown types and of other contexts', async () => {
    const tunnel = await client.open(PATH)
    const from = echo.received.length
    const bytes = Buffer.concat([
      capsule(0x1234, Buffer.from('unknown')),
      capsule(0, Buffer.from([0x04, 1, 2, 3])),
      datagram(Buffer.from('in pieces')),
    ])
    for (const byte of bytes) {
      tunnel.stream.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(String((await tunnel.has(1))[0]), 'in pieces')
    assert.equal(echo.received.length, from + 1, 'nothing else reached the target')
    tunnel.stream.close()
  })

  test('an answer still comes after the client ended its direction', async () => {
    const tunnel = await client.open(PATH)
    tunnel.stream.end(datagram(Buffer.from('last words')))
    assert.equal(String((await tunnel.has(1))[0]), 'last words')
    tunnel.stream.close()
  })

  const faults: readonly (readonly [name: string, bytes: Buffer, end: boolean])[] = [
    ['an end within a capsule', datagram(Buffer.from('abc')).subarray(0, 4), true],
    ['an end within a varint', Buffer.from([0x00, 0x40]), true],
    ['a datagram without a context id', capsule(0, Buffer.alloc(0)), false],
    ['a datagram longer than UDP allows', Buffer.from([0x00, 0x80, 0x01, 0x00, 0x00, 0x00]), false],
  ]
  for (const [name, bytes, end] of faults) {
    test(`${name} resets the stream`, async () => {
      const tunnel = await client.open(PATH)
      const from = echo.received.length
      if (end) tunnel.stream.end(bytes)
      else tunnel.stream.write(bytes)
      assert.equal(await until(() => tunnel.resetCode, { what: 'the reset' }), 1, 'PROTOCOL_ERROR')
      assert.equal(echo.received.length, from)
    })
  }

  test('a request that is its head alone is answered with 400', async () => {
    const answer = await client.open(PATH, { endStream: true })
    assert.equal(answer.headers[':status'], 400)
    await until(() => answer.ended || undefined, { what: 'the end' })
  })

  for (const path of [
    '/',
    '/.well-known/masque/udp/target.example/443',
    '/.well-known/masque/udp/fe80%3A%3A1%25eth0/1/',
  ]) {
    test(`the path ${path} is answered with 404`, async () => {
      const answer = await client.open(path)
      assert.equal(answer.headers[':status'], 404)
      await until(() => answer.ended || undefined, { what: 'the end' })
      assert.match(String(answer.bytes()), /^The path is incorrect for CONNECT-UDP/)
      answer.stream.close()
    })
  }

  test('a target that no socket can be connected to is answered with 503', async () => {
    const other = await connectUdpClient(proxy.port('nowhere'))
    const answer = await other.open(PATH)
    assert.equal(answer.headers[':status'], 503)
    await other.stop()
  })

  test('a route without an entry for CONNECT-UDP refuses it', async () => {
    const other = await connectUdpClient(proxy.port('refusing'))
    const answer = await other.open(PATH)
    assert.equal(answer.headers[':status'], 403)
    await other.stop()
  })
})

describe('CONNECT-UDP by HTTP/1.1', () => {
  test('Upgrade: connect-udp becomes capsules after the 101', async () => {
    const socket = connectTcp(proxy.port('end'), '127.0.0.1')
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)))
    socket.write(
      `GET ${PATH} HTTP/1.1\r\nHost: proxy.example\r\nConnection: Upgrade\r\nUpgrade: connect-udp\r\nCapsule-Protocol: ?1\r\n\r\n`,
    )
    const text = (): string => Buffer.concat(chunks).toString('latin1')
    await until(() => text().includes('\r\n\r\n') || undefined, { what: 'the answer' })
    assert.match(text(), /^HTTP\/1\.1 101 /)
    assert.match(text(), /\r\nupgrade: connect-udp\r\n/i)
    assert.match(text(), /\r\ncapsule-protocol: \?1\r\n/i)
    socket.write(datagram(Buffer.from('over http/1.1')))
    const payloads = await until(
      () => {
        const all = Buffer.concat(chunks)
        const found = takeDatagrams(all.subarray(all.indexOf('\r\n\r\n') + 4)).payloads
        return found.length > 0 ? found : undefined
      },
      { what: 'the datagram' },
    )
    assert.equal(String(payloads[0]), 'over http/1.1')
    socket.resetAndDestroy()
    await proxy.statBecomes('http.end.downstream_cx_upgrades_active', 0)
  })
})

describe('CONNECT-UDP that is passed on', () => {
  for (const protocol of ['http1', 'http2'] as const) {
    test(`by ${protocol} to a proxy that ends it`, async () => {
      const middle = await startProxy(
        bootstrap(
          [listener({ name: 'middle', codec: 'AUTO', upgrades: [], routes: [udpRoute('next', false)] })],
          [cluster({ name: 'next', port: proxy.port('end'), protocol })],
        ),
      )
      onward = await connectUdpClient(middle.port('middle'))
      const tunnel = await onward.open(PATH)
      assert.equal(tunnel.headers[':status'], 200)
      tunnel.send('two hops')
      assert.equal(String((await tunnel.has(1))[0]), 'two hops')
      const refused = await onward.open('/somewhere/')
      assert.equal(refused.headers[':status'], 404, 'the path is a matter of the first proxy, too')
      await onward.stop()
      await middle.stop()
    })
  }
})
