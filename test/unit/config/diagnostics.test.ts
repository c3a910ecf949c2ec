// How findings are printed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printDiagnostics, sortDiagnostics, type Diagnostic } from '../../../src/config/diagnostics.ts'

const at = (line: number, column: number, message: string, severity: Diagnostic['severity'] = 'error'): Diagnostic => ({
  severity,
  place: { file: 'f.yaml', line, column, path: 'a.b' },
  message,
})

test('findings come in reading order and once', () => {
  const sorted = sortDiagnostics([at(2, 1, 'later'), at(1, 5, 'right'), at(1, 2, 'left'), at(2, 1, 'later')])
  assert.deepEqual(
    sorted.map((d) => d.message),
    ['left', 'right', 'later'],
  )
})

test('a finding shows its line, a caret and what to do', () => {
  const text = printDiagnostics([{ ...at(1, 4, 'is wrong', 'warning'), hint: 'mend it' }], () => 'a: b\n')
  assert.equal(text, 'f.yaml:1:4: a.b: warning: is wrong\n     1 | a: b\n       |    ^\n       = mend it\n')
})

test('a long line is cut around the spot', () => {
  const text = printDiagnostics([at(1, 501, 'here')], () => `${'x'.repeat(500)}Y${'x'.repeat(500)}`)
  const [, shown = '', caret = ''] = text.split('\n')
  assert.equal(shown[caret.indexOf('^')], 'Y')
  assert.ok(shown.length < 180)
})

test('keys and passwords are not shown', () => {
  const text = printDiagnostics(
    [at(1, 1, 'x'), at(2, 1, 'y')],
    () => 'private_key: {inline_string: "-----BEGIN PRIVATE KEY-----\\nMIIB"}\npassword: {inline_string: hush}',
  )
  assert.doesNotMatch(text, /MIIB|hush/)
})
