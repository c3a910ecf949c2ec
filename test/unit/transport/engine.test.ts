import assert from 'node:assert/strict'
import { it } from 'node:test'
import { libuv } from '../../../src/transport/libuv-handle.ts'

it("the runtime that npm brings has the handles' parts, so the fast engine is used", () => {
  assert.notEqual(libuv, undefined)
})
