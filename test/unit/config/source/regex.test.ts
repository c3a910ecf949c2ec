// Linear-time expressions and their substitutions.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRegex, isRegex, substitutionProblem } from '../../../../src/config/source/regex.ts'
import type { WholeRegex } from '../../../../src/config/model/string-match.ts'

function regex(source: string): WholeRegex {
  const compiled = compileRegex(source)
  assert.ok(isRegex(compiled))
  return compiled
}

test('an expression matches the whole text only', () => {
  assert.equal(regex('/v[0-9]+').test('/v12'), true)
  assert.equal(regex('/v[0-9]+').test('/v12/x'), false)
  assert.equal(regex('a|ab').test('ab'), true)
})

test('substitutions take \\N as groups and a dollar sign as itself', () => {
  assert.equal(regex('/r/(.*)').replaceAll('/r/a', '/x/\\1'), '/x/a')
  assert.equal(regex('a').replaceAll('aba', '$1\\\\'), '$1\\b$1\\')
  assert.equal(regex('(a)(b)').replaceAll('ab', '\\2\\1\\0'), 'baab')
})

test('a substitution that names no group is a problem', () => {
  assert.equal(substitutionProblem(regex('(a)'), '\\1 \\\\ \\0'), undefined)
  assert.match(substitutionProblem(regex('(a)'), '\\2') ?? '', /names a group/)
  assert.match(substitutionProblem(regex('(a)'), 'x\\') ?? '', /backslash/)
})

test('an expression that would cost exponential time elsewhere is answered at once', () => {
  assert.equal(regex('(a+)+$').test(`${'a'.repeat(5000)}!`), false)
})
