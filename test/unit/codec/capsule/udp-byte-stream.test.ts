// A UDP socket as a stream of capsules: what is dropped when nobody can take it, and how it ends.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openUdpStream, type UdpByteStream } from '../../../../src/codec/capsule/udp-byte-stream.ts'
import type { CloseCause } from '../../../../src/core/close-cause.ts'
import { closeCause } from '../../../../src/core/close-cause.ts'
import { UDP_LINGER_MS } from '../../../../src/core/limits.ts'
import { TimerWheel } from '../../../../src/core/timer-wheel.ts'
import { PAUSE } from '../../../../src/transport/byte-stream.ts'
import { datagram, takeDatagrams } from '../../../support/capsules.ts'
import { nothingLeft } from '../../../support/leaks.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { startUdpEcho, type UdpEcho } from '../../../support/udp-peers.ts'
import { until } from '../../../support/waiting.ts'

after(nothingLeft)

interface Opened {
  readonly stream: UdpByteStream
  readonly clock: ManualClock
  readonly heard: { bytes: Buffer; ended: boolean; closed: CloseCause | undefined }
  readonly counts: { sent: number; received: number; lost: number }
}

async function opened(echo: UdpEcho): Promise<Opened> {
  const clock = new ManualClock()
  const counts = { sent: 0, received: 0, lost: 0 }
  const traffic = {
    onSent: () => void counts.sent++,
    onSendError: () => undefined,
    onReceived(_bytes: number, dropped: boolean) {
      counts.received++
      if (dropped) counts.lost++
    },
    onReceiveError: () => undefined,
  }
  const stream = await new Promise<UdpByteStream>((resolve, reject) => {
    openUdpStream({ host: '127.0.0.1', port: echo.port }, new TimerWheel(clock), traffic, {
      onOpened: resolve,
      onOpenFailed: ({ detail }) => reject(new Error(detail)),
    })
  })
  const heard: Opened['heard'] = { bytes: Buffer.alloc(0), ended: false, closed: undefined }
  stream.setSink({
    onData: (buffer, start, end) => (heard.bytes = Buffer.concat([heard.bytes, buffer.subarray(start, end)])),
    onEnd: () => (heard.ended = true),
    onDrain: () => undefined,
    onClose: (cause) => (heard.closed = cause),
  })
  return { stream, clock, heard, counts }
}

function write(stream: UdpByteStream, bytes: Buffer): void {
  assert.equal(stream.write(bytes, 0, bytes.length), true, 'a writer never waits')
}

test('datagrams that come while the reader is slow are lost and counted, not kept', async () => {
  const echo = await startUdpEcho()
  const { stream, heard, counts } = await opened(echo)
  stream.pauseReading(PAUSE.peerSlow)
  write(stream, datagram(Buffer.from('lost')))
  await until(() => counts.lost === 1 || undefined, { what: 'the loss' })
  stream.resumeReading(PAUSE.peerSlow)
  write(stream, datagram(Buffer.from('kept')))
  await until(() => heard.bytes.length > 0 || undefined, { what: 'the answer' })
  assert.deepEqual(takeDatagrams(heard.bytes).payloads.map(String), ['kept'])
  assert.deepEqual(counts, { sent: 2, received: 2, lost: 1 })
  stream.reset(closeCause('client', 'tunnel', 'client_reset'))
  await echo.stop()
})

test("after the client's end it lives on while answers come, and then ends in order", async () => {
  const echo = await startUdpEcho()
  const { stream, clock, heard } = await opened(echo)
  write(stream, datagram(Buffer.from('first')))
  await until(() => heard.bytes.length > 0 || undefined, { what: 'the answer' })
  stream.endWriting()
  clock.advance(UDP_LINGER_MS - 1000)
  assert.equal(stream.closed, undefined)
  echo.send(Buffer.from('late'), stream.info.local.port)
  await until(() => takeDatagrams(heard.bytes).payloads.length === 2 || undefined, { what: 'the late answer' })
  clock.advance(UDP_LINGER_MS - 1000)
  assert.equal(heard.ended, false)
  clock.advance(3000)
  assert.equal(heard.ended, true)
  await until(() => heard.closed, { what: 'the close' })
  assert.equal(heard.closed?.code, 'finished')
  await echo.stop()
})

test('malformed capsules close it, whatever was in front of them is sent', async () => {
  const echo = await startUdpEcho()
  const { stream, heard } = await opened(echo)
  write(stream, Buffer.concat([datagram(Buffer.from('good')), Buffer.from([0, 0])]))
  await until(() => heard.closed, { what: 'the close' })
  assert.equal(heard.closed?.code, 'capsule_malformed')
  assert.equal(heard.closed?.by, 'client')
  await echo.stop()
})

test('a stream that ends within a capsule is malformed', async () => {
  const echo = await startUdpEcho()
  const { stream } = await opened(echo)
  write(stream, Buffer.from([0x00, 0x05, 0x00, 0x61]))
  stream.endWriting()
  assert.equal(stream.closed?.code, 'capsule_malformed')
  await echo.stop()
})

test('one that is given up before it is connected leaves nothing', async () => {
  const echo = await startUdpEcho()
  const traffic = { onSent() {}, onSendError() {}, onReceived() {}, onReceiveError() {} }
  const cancel = openUdpStream({ host: '127.0.0.1', port: echo.port }, new TimerWheel(new ManualClock()), traffic, {
    onOpened: () => assert.fail('it was given up'),
    onOpenFailed: () => assert.fail('it was given up'),
  })
  cancel()
  await echo.stop()
})
