// What unquoted scalars mean.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainScalar } from '../../../../src/config/source/scalar.ts'

test('the words of yaml-cpp are booleans in lower case, upper case and capitalised, and nothing else is', () => {
  for (const word of ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'])
    assert.equal(plainScalar(word), true, word)
  for (const word of ['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'])
    assert.equal(plainScalar(word), false, word)
  for (const word of ['yEs', 'tRUE', 'oN', 'yess', 't', 'f']) assert.equal(plainScalar(word), word, word)
})

test('integers are decimal, hexadecimal and octal, and stay text beyond 32 bits', () => {
  const values: [string, unknown][] = [
    ['0', 0],
    ['10', 10],
    ['-3', -3],
    ['+3', 3],
    ['0x1F', 31],
    ['017', 15],
    ['00', 0],
    ['09', '09'],
    ['0o17', '0o17'],
    ['2147483647', 2147483647],
    ['2147483648', '2147483648'],
    ['-2147483648', -2147483648],
    ['0xFFFFFFFF', '4294967295'],
    ['1_000', '1_000'],
    ['1.5', '1.5'],
    ['1e3', '1e3'],
    ['.5', '.5'],
    ['0.25s', '0.25s'],
  ]
  for (const [text, value] of values) assert.equal(plainScalar(text), value, text)
})

test('null is written in four ways or left out', () => {
  for (const text of ['', '~', 'null', 'Null', 'NULL']) assert.equal(plainScalar(text), null, text)
  assert.equal(plainScalar('nULL'), 'nULL')
})
