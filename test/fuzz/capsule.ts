// Fuzzer of the capsule reader: one answer however the input is split, nothing held beyond one UDP payload, never a throw.
// `npm run fuzz`.

import assert from 'node:assert/strict'
import { CapsuleReader } from '../../src/codec/capsule/capsule-reader.ts'
import { readUdpPath, udpPath } from '../../src/codec/capsule/udp-path.ts'
import { capsule, datagram, varint } from '../support/capsules.ts'
import { mulberry32 } from '../support/random.ts'

type Random = () => number

/** Reads valid, damaged and random capsule streams, whole and split; throws with the input when two readings differ. */
export function fuzzCapsules(runs: number, seed: number): void {
  const random = mulberry32(seed)
  for (let i = 0; i < runs; i++) {
    const bytes = damaged(stream(random), random)
    const whole = read(bytes, () => bytes.length)
    const split = read(bytes, () => 1 + below(random, 20))
    assert.deepEqual(split, whole, `seed ${seed}: ${bytes.toString('hex')}`)
  }
}

/** Reads damaged paths: what is accepted names the same target when it is built again. */
export function fuzzUdpPaths(runs: number, seed: number): void {
  const random = mulberry32(seed)
  for (let i = 0; i < runs; i++) {
    const path = damaged(
      Buffer.from(udpPath(HOSTS[below(random, HOSTS.length)] ?? '', 1 + below(random, 65_535))),
      random,
    )
    const target = readUdpPath(path.toString('latin1'))
    if (target.kind === 'invalid') continue
    assert.match(target.authority, /^(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#@:[\]]+):[1-9][0-9]{0,4}$/)
    assert.deepEqual(readUdpPath(udpPath(target.host, target.port)), target)
  }
}

const HOSTS = ['a.example', '192.0.2.1', '2001:db8::1', 'x', 'a%b']

function read(bytes: Buffer, size: () => number): unknown {
  const payloads: string[] = []
  const reader = new CapsuleReader({
    onDatagram: (buffer, start, end) => {
      assert.ok(end - start <= 65_527 && end <= buffer.length)
      payloads.push(buffer.toString('hex', start, end))
    },
  })
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + size())
    // The bytes around the chunk must not matter.
    const chunk = Buffer.concat([Buffer.alloc(2, 0x40), bytes.subarray(at, end), Buffer.alloc(2)])
    if (!reader.read(chunk, 2, 2 + end - at)) break
    at = end
  }
  return { payloads, fault: reader.fault, atBoundary: reader.fault === undefined && reader.atBoundary }
}

function stream(random: Random): Buffer {
  const parts = Array.from({ length: 1 + below(random, 6) }, () => {
    const size = [0, 1, 5, 62, 63, 64, 300, 5000, 65_527, 65_528][below(random, random() < 0.05 ? 10 : 7)] ?? 0
    const value = Buffer.alloc(size, below(random, 256))
    const kind = random()
    if (kind < 0.6) return datagram(value)
    if (kind < 0.8) return capsule(below(random, 70_000), value)
    return capsule(0, Buffer.concat([varint(below(random, 100_000)), value]))
  })
  return Buffer.concat(parts)
}

/** `bytes`, often with some changed, cut out or put in. */
function damaged(bytes: Buffer, random: Random): Buffer {
  let result = bytes
  for (let i = below(random, 4); i > 0 && result.length > 0; i--) {
    const at = below(random, result.length)
    const kind = random()
    const one = Buffer.from([below(random, 256)])
    if (kind < 0.5) result = Buffer.concat([result.subarray(0, at), one, result.subarray(at + 1)])
    else if (kind < 0.75) result = Buffer.concat([result.subarray(0, at), result.subarray(at + 1 + below(random, 8))])
    else result = Buffer.concat([result.subarray(0, at), one, result.subarray(at)])
  }
  return result
}

const below = (random: Random, limit: number): number => Math.floor(random() * limit)
