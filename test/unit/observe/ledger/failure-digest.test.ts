// Failed sessions are told once in a while, and counted meanwhile.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeCause } from '../../../../src/core/close-cause.ts'
import { NOWHERE } from '../../../../src/config/model/place.ts'
import { failureDigest } from '../../../../src/observe/ledger/failure-digest.ts'
import type { FailedSession } from '../../../../src/observe/ledger/ledger.ts'

const failed = (wallMs: number, cluster = 'db'): FailedSession => ({
  id: 1,
  type: 'TCP',
  wallMs,
  client: '127.0.0.1:1',
  listener: 'in',
  authority: '',
  cluster,
  place: NOWHERE,
  cause: closeCause('upstream', 'tcp', 'upstream_connection_failure', 'refused'),
})

test('the first is told at once, the next ten seconds are counted', () => {
  const digest = failureDigest()
  assert.equal(digest(failed(0))?.count, 1)
  assert.equal(digest(failed(1)), undefined)
  assert.equal(digest(failed(9999)), undefined)
  assert.equal(digest(failed(10_000))?.count, 3)
  assert.equal(digest(failed(10_001)), undefined)
})

test('clusters are told apart', () => {
  const digest = failureDigest()
  assert.equal(digest(failed(0))?.cluster, 'db')
  assert.equal(digest(failed(0, 'web'))?.cluster, 'web')
})

test('many kinds are forgotten rather than kept', () => {
  const digest = failureDigest()
  for (let i = 0; i < 1000; i++) assert.equal(digest(failed(0, `cluster ${i}`))?.count, 1)
})
