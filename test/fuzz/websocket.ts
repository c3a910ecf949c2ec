// Fuzzer of what reads first bytes and frames: the frame observer and the ClientHello reader give one answer however their
// input is split, hold little, and never throw. `npm run fuzz`.

import assert from 'node:assert/strict'
import { readClientHello } from '../../src/transport/client-hello.ts'
import { FrameGate, type FrameFault } from '../../src/websocket/frame-gate.ts'
import { FrameObserver } from '../../src/websocket/frame-observer.ts'
import { frame } from '../unit/websocket/frames.ts'

type Random = () => number

/** Observes valid, damaged and random frame sequences, whole and split; throws with the input when two readings differ. */
export function fuzzWebSocketFrames(runs: number, seed: number): void {
  const random = generator(seed)
  for (let i = 0; i < runs; i++) {
    const bytes = damaged(frames(random), random)
    const whole = new FrameObserver()
    whole.observe(bytes, 0, bytes.length)
    const split = new FrameObserver()
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + 1 + below(random, 20))
      // The bytes around the chunk must not matter.
      const chunk = Buffer.concat([Buffer.alloc(3, 0x88), bytes.subarray(at, end), Buffer.alloc(3, 0xff)])
      split.observe(chunk, 3, 3 + end - at)
      at = end
    }
    assert.deepEqual(facts(split), facts(whole), `seed ${seed}: ${bytes.toString('hex')}`)
    assert.ok(Buffer.byteLength(whole.closeReason) <= 3 * 123)
    assert.ok(whole.payloadBytes <= bytes.length)
  }
}

/**
 * Sends the same sequences through a gate with a limit: what passes and the verdict do not depend on how they are split; what
 * passes is a beginning of what came, ends between two frames when it was stopped, and has no message beyond the limit.
 */
export function fuzzFrameGate(runs: number, seed: number): void {
  const random = generator(seed)
  for (let i = 0; i < runs; i++) {
    const bytes = damaged(frames(random), random)
    const rules = { maxMessage: below(random, 600), masked: random() < 0.5, extensions: random() < 0.5 }
    const whole = gated(bytes, rules, () => bytes.length)
    const split = gated(bytes, rules, () => 1 + below(random, 20))
    const input = `seed ${seed}: ${JSON.stringify(rules)} ${bytes.toString('hex')}`
    assert.deepEqual(split.faults, whole.faults, input)
    if (whole.faults.length > 0) assert.deepEqual(split.passed, whole.passed, input)
    assert.ok(bytes.subarray(0, whole.passed.length).equals(whole.passed), input)
    assert.ok(bytes.subarray(0, split.passed.length).equals(split.passed), input)
    const seen = new FrameObserver()
    seen.observe(whole.passed, 0, whole.passed.length)
    assert.ok(!seen.invalid && seen.largestMessage <= rules.maxMessage, input)
  }
}

interface Gated {
  readonly passed: Buffer
  readonly faults: readonly FrameFault[]
}

function gated(bytes: Buffer, rules: ConstructorParameters<typeof FrameGate>[0], size: () => number): Gated {
  const passed: Buffer[] = []
  const faults: FrameFault[] = []
  const target = {
    write(buffer: Uint8Array, start: number, end: number): boolean {
      passed.push(Buffer.from(buffer.subarray(start, end)))
      return true
    },
  }
  const gate = new FrameGate(rules, target, {
    onFault: (_, fault) => faults.push(fault),
    onPeerClosed: () => undefined,
  })
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + size())
    const chunk = Buffer.concat([Buffer.alloc(3, 0x88), bytes.subarray(at, end), Buffer.alloc(3, 0xff)])
    gate.pass(chunk, 3, 3 + end - at)
    at = end
  }
  return { passed: Buffer.concat(passed), faults }
}

/** Reads damaged ClientHellos at every length: the answer, once there, does not change with more bytes. */
export function fuzzClientHello(runs: number, seed: number): void {
  const random = generator(seed)
  for (let i = 0; i < runs; i++) {
    const bytes = damaged(hello(random), random)
    let decided: string | undefined
    for (let length = 0; length <= bytes.length; length++) {
      const result = readClientHello(bytes.subarray(0, length))
      if (result.kind === 'incomplete') assert.equal(decided, undefined, `seed ${seed}: ${bytes.toString('hex')}`)
      else decided ??= JSON.stringify(result)
      if (decided !== undefined) assert.equal(JSON.stringify(result), decided, `seed ${seed}: ${bytes.toString('hex')}`)
    }
  }
}

function facts(observer: FrameObserver): unknown[] {
  const { messages, textMessages, binaryMessages, frames, pings, pongs, payloadBytes, largestMessage } = observer
  const counts = [messages, textMessages, binaryMessages, frames, pings, pongs, payloadBytes, largestMessage]
  return [
    ...counts,
    observer.closeSeen,
    observer.closeCode,
    observer.closeReason,
    observer.invalid,
    observer.atMessageBoundary,
  ]
}

function frames(random: Random): Buffer {
  const parts = Array.from({ length: 1 + below(random, 6) }, () => {
    const opcode = [0, 1, 2, 8, 9, 10, below(random, 16)][below(random, 7)] ?? 1
    const size = [0, 2, 5, 125, 126, 300, 65_536][below(random, random() < 0.05 ? 7 : 6)] ?? 0
    return frame(opcode, Buffer.alloc(size, below(random, 256)), {
      fin: random() < 0.7,
      mask: random() < 0.5 ? below(random, 2 ** 32) : 0,
    })
  })
  return Buffer.concat(parts)
}

function hello(random: Random): Buffer {
  const name = Buffer.from(random() < 0.5 ? 'app.example' : 'x')
  const sni = Buffer.from([0, 0, 0, name.length + 5, 0, name.length + 3, 0, 0, name.length, ...name])
  const alpn = Buffer.from([0, 16, 0, 5, 0, 3, 2, 0x68, 0x32])
  const extensions = Buffer.concat(random() < 0.5 ? [sni, alpn] : [alpn, Buffer.from([0xaa, 0xaa, 0, 0]), sni])
  const body = Buffer.concat([
    Buffer.alloc(34, 3),
    Buffer.from([0, 0, 2, 0x13, 0x01, 1, 0, 0, extensions.length]),
    extensions,
  ])
  const message = Buffer.concat([Buffer.from([1, 0, 0, body.length]), body])
  const records: Buffer[] = []
  const size = random() < 0.5 ? message.length : 1 + below(random, 40)
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    records.push(Buffer.from([22, 3, 1, 0, part.length]), part)
  }
  return Buffer.concat(records)
}

/** `bytes`, often with some changed, cut out or put in. */
function damaged(bytes: Buffer, random: Random): Buffer {
  let result = bytes
  for (let i = below(random, 4); i > 0 && result.length > 0; i--) {
    const at = below(random, result.length)
    const kind = random()
    if (kind < 0.5)
      result = Buffer.concat([result.subarray(0, at), Buffer.from([below(random, 256)]), result.subarray(at + 1)])
    else if (kind < 0.75) result = Buffer.concat([result.subarray(0, at), result.subarray(at + 1 + below(random, 8))])
    else result = Buffer.concat([result.subarray(0, at), Buffer.from([below(random, 256)]), result.subarray(at)])
  }
  return result
}

const below = (random: Random, limit: number): number => Math.floor(random() * limit)

/** Numbers in [0, 1) that a seed determines (a 32-bit linear congruential generator, high bits). */
function generator(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state >>> 4) / 2 ** 28
  }
}
