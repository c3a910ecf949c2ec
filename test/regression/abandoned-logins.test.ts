// Clients that ask for a slow password check and leave at once: their checks are dropped, so that the next login neither
// waits for all of them nor pays for them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import bcrypt from 'bcryptjs'
import { HeaderList } from '../../src/codec/header-list.ts'
import type { RequestHead } from '../../src/codec/http-stream.ts'
import { checkBasicAuth } from '../../src/filter/http/pipeline/check-basic-auth.ts'

const ABANDONED = 60

const headFor = (password: string): RequestHead => ({
  ...{ method: 'GET', scheme: 'http', authority: 'a', path: '/', protocol: 'HTTP/1.1', tunnel: undefined },
  headers: new HeaderList(['authorization', `Basic ${Buffer.from(`user:${password}`).toString('base64')}`]),
})

test('logins whose clients left are not checked', async () => {
  const users = new Map([['user', await bcrypt.hash('right', 8)]])
  const check = checkBasicAuth({ kind: 'basic-auth', users })
  const alone = process.cpuUsage()
  assert.equal((await check(headFor('wrong')))?.status, 401)
  const { user: cost } = process.cpuUsage(alone)
  const before = process.cpuUsage()
  const gone = Array.from({ length: ABANDONED }, async () => check(headFor('wrong'), () => true))
  assert.equal(await check(headFor('right'), () => false), undefined)
  const { user: spent } = process.cpuUsage(before)
  assert.ok(spent < (cost * ABANDONED) / 3, `${spent} µs of work for one login that costs ${cost} µs`)
  const outcomes = await Promise.all(gone)
  for (const outcome of outcomes) assert.equal(outcome?.status, 401)
})
