import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printable, readable } from '../../../src/core/printable.ts'

test('text without control characters stays the very same', () => {
  for (const text of ['', 'GET /chat', 'C:\\n', 'naïve → ✓', '100%']) assert.equal(printable(text), text)
})

test('line ends, controls, separators and direction marks are escaped', () => {
  assert.equal(printable('a\r\nb\tc'), 'a\\r\\nb\\tc')
  assert.equal(printable('\x1b[31mred\x00\x7f\x85'), '\\x1b[31mred\\x00\\x7f\\x85')
  assert.equal(printable('x\u2028y\u202ez'), 'x\\u2028y\\u202ez')
})

test('no character that starts a line or moves a cursor survives', () => {
  for (let code = 0; code < 0x2100; code++) {
    const out = printable(String.fromCharCode(code))
    assert.doesNotMatch(out, /[\x00-\x1f\x7f-\x9f\u2028\u2029]/, `U+${code.toString(16)}`)
  }
})

test('latin1 bytes that are UTF-8 become the characters they stand for', () => {
  assert.equal(readable(Buffer.from('grüße ✓').toString('latin1')), 'grüße ✓')
  assert.equal(readable('caf\xe9'), 'caf\xe9', 'bytes that are not UTF-8 stay')
  assert.equal(readable('✓'), '✓', 'text that is no latin1 stays')
  assert.equal(printable(readable('\xc2\x9b31m')), '\\x9b31m', 'a C1 control cannot hide in UTF-8')
})
