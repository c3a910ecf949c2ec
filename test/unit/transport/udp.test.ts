// UDP sockets on loopback: datagrams whole, errors told, bounds kept.

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { after, test } from 'node:test'
import { UDP_QUEUED_DATAGRAMS } from '../../../src/core/limits.ts'
import { connectUdp, listenUdp, type UdpPeer, type UdpSink, type UdpSocket } from '../../../src/transport/udp.ts'
import { nothingLeft } from '../../support/leaks.ts'
import { until } from '../../support/waiting.ts'

after(nothingLeft)

class Sink implements UdpSink {
  readonly messages: Buffer[] = []
  readonly peers: UdpPeer[] = []
  readonly receiveErrors: string[] = []
  readonly sendErrors: string[] = []

  onMessage(payload: Buffer, from: UdpPeer): void {
    this.messages.push(payload)
    this.peers.push(from)
  }

  onReceiveError(reason: string): void {
    this.receiveErrors.push(reason)
  }

  onSendError(reason: string): void {
    this.sendErrors.push(reason)
  }
}

const connected = (host: string, port: number, sink: UdpSink): Promise<UdpSocket> =>
  new Promise((resolve, reject) => {
    connectUdp({ host, port }, sink, {
      onConnected: resolve,
      onConnectFailed: ({ detail }) => reject(new Error(detail)),
    })
  })

test('datagrams go both ways between a listening and a connected socket', async () => {
  const [server, client] = [new Sink(), new Sink()]
  const listening = await listenUdp({ host: '127.0.0.1', port: 0 }, server)
  const socket = await connected('127.0.0.1', listening.local.port, client)
  assert.equal(socket.remote.text, listening.local.text)
  const bytes = Buffer.from('..hello..')
  assert.ok(socket.send(bytes, 2, 7))
  bytes.fill(0)
  await until(() => server.messages[0], { what: 'the datagram' })
  assert.equal(String(server.messages[0]), 'hello', 'what was sent is a copy')
  const [peer] = server.peers
  assert.equal(peer?.port, socket.local.port)
  listening.send(Buffer.from('back'), 0, 4, peer)
  await until(() => client.messages[0], { what: 'the answer' })
  assert.equal(String(client.messages[0]), 'back')
  socket.close()
  listening.close()
})

test('a connected socket hears its peer only', async () => {
  const [server, client] = [new Sink(), new Sink()]
  const listening = await listenUdp({ host: '127.0.0.1', port: 0 }, server)
  const socket = await connected('127.0.0.1', listening.local.port, client)
  const stranger = createSocket('udp4')
  await new Promise<void>((resolve) => stranger.send('forged', socket.local.port, '127.0.0.1', () => resolve()))
  listening.send(Buffer.from('true'), 0, 4, { address: '127.0.0.1', port: socket.local.port })
  await until(() => client.messages[0], { what: 'the datagram' })
  assert.deepEqual(client.messages.map(String), ['true'])
  stranger.close()
  socket.close()
  listening.close()
})

test('a refused datagram is told, and the socket goes on', async () => {
  const sink = new Sink()
  const gone = await listenUdp({ host: '127.0.0.1', port: 0 }, new Sink())
  const { port } = gone.local
  gone.close()
  const socket = await connected('127.0.0.1', port, sink)
  socket.send(Buffer.from('x'), 0, 1)
  await until(() => sink.receiveErrors[0], { what: 'the error' })
  assert.match(sink.receiveErrors[0] ?? '', /connection refused \(ECONNREFUSED\)/)
  const back = new Sink()
  const again = await listenUdp({ host: '127.0.0.1', port }, back)
  socket.send(Buffer.from('y'), 0, 1)
  await until(() => back.messages[0], { what: 'the second datagram' })
  socket.close()
  again.close()
})

test('a datagram too long for IP is told, and a shorter one goes', async () => {
  const [server, client] = [new Sink(), new Sink()]
  const listening = await listenUdp({ host: '127.0.0.1', port: 0 }, server)
  const socket = await connected('127.0.0.1', listening.local.port, client)
  socket.send(Buffer.alloc(65_508), 0, 65_508)
  await until(() => client.sendErrors[0], { what: 'the error' })
  assert.match(client.sendErrors[0] ?? '', /EMSGSIZE/)
  socket.send(Buffer.alloc(65_507), 0, 65_507)
  await until(() => server.messages[0], { what: 'the datagram' })
  assert.equal(server.messages[0]?.length, 65_507)
  socket.close()
  listening.close()
})

test('what waits is bounded: beyond it datagrams are dropped', async () => {
  const sink = new Sink()
  const listening = await listenUdp({ host: '127.0.0.1', port: 0 }, sink)
  const socket = await connected('127.0.0.1', listening.local.port, new Sink())
  let taken = 0
  for (let i = 0; i < UDP_QUEUED_DATAGRAMS + 10; i++) if (socket.send(Buffer.alloc(1), 0, 1)) taken++
  assert.ok(taken <= UDP_QUEUED_DATAGRAMS)
  assert.equal(socket.dropped, UDP_QUEUED_DATAGRAMS + 10 - taken)
  socket.close()
  listening.close()
})

test('a way that does not exist fails the connecting', async () => {
  await assert.rejects(connected('255.255.255.255', 9, new Sink()), /255\.255\.255\.255:9: permission denied/)
})

test('two sockets share a port with reusePort, and one does not without', async () => {
  const one = await listenUdp({ host: '127.0.0.1', port: 0, reusePort: true }, new Sink())
  const two = await listenUdp({ host: '127.0.0.1', port: one.local.port, reusePort: true }, new Sink())
  await assert.rejects(listenUdp({ host: '127.0.0.1', port: one.local.port }, new Sink()), /EADDRINUSE/)
  one.close()
  two.close()
})

test('nothing is sent, heard or told after close', async () => {
  const sink = new Sink()
  const listening = await listenUdp({ host: '127.0.0.1', port: 0 }, sink)
  const { port } = listening.local
  await new Promise<void>((resolve) => listening.close(resolve))
  assert.equal(listening.send(Buffer.from('x'), 0, 1, { address: '127.0.0.1', port }), false)
  listening.close()
  assert.deepEqual([sink.messages.length, sink.sendErrors.length], [0, 0])
})
