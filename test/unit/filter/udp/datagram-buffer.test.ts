// Datagrams that wait: in order, and never more than allowed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DatagramBuffer } from '../../../../src/filter/udp/datagram-buffer.ts'

test('number and bytes are bounded', () => {
  const byNumber = new DatagramBuffer({ maxDatagrams: 2, maxBytes: 100 })
  assert.deepEqual(
    [byNumber.keep(Buffer.alloc(0)), byNumber.keep(Buffer.alloc(1)), byNumber.keep(Buffer.alloc(0))],
    [true, true, false],
  )
  const byBytes = new DatagramBuffer({ maxDatagrams: 10, maxBytes: 10 })
  assert.deepEqual(
    [byBytes.keep(Buffer.alloc(8)), byBytes.keep(Buffer.alloc(3)), byBytes.keep(Buffer.alloc(2))],
    [true, false, true],
  )
  assert.equal(byBytes.bytes, 10)
})

test('they come out in order until the taker has enough, and make room', () => {
  const buffer = new DatagramBuffer({ maxDatagrams: 3, maxBytes: 100 })
  for (const text of ['a', 'b', 'c']) buffer.keep(Buffer.from(text))
  const taken: string[] = []
  buffer.drain((payload) => taken.push(String(payload)) < 2)
  assert.deepEqual([taken, buffer.size, buffer.bytes], [['a', 'b'], 1, 1])
  assert.ok(buffer.keep(Buffer.from('d')))
  buffer.drain((payload) => taken.push(String(payload)) > 0)
  assert.deepEqual([taken, buffer.size, buffer.bytes], [['a', 'b', 'c', 'd'], 0, 0])
})
