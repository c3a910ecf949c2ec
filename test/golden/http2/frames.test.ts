// The table of bad and borderline frame sequences, each with its exact outcome, read whole and byte by byte.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type FrameCase, frameCases, runCase } from '../../support/http2-cases.ts'

const read = (name: string): FrameCase[] => frameCases(readFileSync(new URL(name, import.meta.url), 'utf8'))

const tables = { server: read('server.txt'), client: read('client.txt') }

for (const side of ['server', 'client'] as const) {
  for (const sequence of tables[side]) {
    test(`${side}: ${sequence.name}`, async () => {
      const whole = await runCase(side, sequence, [sequence.bytes])
      assert.deepEqual(whole.lines, sequence.expected)
      const single = Array.from(sequence.bytes, (_byte, i) => sequence.bytes.subarray(i, i + 1))
      assert.deepEqual((await runCase(side, sequence, single)).lines, sequence.expected, 'byte by byte')
    })
  }
}

test('the table has not lost its cases', () => {
  assert.ok(tables.server.length >= 170, String(tables.server.length))
  assert.ok(tables.client.length >= 50, String(tables.client.length))
  for (const { name, expected } of [...tables.server, ...tables.client]) assert.ok(expected.length > 0, name)
})
