import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CloseCause, closeCause } from '../../../src/core/close-cause.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { TimerWheel, WHEEL_TICK_MS } from '../../../src/core/timer-wheel.ts'
import { PAUSE } from '../../../src/transport/byte-stream.ts'
import { memoryPair } from '../../../src/transport/memory.ts'
import {
  type BridgeOptions,
  HALF_CLOSED_IDLE_MS,
  type Tunnel,
  type TunnelSummary,
  bridge,
} from '../../../src/tunnel/bridge.ts'
import { Recorder, turns, until } from '../../conformance/byte-stream.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { ScriptedStream } from '../../support/scripted-stream.ts'
import { pipePair, tcpPair } from '../transport/socket-pairs.ts'

const KILL = closeCause('operator', 'server', 'admin_close', 'test')

interface Story {
  readonly client: Recorder
  readonly origin: Recorder
  readonly tunnel: Tunnel
  readonly ends: TunnelSummary[]
  readonly clock: ManualClock
  readonly wheel: TimerWheel
}

type Pair = { accepted: Recorder['stream']; dialled: Recorder['stream']; dispose?: () => unknown }

/** client → (tunnel) → origin. */
async function tell(
  makePair: () => Pair | Promise<Pair>,
  more: Partial<BridgeOptions>,
  story: (told: Story) => Promise<void>,
): Promise<void> {
  const [left, right] = [await makePair(), await makePair()]
  const clock = new ManualClock()
  const wheel = new TimerWheel(clock)
  const ends: TunnelSummary[] = []
  const client = new Recorder(left.dialled)
  const origin = new Recorder(right.accepted)
  const tunnel = bridge(left.accepted, right.dialled, {
    wheel,
    clock,
    idleMs: 60_000,
    onEnd: (summary) => ends.push(summary),
    ...more,
  })
  try {
    await story({ client, origin, tunnel, ends, clock, wheel })
    for (const stream of [left.dialled, right.accepted]) stream.reset(KILL)
    await until(() => ends.length > 0 && client.cause !== undefined && origin.cause !== undefined, 'the end')
    await turns(5)
    assert.equal(ends.length, 1, 'the end is told once')
    assert.equal(wheel.size, 0, 'no deadline is left')
    assert.deepEqual(tunnel.cause, ends[0]?.cause)
  } finally {
    for (const stream of [left.accepted, left.dialled, right.accepted, right.dialled]) stream.reset(KILL)
    await left.dispose?.()
    await right.dispose?.()
  }
}

const carriers: Record<string, () => Pair | Promise<Pair>> = {
  memory: () => memoryPair(),
  tcp: () => tcpPair(),
  pipe: () => pipePair(),
}

for (const [name, makePair] of Object.entries(carriers)) {
  describe(`tunnel over ${name}`, () => {
    const run =
      (story: (told: Story) => Promise<void>, more: Partial<BridgeOptions> = {}) =>
      () =>
        tell(makePair, more, story)

    it(
      'carries bytes both ways and counts them',
      run(async ({ client, origin, tunnel }) => {
        client.stream.writeLatin1('question')
        await until(() => origin.text === 'question', 'the question')
        origin.stream.writeLatin1('answer!')
        await until(() => client.text === 'answer!', 'the answer')
        assert.equal(tunnel.bytesFromDownstream, 8)
        assert.equal(tunnel.bytesFromUpstream, 7)
        assert.equal(tunnel.cause, undefined)
      }),
    )

    for (const first of ['client', 'upstream'] as const) {
      it(
        `a half-close by the ${first} leaves the other direction open, and the end names who began`,
        run(async (told) => {
          const [one, two] = first === 'client' ? [told.client, told.origin] : [told.origin, told.client]
          one.stream.writeLatin1('all I had')
          one.stream.endWriting()
          await until(() => two.ended, 'the end')
          assert.equal(two.text, 'all I had')
          await turns(10)
          assert.equal(told.ends.length, 0)
          two.stream.writeLatin1('and this')
          await until(() => one.text === 'and this', 'the other direction')
          two.stream.endWriting()
          await until(() => told.ends.length === 1, 'the tunnel ends')
          assert.deepEqual(told.ends[0]?.cause, closeCause(first, 'tunnel', 'finished'))
          assert.equal(told.ends[0]?.bytesFromDownstream, first === 'client' ? 9 : 8)
          await until(() => one.cause !== undefined && two.cause !== undefined, 'both peers')
          assert.equal(one.cause?.code, 'finished')
          assert.equal(two.cause?.code, 'finished')
        }),
      )
    }

    it(
      'the close policy turns a half-close into a whole one',
      run(
        async ({ client, origin, ends }) => {
          client.stream.writeLatin1('bye')
          client.stream.endWriting()
          await until(() => origin.ended && client.ended, 'both ended')
          assert.equal(origin.text, 'bye')
          origin.stream.endWriting()
          await until(() => ends.length === 1, 'the end')
          assert.deepEqual(ends[0]?.cause, closeCause('client', 'tunnel', 'end_of_stream'))
        },
        { onDownstreamEnd: 'close' },
      ),
    )

    if (name !== 'pipe') {
      for (const [who, by, code] of [
        ['client', 'client', 'client_disconnect'],
        ['origin', 'upstream', 'upstream_closed'],
      ] as const) {
        it(
          `a reset by the ${who} resets the other side with the same cause`,
          run(async (told) => {
            told.client.stream.writeLatin1('x')
            await until(() => told.origin.bytes === 1, 'open')
            told[who].stream.reset(KILL)
            await until(() => told.ends.length === 1, 'the end')
            assert.equal(told.ends[0]?.cause.by, by)
            assert.equal(told.ends[0]?.cause.code, code)
            assert.equal(told.ends[0]?.cause.layer, 'tcp')
            const other = who === 'client' ? told.origin : told.client
            await until(() => other.cause !== undefined, 'the other side')
            assert.equal(other.ended, false, 'a reset is no end')
            assert.match(other.cause?.detail ?? '', /reset/)
          }),
        )
      }
    }

    it(
      'a slow reader holds the fast writer back, within the buffer limit',
      run(async ({ client, origin, tunnel }) => {
        const limit = 128 * 1024
        tunnel.downstream.setHighWater(limit)
        client.stream.pauseReading(PAUSE.filter)
        const block = Buffer.alloc(64 * 1024)
        let sent = 0
        let most = 0
        for (let quiet = 0; quiet < 30;) {
          if (origin.stream.queuedBytes === 0) {
            origin.stream.write(block, 0, block.length)
            sent += block.length
            quiet = 0
          } else quiet++
          most = Math.max(most, tunnel.queuedBytes().toClient)
          await turns(1)
        }
        assert.ok(most <= limit + block.length, `queued ${most}`)
        client.stream.resumeReading(PAUSE.filter)
        await until(() => client.bytes === sent, 'everything arrives')
      }),
    )

    it(
      'an operator closes it: what is queued still arrives',
      run(async ({ client, origin, tunnel, ends }) => {
        origin.stream.write(Buffer.alloc(200_000), 0, 200_000)
        await until(() => tunnel.bytesFromUpstream === 200_000, 'taken')
        tunnel.close(KILL)
        tunnel.close(closeCause('proxy', 'tunnel', 'internal'))
        await until(() => client.ended && client.bytes === 200_000, 'all bytes, then the end')
        client.stream.endWriting()
        origin.stream.endWriting()
        await until(() => ends.length === 1, 'the end')
        assert.deepEqual(ends[0]?.cause, KILL)
      }),
    )

    it(
      'observers see every byte of their direction',
      run(
        async ({ client, origin }) => {
          client.stream.writeLatin1('up')
          origin.stream.writeLatin1('down')
          await until(() => seen.up === 'up' && seen.down === 'down', 'both')
        },
        {
          observeDownstream: (buffer, start, end) => (seen.up += buffer.toString('latin1', start, end)),
          observeUpstream: (buffer, start, end) => (seen.down += buffer.toString('latin1', start, end)),
        },
      ),
    )
    const seen = { up: '', down: '' }
  })
}

describe('tunnel deadlines', () => {
  const run = (more: Partial<BridgeOptions>, story: (told: Story) => Promise<void>) => () =>
    tell(() => memoryPair(), more, story)

  /** Moves time in steps as a timer would. */
  const pass = (clock: ManualClock, ms: number): void => {
    for (let left = ms; left > 0; left -= WHEEL_TICK_MS) clock.advance(Math.min(left, WHEEL_TICK_MS))
  }

  it(
    'closes an idle tunnel, not one that moves',
    run({ idleMs: 10_000 }, async ({ client, origin, clock, ends }) => {
      for (let i = 1; i <= 5; i++) {
        pass(clock, 9_000)
        client.stream.writeLatin1('.')
        await until(() => origin.bytes === i, 'a byte')
      }
      assert.equal(ends.length, 0)
      pass(clock, 10_000 + 3 * WHEEL_TICK_MS)
      await until(() => ends.length === 1, 'idle')
      assert.equal(ends[0]?.cause.code, 'stream_idle_timeout')
      assert.equal(ends[0]?.cause.by, 'proxy')
    }),
  )

  it(
    'ends a half-closed tunnel that nobody uses, also without an idle limit',
    run({ idleMs: 0 }, async ({ client, origin, clock, tunnel, ends }) => {
      client.stream.endWriting()
      await until(() => origin.ended, 'the half-close')
      clock.advance(HALF_CLOSED_IDLE_MS - 60_000)
      origin.stream.writeLatin1('still here')
      await until(() => client.text === 'still here', 'bytes of the open half')
      clock.advance(HALF_CLOSED_IDLE_MS - 60_000)
      await turns(5)
      assert.equal(tunnel.cause, undefined)
      clock.advance(120_000)
      await until(() => ends.length === 1, 'the end')
      assert.match(ends[0]?.cause.detail ?? '', /one side had ended/)
    }),
  )

  it(
    'never closes without an idle limit, and still knows the last activity',
    run({ idleMs: 0 }, async ({ client, origin, clock, tunnel, ends }) => {
      pass(clock, 3600_000)
      client.stream.writeLatin1('.')
      await until(() => origin.bytes === 1, 'a byte')
      assert.ok(clock.now() - tunnel.lastActivityMs <= WHEEL_TICK_MS)
      assert.equal(ends.length, 0)
    }),
  )

  it(
    'closes at its maximum duration although bytes flow',
    run({ maxDurationMs: 5_000 }, async ({ client, origin, clock, ends }) => {
      for (let i = 1; i <= 4; i++) {
        pass(clock, 1_000)
        client.stream.writeLatin1('.')
        await until(() => origin.bytes === i, 'a byte')
      }
      pass(clock, 2_000)
      await until(() => ends.length === 1, 'the end')
      assert.equal(ends[0]?.cause.code, 'max_stream_duration')
      assert.equal(Math.round((ends[0]?.durationMs ?? 0) / 1000), 6)
    }),
  )

  it(
    'resets a peer that takes nothing when the grace is over',
    run({ closeGraceMs: 2_000 }, async ({ client, origin, tunnel, clock, ends }) => {
      client.stream.pauseReading(PAUSE.filter)
      origin.stream.write(Buffer.alloc(100_000), 0, 100_000)
      await until(() => tunnel.bytesFromUpstream === 100_000, 'taken')
      tunnel.close(KILL)
      await turns(20)
      assert.equal(ends.length, 0)
      pass(clock, 2_000 + 3 * WHEEL_TICK_MS)
      await until(() => ends.length === 1, 'the end')
      assert.deepEqual(ends[0]?.cause, KILL)
      client.stream.resumeReading(PAUSE.filter)
      await until(() => client.cause !== undefined, 'reset')
    }),
  )
})

describe('the last bytes of a tunnel', () => {
  const scripted = (more: Partial<BridgeOptions> = {}) => {
    const [client, origin] = [new ScriptedStream(), new ScriptedStream()]
    const clock = new ManualClock()
    const ends: TunnelSummary[] = []
    const options = { wheel: new TimerWheel(clock), clock, idleMs: 0, closeGraceMs: 1_000, lastBytesMs: 1_000, ...more }
    bridge(client, origin, { ...options, onEnd: (summary) => ends.push(summary) })
    return { client, origin, ends, pass: (ms: number) => clock.advance(ms + 2 * WHEEL_TICK_MS) }
  }
  const RESET = closeCause('upstream', 'tcp', 'upstream_closed', 'connection reset by peer')

  it('an upstream that ends and is then reset does not destroy what the client has not read', () => {
    const { client, origin } = scripted()
    origin.feed('all of it')
    client.queuedBytes = 9
    origin.feedEnd()
    origin.die(RESET)
    assert.equal(client.written, 'all of it')
    assert.equal(client.end, 'close')
  })

  it('a client that ends and is then reset has given up: the upstream is reset', () => {
    const { client, origin } = scripted()
    client.feedEnd()
    client.die()
    assert.equal(origin.end, 'reset')
  })

  it('an upstream that is reset without an end resets the client', () => {
    const { client, origin } = scripted()
    origin.feed('half')
    origin.die(RESET)
    assert.equal(client.end, 'reset')
  })

  it('a slow reader gets more grace as long as it takes something, then none', () => {
    const { client, origin, ends, pass } = scripted()
    client.queuedBytes = 1000
    client.feedEnd()
    origin.feedEnd()
    for (const left of [700, 400, 100]) {
      client.queuedBytes = left
      pass(1_000)
      assert.equal(client.end, undefined, `with ${left} left`)
    }
    pass(1_000)
    assert.equal(client.end, 'reset')
    assert.equal(ends.length, 1)
  })

  it('a slow reader has longer than whoever closes the tunnel gives it, who may still come', () => {
    const { client, origin, ends, pass } = scripted({ lastBytesMs: 60_000, maxDurationMs: 100_000 })
    client.queuedBytes = 1000
    client.feedEnd()
    origin.feedEnd()
    pass(59_000)
    client.queuedBytes = 900
    pass(40_000)
    assert.equal(client.end, undefined)
    pass(2_000)
    assert.equal(client.end, 'close')
    pass(1_000)
    assert.equal(ends[0]?.cause.code, 'max_stream_duration')
  })

  it('whoever closes the tunnel waits for the grace only', () => {
    const { client, ends, pass } = scripted({ maxDurationMs: 5_000 })
    client.queuedBytes = 1000
    pass(5_000)
    assert.equal(client.end, 'close')
    client.queuedBytes = 500
    pass(1_000)
    assert.equal(ends.length, 1)
  })
})

describe('tunnel beginnings', () => {
  const options = (ends: TunnelSummary[]): BridgeOptions => {
    const wheel = new TimerWheel(systemClock)
    return { wheel, clock: systemClock, idleMs: 1000, closeGraceMs: 300, onEnd: (summary) => ends.push(summary) }
  }

  it('ends with the cause of a stream that was gone before', async () => {
    const [left, right] = [memoryPair(), memoryPair()]
    const origin = new Recorder(right.accepted)
    left.accepted.setSink(new Recorder(left.accepted))
    const gone: CloseCause = closeCause('client', 'tcp', 'client_disconnect', 'before')
    left.accepted.reset(gone)
    await turns(3)
    const ends: TunnelSummary[] = []
    bridge(left.accepted, right.dialled, options(ends))
    await until(() => ends.length === 1 && origin.cause !== undefined, 'the end')
    assert.deepEqual(ends[0]?.cause, gone)
  })

  it('passes on an end that came before', async () => {
    const [left, right] = [memoryPair(), memoryPair()]
    const client = new Recorder(left.dialled)
    const origin = new Recorder(right.accepted)
    const earlier = new Recorder(left.accepted)
    client.stream.endWriting()
    await until(() => earlier.ended, 'the early end')
    const ends: TunnelSummary[] = []
    bridge(left.accepted, right.dialled, options(ends))
    await until(() => origin.ended, 'passed on')
    origin.stream.endWriting()
    await until(() => ends.length === 1, 'the end')
    assert.equal(ends[0]?.cause.code, 'finished')
  })

  it('lifts the notReady pause', async () => {
    const [left, right] = [memoryPair(), memoryPair()]
    const client = new Recorder(left.dialled)
    const origin = new Recorder(right.accepted)
    left.accepted.pauseReading(PAUSE.notReady)
    client.stream.writeLatin1('early')
    const ends: TunnelSummary[] = []
    const tunnel = bridge(left.accepted, right.dialled, options(ends))
    await until(() => origin.text === 'early', 'the bytes')
    tunnel.reset(KILL)
    await until(() => ends.length === 1, 'the end')
    assert.deepEqual(ends[0]?.cause, KILL)
  })
})
