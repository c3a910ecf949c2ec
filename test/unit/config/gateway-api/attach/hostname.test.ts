import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  commonHosts,
  covers,
  intersection,
  specificHostFirst,
} from '../../../../../src/config/gateway-api/attach/hostname.ts'

test('a wildcard covers one or more labels, never none', () => {
  assert.equal(covers('*.example.com', 'a.example.com'), true)
  assert.equal(covers('*.example.com', 'a.b.example.com'), true)
  assert.equal(covers('*.example.com', 'example.com'), false)
  assert.equal(covers('*.example.com', 'badexample.com'), false)
  assert.equal(covers('*.example.com', '*.a.example.com'), true)
  assert.equal(covers('*.a.example.com', '*.example.com'), false)
  assert.equal(covers('*.example.com', '*.example.com'), true)
  assert.equal(covers('example.com', '*.example.com'), false)
  assert.equal(covers('*', 'anything'), true)
  assert.equal(covers('*.example.com', '*'), false)
})

test('what two hostnames have in common is the narrower one', () => {
  assert.equal(intersection('*.example.com', 'a.example.com'), 'a.example.com')
  assert.equal(intersection('a.example.com', '*.example.com'), 'a.example.com')
  assert.equal(intersection('*.example.com', '*.a.example.com'), '*.a.example.com')
  assert.equal(intersection('*.example.com', '*.example.org'), undefined)
  assert.equal(intersection('*', 'a.example.com'), 'a.example.com')
})

test('a route without hostnames takes the listener’s, and repeated ones count once', () => {
  assert.deepEqual(commonHosts('*.example.com', []), ['*.example.com'])
  assert.deepEqual(commonHosts('a.example.com', ['*.example.com', 'a.example.com', 'b.example.com']), ['a.example.com'])
  assert.deepEqual(commonHosts('*.example.com', ['example.com']), [])
})

test('exact hosts come first, then longer wildcards, then any', () => {
  const sorted = ['*', '*.example.com', 'a.com', '*.a.example.com', 'long.example.com'].sort(specificHostFirst)
  assert.deepEqual(sorted, ['long.example.com', 'a.com', '*.a.example.com', '*.example.com', '*'])
})
