// What every ByteStream must do, whatever carries it. Each implementation's test calls this with a way to make a joined pair.

import assert from 'node:assert/strict'
import { createHash, type Hash } from 'node:crypto'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { closeCause, type CloseCause } from '../../src/core/close-cause.ts'
import type { ErrorCode } from '../../src/core/errors.ts'
import { READ_BUFFER_BYTES } from '../../src/core/limits.ts'
import { type ByteStream, type ByteStreamSink, PAUSE } from '../../src/transport/byte-stream.ts'

/** Two ends of one connection. To `accepted` the other is the client, to `dialled` the upstream. */
export interface StreamPair {
  readonly accepted: ByteStream
  readonly dialled: ByteStream
  /** Frees what carries the pair. Called when both are closed. */
  dispose(): Promise<void> | void
}

/** What an implementation cannot do by its nature. */
export interface StreamTraits {
  /** A reset reaches the peer as a reset, not as an end. True unless set. */
  readonly carriesReset?: boolean
  /** What the peer's reset is called, by the client and by the upstream. As on TCP unless set. */
  readonly resetCodes?: { readonly client: ErrorCode; readonly upstream: ErrorCode }
}

/** A sink that remembers everything. */
export class Recorder implements ByteStreamSink {
  readonly stream: ByteStream
  readonly events: string[] = []
  readonly digest: Hash = createHash('sha256')
  bytes = 0
  text = ''
  ended = false
  drains = 0
  cause: CloseCause | undefined
  onChunk: (() => void) | undefined
  onEnded: (() => void) | undefined
  onDrained: (() => void) | undefined

  constructor(stream: ByteStream) {
    this.stream = stream
    stream.setSink(this)
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.#check('data')
    assert.ok(end > start, 'a chunk is never empty')
    assert.equal(this.ended, false, 'data after the end')
    this.bytes += end - start
    this.digest.update(buffer.subarray(start, end))
    if (this.text.length < 4096) this.text += buffer.toString('latin1', start, end)
    if (this.events.at(-1) !== 'data') this.events.push('data')
    this.onChunk?.()
  }

  onEnd(): void {
    this.#check('end')
    assert.equal(this.ended, false, 'two ends')
    this.ended = true
    this.events.push('end')
    this.onEnded?.()
  }

  onDrain(): void {
    this.#check('drain')
    this.drains++
    this.events.push('drain')
    this.onDrained?.()
  }

  onClose(cause: CloseCause): void {
    this.#check('close')
    assert.deepEqual(this.stream.closed, cause)
    this.cause = cause
    this.events.push('close')
  }

  #check(event: string): void {
    assert.equal(this.cause, undefined, `${event} after close`)
  }
}

/** Lets the loop turn until `done`; fails with `what` after a while. */
export async function until(done: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!done()) {
    assert.ok(Date.now() < deadline, `did not happen: ${what}`)
    await nextTurn()
  }
}

/** Lets the loop turn `count` times, for things that must not happen. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await nextTurn()
}

const KILL = closeCause('operator', 'server', 'admin_close', 'test')

/** Declares the suite for one implementation. */
export function byteStreamConformance(
  name: string,
  makePair: () => Promise<StreamPair> | StreamPair,
  traits: StreamTraits = {},
): void {
  const { carriesReset = true, resetCodes = { client: 'client_disconnect', upstream: 'upstream_closed' } } = traits

  async function withPair(story: (a: Recorder, b: Recorder) => Promise<void>): Promise<void> {
    const pair = await makePair()
    const a = new Recorder(pair.accepted)
    const b = new Recorder(pair.dialled)
    try {
      await story(a, b)
    } finally {
      pair.accepted.reset(KILL)
      pair.dialled.reset(KILL)
      await until(() => a.cause !== undefined && b.cause !== undefined, 'both ends close')
      await turns(3)
      await pair.dispose()
    }
  }

  /** Runs a story from both ends. */
  function eachWay(
    title: string,
    story: (from: Recorder, to: Recorder, fromIs: 'accepted' | 'dialled') => Promise<void>,
  ): void {
    it(`${title} (accepted to dialled)`, () => withPair((a, b) => story(a, b, 'accepted')))
    it(`${title} (dialled to accepted)`, () => withPair((a, b) => story(b, a, 'dialled')))
  }

  describe(`byte stream: ${name}`, () => {
    eachWay('bytes arrive in order', async (from, to) => {
      for (let i = 0; i < 100; i++) from.stream.writeLatin1(`${i},`)
      await until(() => to.text.endsWith('99,'), 'all bytes')
      assert.equal(to.text, Array.from({ length: 100 }, (_, i) => `${i},`).join(''))
      assert.equal(to.bytes, to.stream.bytesRead)
      assert.equal(to.bytes, from.stream.bytesWritten)
    })

    eachWay('the writer may reuse its buffer at once', async (from, to) => {
      const buffer = Buffer.from('first')
      from.stream.write(buffer, 0, 5)
      buffer.write('XXXXX')
      from.stream.write(Buffer.from('..second..'), 2, 8)
      await until(() => to.bytes === 11, 'both')
      assert.equal(to.text, 'firstsecond')
    })

    eachWay('flush sends now and an empty write sends nothing', async (from, to) => {
      from.stream.write(Buffer.alloc(4), 2, 2)
      from.stream.writeLatin1('a')
      from.stream.flush()
      from.stream.flush()
      await until(() => to.text === 'a', 'the byte')
    })

    eachWay('a half-close ends one direction and leaves the other', async (from, to) => {
      from.stream.writeLatin1('last words')
      from.stream.endWriting()
      assert.notEqual(from.stream.writeStatus, 'open')
      await until(() => to.ended, 'the end')
      assert.equal(to.text, 'last words')
      assert.equal(to.stream.readStatus, 'ended')
      assert.equal(to.stream.closed, undefined)
      to.stream.writeLatin1('still here')
      await until(() => from.text === 'still here', 'the answer')
      assert.equal(from.stream.writeStatus, 'ended')
      assert.deepEqual(to.events, ['data', 'end'])
    })

    eachWay('when both directions ended the stream closes and says who began', async (from, to, fromIs) => {
      from.stream.endWriting()
      await until(() => to.ended, 'the end')
      to.stream.writeLatin1('goodbye')
      to.stream.endWriting()
      await until(() => from.cause !== undefined && to.cause !== undefined, 'both closed')
      assert.equal(from.text, 'goodbye')
      assert.deepEqual(from.events, ['data', 'end', 'close'])
      assert.equal(from.cause?.code, 'finished')
      assert.equal(from.cause?.by, 'proxy')
      assert.equal(to.cause?.code, 'finished')
      assert.equal(to.cause?.by, fromIs === 'accepted' ? 'upstream' : 'client')
    })

    eachWay('writes after endWriting, close and reset are ignored', async (from, to) => {
      from.stream.writeLatin1('a')
      from.stream.endWriting()
      assert.equal(from.stream.writeLatin1('b'), true)
      assert.equal(from.stream.write(Buffer.from('c'), 0, 1), true)
      from.stream.endWriting()
      await until(() => to.ended, 'the end')
      assert.equal(to.text, 'a')
      from.stream.reset(KILL)
      assert.equal(from.stream.writeLatin1('d'), true)
      from.stream.endWriting()
      from.stream.flush()
      assert.equal(from.stream.queuedBytes, 0)
    })

    eachWay('close sends what is queued, then closes with its cause', async (from, to) => {
      const big = Buffer.alloc(300_000, 'x')
      from.stream.write(big, 0, big.length)
      from.stream.close(KILL)
      assert.deepEqual(from.stream.closed, KILL)
      from.stream.close(closeCause('proxy', 'tcp', 'internal'))
      await until(() => to.bytes === big.length && to.ended, 'all bytes and the end')
      await until(() => from.cause !== undefined, 'closed')
      assert.deepEqual(from.cause, KILL)
      to.stream.endWriting()
      await until(() => to.cause !== undefined, 'the peer closed')
    })

    eachWay('close does not destroy the answer when the peer still sends', async (from, to) => {
      to.stream.write(Buffer.alloc(200_000), 0, 200_000)
      from.stream.writeLatin1('413')
      from.stream.close(KILL)
      await until(() => to.ended || to.cause !== undefined, 'an end')
      assert.equal(to.text, '413')
      // HTTP/2 says in the same breath that nobody reads on.
      assert.deepEqual(to.events.slice(0, 2), ['data', 'end'])
    })

    eachWay('a reset closes both ends, here with its cause, there as the act of the peer', async (from, to, fromIs) => {
      from.stream.reset(KILL)
      assert.equal(from.cause, undefined, 'onClose must not come within reset')
      assert.deepEqual(from.stream.closed, KILL)
      await until(() => from.cause !== undefined, 'closed here')
      assert.deepEqual(from.cause, KILL)
      assert.deepEqual(from.events, ['close'])
      if (carriesReset) {
        await until(() => to.cause !== undefined, 'closed there')
        assert.equal(to.cause?.by, fromIs === 'accepted' ? 'upstream' : 'client')
        assert.equal(to.cause?.code, fromIs === 'accepted' ? resetCodes.upstream : resetCodes.client)
        assert.deepEqual(to.events, ['close'])
      } else await until(() => to.cause !== undefined || to.ended, 'an end there')
    })

    eachWay('a reset drops what is queued and beats an unfinished close', async (from, to) => {
      to.stream.pauseReading(PAUSE.filter)
      const block = Buffer.alloc(1 << 20)
      while (from.stream.write(block, 0, block.length)) await nextTurn()
      from.stream.close(KILL)
      from.stream.reset(closeCause('proxy', 'tcp', 'delayed_close_timeout'))
      await until(() => from.cause !== undefined, 'closed')
      assert.deepEqual(from.cause, KILL)
      assert.equal(from.stream.queuedBytes, 0)
    })

    eachWay('a reset just behind the end of writing closes both ends', async (from, to) => {
      from.stream.endWriting()
      from.stream.flush()
      from.stream.reset(KILL)
      await until(() => from.cause !== undefined, 'closed here')
      assert.deepEqual(from.cause, KILL)
      await until(() => to.cause !== undefined || to.ended, 'an end there')
    })

    eachWay('a slow reader holds the writer at the high-water mark, and one drain follows', async (from, to) => {
      from.stream.setHighWater(256 * 1024)
      to.stream.pauseReading(PAUSE.peerSlow)
      const block = Buffer.alloc(READ_BUFFER_BYTES, 'b')
      let sent = 0
      let most = 0
      const pump = (): void => {
        for (;;) {
          sent += block.length
          const more = from.stream.write(block, 0, block.length)
          most = Math.max(most, from.stream.queuedBytes)
          if (!more || sent >= 32 * block.length * 16) return
        }
      }
      let stalled = 0
      while (stalled < 50) {
        const before = sent
        if (from.stream.queuedBytes <= 128 * 1024) pump()
        stalled = sent === before ? stalled + 1 : 0
        await nextTurn()
      }
      // TLS may turn what it queues into records, which are a little larger.
      assert.ok(most <= (256 * 1024 + READ_BUFFER_BYTES) * 1.01, `queued ${most}`)
      assert.ok(from.stream.queuedBytes > 128 * 1024)
      const drains = from.drains
      const queued = from.stream.queuedBytes
      await turns(20)
      assert.equal(from.stream.queuedBytes, queued, 'nothing moves while the reader waits')
      to.stream.resumeReading(PAUSE.peerSlow)
      await until(() => to.bytes === sent, 'everything arrives')
      await until(() => from.drains > drains, 'drain')
      await turns(10)
      assert.equal(from.drains, drains + 1)
      assert.equal(from.stream.queuedBytes, 0)
    })

    eachWay('pauses are counted by reason', async (from, to) => {
      to.stream.pauseReading(PAUSE.peerSlow)
      to.stream.pauseReading(PAUSE.filter)
      to.stream.pauseReading(PAUSE.filter)
      assert.equal(to.stream.readStatus, 'paused')
      from.stream.writeLatin1('held')
      await turns(10)
      to.stream.resumeReading(PAUSE.filter)
      await turns(10)
      assert.equal(to.bytes, 0)
      assert.equal(to.stream.readStatus, 'paused')
      to.stream.resumeReading(PAUSE.peerSlow)
      assert.equal(to.stream.readStatus, 'open')
      await until(() => to.text === 'held', 'the bytes')
    })

    eachWay('a pause within onData holds the next bytes', async (from, to) => {
      to.onChunk = () => to.stream.pauseReading(PAUSE.notReady)
      const sent = 4 * READ_BUFFER_BYTES
      from.stream.write(Buffer.alloc(sent), 0, sent)
      await until(() => to.bytes > 0, 'the first chunk')
      await turns(20)
      const first = to.bytes
      await turns(20)
      assert.equal(to.bytes, first)
      assert.ok(first <= READ_BUFFER_BYTES)
      to.onChunk = undefined
      to.stream.resumeReading(PAUSE.notReady)
      await until(() => to.bytes === sent, 'the rest')
    })

    eachWay('the end waits behind a pause', async (from, to) => {
      to.onChunk = () => to.stream.pauseReading(PAUSE.notReady)
      from.stream.writeLatin1('x')
      from.stream.endWriting()
      await until(() => to.bytes === 1, 'the byte')
      await turns(10)
      assert.equal(to.ended, false)
      to.stream.resumeReading(PAUSE.notReady)
      await until(() => to.ended, 'the end')
    })

    eachWay('a sink can be replaced between two chunks', async (from, to) => {
      let second: Recorder | undefined
      to.onChunk = () => (second = new Recorder(to.stream))
      from.stream.writeLatin1('one')
      await until(() => to.text === 'one', 'the first')
      from.stream.writeLatin1('two')
      await until(() => second?.text === 'two', 'the second')
      from.stream.reset(KILL)
      to.stream.reset(KILL)
      await until(() => second?.cause !== undefined, 'the second closes')
      assert.deepEqual(to.events, ['data'])
      // For the clean-up, which waits for the first one.
      to.cause = KILL
    })

    eachWay('a sink set after the end is told', async (from, to) => {
      from.stream.reset(KILL)
      to.stream.reset(KILL)
      await until(() => from.cause !== undefined && to.cause !== undefined, 'closed')
      const late = new Recorder(from.stream)
      assert.equal(late.cause, undefined)
      await until(() => late.cause !== undefined, 'told')
      assert.deepEqual(late.events, ['close'])
    })

    eachWay('ending from within onEnd and onData is safe', async (from, to) => {
      to.onEnded = () => {
        to.stream.writeLatin1('ok')
        to.stream.endWriting()
      }
      from.onChunk = () => from.stream.close(KILL)
      from.stream.endWriting()
      await until(() => from.cause !== undefined && to.cause !== undefined, 'both closed')
      assert.equal(from.text, 'ok')
    })

    eachWay('a reset or close from within onData, onEnd or onDrain is safe', async (from, to) => {
      const big = 3 * READ_BUFFER_BYTES
      to.onChunk = () => to.stream.reset(KILL)
      from.stream.write(Buffer.alloc(big), 0, big)
      await until(() => to.cause !== undefined, 'closed')
      assert.deepEqual(to.events, ['data', 'close'])
      await until(() => from.cause !== undefined || from.ended, 'the peer notices')
    })

    it('64 MiB both ways at once arrive whole', () =>
      withPair(async (a, b) => {
        const total = 64 << 20
        const digests = [a, b].map((from) => pump(from, total))
        await until(() => a.bytes === total && b.bytes === total, 'all bytes')
        assert.equal(a.digest.digest('hex'), digests[1]?.())
        assert.equal(b.digest.digest('hex'), digests[0]?.())
      }))
  })
}

/** Writes `total` bytes as fast as `from` takes them; answers their digest when asked. */
function pump(from: Recorder, total: number): () => string {
  const digest = createHash('sha256')
  const block = Buffer.alloc(100_003)
  let sent = 0
  const step = (): void => {
    while (sent < total) {
      const count = Math.min(block.length, total - sent)
      block.writeUInt32LE(sent % 0xffff_fff0, 0)
      block.fill(sent & 0xff, 4, 1000)
      digest.update(block.subarray(0, count))
      sent += count
      if (!from.stream.write(block, 0, count)) return
    }
  }
  from.onDrained = step
  step()
  return () => digest.digest('hex')
}
