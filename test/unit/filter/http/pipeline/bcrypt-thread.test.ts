import assert from 'node:assert/strict'
import { test } from 'node:test'
import bcrypt from 'bcryptjs'
import { compareBcrypt } from '../../../../../src/filter/http/pipeline/bcrypt-thread.ts'

test('right and wrong passwords, and a hash that is none, are told apart', async () => {
  const stored = await bcrypt.hash('right', 6)
  const answers = await Promise.all([
    compareBcrypt('right', stored),
    compareBcrypt('wrong', stored),
    compareBcrypt('right', '$2b$06$short'),
  ])
  assert.deepEqual(answers, [true, false, false])
})

test('while a password is checked this thread does other things', async () => {
  const stored = await bcrypt.hash('right', 11)
  await compareBcrypt('wake', stored)
  const { user: before } = process.threadCpuUsage()
  assert.equal(await compareBcrypt('wrong', stored), false)
  const { user: after } = process.threadCpuUsage()
  assert.ok(after - before < 20_000, `${after - before} µs of this thread`)
})
