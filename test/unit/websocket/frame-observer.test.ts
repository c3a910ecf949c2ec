import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { systemClock } from '../../../src/core/clock.ts'
import { TimerWheel } from '../../../src/core/timer-wheel.ts'
import { dialTcp, listenTcp } from '../../../src/transport/tcp.ts'
import { type TunnelSummary, bridge } from '../../../src/tunnel/bridge.ts'
import { FrameObserver } from '../../../src/websocket/frame-observer.ts'
import { frame } from './frames.ts'

function observe(...parts: readonly Buffer[]): FrameObserver {
  const observer = new FrameObserver()
  for (const part of parts) observer.observe(part, 0, part.length)
  return observer
}

describe('frame observer', () => {
  it('counts messages, fragments, control frames and bytes', () => {
    const observer = observe(
      frame(1, 'hello'),
      frame(2, 'abc', { fin: false }),
      frame(9, 'ping in between'),
      frame(0, 'defg', { fin: false, mask: 0x01020304 }),
      frame(10, ''),
      frame(0, 'h'),
      frame(1, ''),
    )
    assert.equal(observer.messages, 3)
    assert.equal(observer.textMessages, 2)
    assert.equal(observer.binaryMessages, 1)
    assert.equal(observer.frames, 7)
    assert.equal(observer.pings, 1)
    assert.equal(observer.pongs, 1)
    assert.equal(observer.payloadBytes, 13)
    assert.equal(observer.largestMessage, 8)
    assert.equal(observer.invalid, false)
    assert.equal(observer.atMessageBoundary, true)
  })

  it('knows 16- and 64-bit lengths, cut anywhere', () => {
    const bytes = Buffer.concat([
      frame(2, Buffer.alloc(126), { mask: 7 }),
      frame(2, Buffer.alloc(70_000)),
      frame(1, 'end', { mask: 9 }),
    ])
    for (const size of [1, 2, 3, 7, 13, 1000, 65_536]) {
      const parts: Buffer[] = []
      for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size))
      const observer = observe(...parts)
      assert.deepEqual(
        [observer.messages, observer.payloadBytes, observer.largestMessage],
        [3, 70_129, 70_000],
        `parts of ${size}`,
      )
      assert.equal(observer.atMessageBoundary, true)
    }
  })

  it('knows where a message is under way', () => {
    assert.equal(observe(frame(1, 'x', { fin: false })).atMessageBoundary, false)
    assert.equal(observe(frame(1, 'xyz').subarray(0, 4)).atMessageBoundary, false)
    assert.equal(observe(frame(1, 'xyz').subarray(0, 1)).atMessageBoundary, false)
    assert.equal(observe().atMessageBoundary, true)
  })

  it('keeps code and reason of the Close frame, masked or not', () => {
    const payload = Buffer.concat([Buffer.from([0x0f, 0xa1]), Buffer.from('grüße')])
    for (const mask of [0, 0xdeadbeef]) {
      const bytes = frame(8, payload, { mask })
      const observer = observe(...Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)))
      assert.equal(observer.closeSeen, true)
      assert.equal(observer.closeCode, 4001)
      assert.equal(observer.closeReason, 'grüße')
      assert.equal(observer.atMessageBoundary, false)
    }
    const bare = observe(frame(8, ''))
    assert.deepEqual([bare.closeSeen, bare.closeCode, bare.closeReason], [true, undefined, ''])
  })

  it('lets extension bits pass', () => {
    const bytes = frame(1, 'deflated')
    bytes[0] = 0xc1
    assert.deepEqual([observe(bytes).messages, observe(bytes).invalid], [1, false])
  })

  const bad: Record<string, Buffer[]> = {
    'an unknown opcode': [frame(3, 'x')],
    'an unknown control opcode': [frame(11, 'x')],
    'a fragmented ping': [frame(9, 'x', { fin: false })],
    'a ping over 125 bytes': [frame(9, Buffer.alloc(126))],
    'a Close frame of one byte': [frame(8, 'x')],
    'a continuation of nothing': [frame(0, 'x')],
    'a message within a message': [frame(1, 'x', { fin: false }), frame(1, 'y')],
    'a frame after Close': [frame(8, ''), frame(1, 'x')],
    'a length with the highest bit': [Buffer.from([0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0])],
    'a length that cannot be counted': [Buffer.from([0x82, 127, 0, 0x20, 0, 0, 0, 0, 0, 0])],
  }
  for (const [title, parts] of Object.entries(bad)) {
    it(`stops at ${title}`, () => {
      const observer = observe(frame(1, 'fine'), ...parts, frame(1, 'later'))
      assert.equal(observer.invalid, true)
      assert.equal(observer.textMessages, 1)
    })
  }

  it('agrees with independent peers through a tunnel, compressed and not', async () => {
    for (const perMessageDeflate of [false, { threshold: 0 }]) {
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate })
      await once(server, 'listening')
      server.on('connection', (socket) => {
        socket.on('message', (data, isBinary) => {
          socket.send(data, { binary: isBinary })
          socket.ping()
          if (data instanceof Buffer && data.toString() === 'close me') socket.close(4002, 'as you wish')
        })
      })
      const [up, down] = [new FrameObserver(), new FrameObserver()]
      const summary = Promise.withResolvers<TunnelSummary>()
      const front = await listen(server, headSkipper(up), headSkipper(down), summary.resolve)
      const client = new WebSocket(`ws://127.0.0.1:${front.address.port}/`, { perMessageDeflate })
      await once(client, 'open')
      client.send('hi')
      client.send(Buffer.alloc(200_000, 'z'))
      client.send('first ', { fin: false })
      client.send('second')
      client.send('close me')
      const [code, reason] = await once(client, 'close')
      assert.deepEqual([code, String(reason)], [4002, 'as you wish'])
      await summary.promise
      assert.deepEqual([up.messages, up.textMessages, up.binaryMessages, up.invalid], [4, 3, 1, false])
      assert.deepEqual([down.messages, down.pings, down.closeCode, down.closeReason], [4, 4, 4002, 'as you wish'])
      assert.equal(up.pongs <= 4, true)
      if (perMessageDeflate === false) assert.equal(up.largestMessage, 200_000)
      await new Promise<void>((resolve) => front.close(resolve))
      await new Promise<void>((resolve) => server.close(() => resolve()))
    }
  })
})

/** Feeds an observer what follows the HTTP head. */
function headSkipper(observer: FrameObserver): (buffer: Buffer, start: number, end: number) => void {
  let head = ''
  return (buffer, start, end) => {
    if (head.endsWith('\r\n\r\n')) return observer.observe(buffer, start, end)
    const text = head + buffer.toString('latin1', start, end)
    const cut = text.indexOf('\r\n\r\n') + 4
    assert.ok(cut >= 4)
    const skipped = cut - head.length
    head = text.slice(0, cut)
    observer.observe(buffer, start + skipped, end)
  }
}

type Watch = (buffer: Buffer, start: number, end: number) => void

async function listen(server: WebSocketServer, up: Watch, down: Watch, onEnd: (summary: TunnelSummary) => void) {
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const wheel = new TimerWheel(systemClock)
  return listenTcp(
    { host: '127.0.0.1', port: 0 },
    {
      onAccept(downstream) {
        dialTcp(
          { host: '127.0.0.1', port: address.port, clock: systemClock, connectTimeoutMs: 1000 },
          {
            onConnect(upstream) {
              const watching = { observeDownstream: up, observeUpstream: down }
              bridge(downstream, upstream, { wheel, clock: systemClock, idleMs: 0, onEnd, ...watching })
            },
            onConnectError: (cause) => assert.fail(cause.detail),
          },
        )
      },
      onAcceptError: (error) => assert.fail(error),
    },
  )
}
