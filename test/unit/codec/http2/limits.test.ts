// Windows, stream states, flood limits and the memory of resets: the arithmetic, without a connection.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ByteQueue } from '../../../../src/codec/http2/byte-queue.ts'
import { ClosedStreams } from '../../../../src/codec/http2/closed-streams.ts'
import { FloodGuard } from '../../../../src/codec/http2/flood-guard.ts'
import { grownWindow, ReceiveWindow, WINDOW_OVERFLOW } from '../../../../src/codec/http2/flow-control.ts'
import { HeaderBlock } from '../../../../src/codec/http2/header-block.ts'
import { type Http2Options, http2Options } from '../../../../src/codec/http2/options.ts'
import { PeerSettings } from '../../../../src/codec/http2/settings.ts'
import {
  afterLocalEnd,
  afterRemoteEnd,
  localOpen,
  remoteOpen,
  type StreamState,
} from '../../../../src/codec/http2/stream-state.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

describe('windows (RFC 9113 §5.2, §6.9)', () => {
  test('a send window grows to 2^31-1 and not beyond, also from below zero', () => {
    assert.equal(grownWindow(0, 0x7fff_ffff), 0x7fff_ffff)
    assert.equal(grownWindow(1, 0x7fff_ffff), WINDOW_OVERFLOW)
    assert.equal(grownWindow(-100, 0x7fff_ffff), 0x7fff_ffff - 100)
    assert.equal(grownWindow(10, -20), -10)
  })

  test('a receive window is given back by halves, and never more than was used', () => {
    const window = new ReceiveWindow(100)
    assert.equal(window.take(60), true)
    window.use(49)
    assert.equal(window.increment(), 0)
    window.use(1)
    assert.equal(window.increment(), 50)
    assert.equal(window.left, 90)
    assert.equal(window.increment(), 0)
    assert.equal(window.take(90), true)
    assert.equal(window.take(1), false)
  })

  test('what the peer may send at first can be more than the size', () => {
    const window = new ReceiveWindow(10, 65_535)
    assert.equal(window.take(65_535), true)
    assert.equal(window.take(1), false)
  })
})

test('stream states (RFC 9113 §5.1)', () => {
  const table: Readonly<Record<StreamState, readonly [StreamState, StreamState, boolean, boolean]>> = {
    open: ['halfClosedLocal', 'halfClosedRemote', true, true],
    halfClosedLocal: ['halfClosedLocal', 'closed', false, true],
    halfClosedRemote: ['closed', 'halfClosedRemote', true, false],
    closed: ['closed', 'closed', false, false],
  }
  for (const state of ['open', 'halfClosedLocal', 'halfClosedRemote', 'closed'] as const) {
    assert.deepEqual(
      [afterLocalEnd(state), afterRemoteEnd(state), localOpen(state), remoteOpen(state)],
      table[state],
      state,
    )
  }
})

describe('the flood guard', () => {
  const guarded = (given: Partial<Http2Options>): { guard: FloodGuard; clock: ManualClock; options: Http2Options } => {
    const clock = new ManualClock()
    const options = http2Options({ clock, ...given })
    return { guard: new FloodGuard(options), clock, options }
  }
  const allowed = (most: number, check: () => boolean): number => {
    let count = 0
    while (count < most && check()) count++
    return count
  }

  test('empty frames in a row, which anything else interrupts', () => {
    const { guard, options } = guarded({ maxConsecutiveInboundFramesWithEmptyPayload: 2 })
    assert.equal(
      allowed(100, () => guard.messageFrame(true)),
      2,
    )
    guard.messageFrame(false)
    assert.equal(
      allowed(100, () => guard.messageFrame(true)),
      2,
    )
    assert.equal(options.stats.inbound_empty_frames_flood, 2)
  })

  test('PRIORITY frames per stream', () => {
    const { guard, options } = guarded({ maxInboundPriorityFramesPerStream: 3 })
    guard.streamOpened()
    assert.equal(
      allowed(100, () => guard.priorityFrame()),
      6,
    )
    assert.equal(options.stats.inbound_priority_frames_flood, 1)
  })

  test('WINDOW_UPDATE frames per stream and DATA frame', () => {
    const { guard, options } = guarded({ maxInboundWindowUpdateFramesPerDataFrameSent: 1 })
    assert.equal(
      allowed(100, () => guard.windowUpdateFrame()),
      5,
    )
    guard.streamOpened()
    guard.dataFrameSent()
    assert.equal(
      allowed(100, () => guard.windowUpdateFrame()),
      3,
      '5 + 2 × (1 + 1), less the 6 before',
    )
    assert.equal(options.stats.inbound_window_update_frames_flood, 2)
  })

  test('control frames within a second', () => {
    const { guard, clock } = guarded({ maxInboundControlFramesPerSecond: 10 })
    assert.equal(
      allowed(100, () => guard.controlFrame()),
      10,
    )
    clock.advance(1000)
    assert.equal(
      allowed(100, () => guard.controlFrame()),
      10,
    )
  })

  test('young resets, once the count is reached by half of all streams', () => {
    const { guard, options } = guarded({ prematureResetStreamCount: 10 })
    assert.equal(
      allowed(100, () => guard.streamEnded(true)),
      4,
    )
    assert.equal(options.stats.premature_resets_flood, 1)
    const good = guarded({ prematureResetStreamCount: 10 }).guard
    for (let i = 0; i < 100; i++) good.streamEnded(false)
    assert.equal(
      allowed(1000, () => good.streamEnded(true)),
      99,
    )
    const unlimited = guarded({ prematureResetStreamCount: 0 }).guard
    assert.equal(
      allowed(1000, () => unlimited.streamEnded(true)),
      1000,
    )
  })
})

describe('the memory of resets', () => {
  test('is bounded, and forgetful in favour of the peer', () => {
    const closed = new ClosedStreams()
    for (let id = 1; id < 10_001; id += 2) closed.remember(id, 'resetByPeer')
    assert.equal(closed.howEnded(9_999), 'resetByPeer')
    assert.equal(closed.howEnded(1), 'resetByUs')
    assert.equal(closed.howEnded(10_001), 'ended')
  })

  test('takes nothing from resets of streams it does not remember', () => {
    const closed = new ClosedStreams()
    for (let id = 1; id < 100_001; id += 2) closed.peerDone(id, 'reset')
    assert.equal(closed.howEnded(1), 'ended')
    assert.equal(closed.howEnded(99_999), 'ended')
  })

  test('ends when the peer ended its side', () => {
    const closed = new ClosedStreams()
    closed.remember(1, 'resetByUs')
    closed.peerDone(1, 'ended')
    assert.equal(closed.howEnded(1), 'ended')
    closed.remember(3, 'resetByUs')
    closed.peerDone(3, 'reset')
    assert.equal(closed.howEnded(3), 'resetByPeer')
  })
})

describe('a header block in pieces', () => {
  test('is bounded in bytes and in pieces', () => {
    const options = http2Options()
    const block = new HeaderBlock(options)
    block.begin(1, true)
    let bytes = 0
    while (block.add(Buffer.alloc(4096), 0, 4096)) bytes += 4096
    assert.ok(bytes >= options.maxHeaderListBytes && bytes <= 2 * options.maxHeaderListBytes)
    block.begin(3, true)
    let pieces = 0
    while (block.add(Buffer.alloc(1), 0, 1)) pieces++
    assert.ok(pieces >= 8 && pieces < 32, String(pieces))
    block.clear()
    assert.equal(block.bytes.length, 0)
  })
})

test('settings remember the smallest table of a frame (RFC 7541 §4.2)', () => {
  const peer = new PeerSettings('server')
  const bytes = Buffer.from('000100000000000100001000', 'hex')
  assert.equal(peer.read(bytes, 0, bytes.length), undefined)
  assert.deepEqual([peer.smallestTableSize, peer.headerTableSize], [0, 4096])
  assert.equal(peer.read(bytes, 0, 0), undefined)
  assert.equal(peer.smallestTableSize, 4096)
})

test('sizes are clamped to what the RFC allows', () => {
  const options = http2Options({
    maxFrameSize: 1,
    initialStreamWindowSize: 2 ** 40,
    initialConnectionWindowSize: 2 ** 40,
  })
  assert.deepEqual(
    [options.maxFrameSize, options.initialStreamWindowSize, options.initialConnectionWindowSize],
    [16_384, 0x7fff_ffff, 0x7fff_ffff],
  )
})

test('a byte queue gives back what went in, in order, and keeps slices valid', () => {
  const queue = new ByteQueue()
  const sent: Buffer[] = []
  const taken: Buffer[] = []
  for (let i = 0; i < 500; i++) {
    const chunk = Buffer.alloc((i * 977) % 9000, i)
    sent.push(Buffer.from(chunk))
    queue.push(chunk, 0, chunk.length)
    chunk.fill(0xdd)
    while (queue.bytes > 20_000) {
      const count = Math.min(3000, queue.frontEnd - queue.frontStart)
      taken.push(queue.front.subarray(queue.frontStart, queue.frontStart + count))
      queue.drop(count)
    }
  }
  while (queue.bytes > 0) {
    taken.push(queue.front.subarray(queue.frontStart, queue.frontEnd))
    queue.drop(queue.frontEnd - queue.frontStart)
  }
  assert.ok(Buffer.concat(taken).equals(Buffer.concat(sent)))
})
