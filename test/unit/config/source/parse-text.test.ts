// Text into trees: places, tags, aliases, bounds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_DEPTH, parseText, type ParsedText } from '../../../../src/config/source/parse-text.ts'
import { Spot, toJson, type Json } from '../../../../src/config/source/tree.ts'

function tree(text: string, format: 'yaml' | 'json' = 'yaml'): Json {
  const parsed = parseText(text, 'f', format)
  assert.ok(parsed.kind === 'tree', JSON.stringify(parsed))
  return toJson(parsed.root)
}

function refusal(parsed: ParsedText): string {
  assert.equal(parsed.kind, 'refused')
  return parsed.kind === 'refused'
    ? parsed.problems.map((p) => `${p.place.line}:${p.place.column} ${p.message}`).join('; ')
    : ''
}

test('quoted scalars are text whatever they look like', () => {
  assert.deepEqual(tree(`a: "1"\nb: 'yes'\nc: 1\nd: yes\ne: |\n  5\nf: !!str 7`), {
    a: '1',
    b: 'yes',
    c: 1,
    d: true,
    e: '5\n',
    f: '7',
  })
})

test('a key tagged !ignore is dropped and its anchors stay usable', () => {
  assert.deepEqual(tree('!ignore shared:\n  - &x {a: 1}\nuse: *x\nagain: *x'), { use: { a: 1 }, again: { a: 1 } })
})

test('a spot knows line, column and path, in either spelling of a name, and the nearest place of what is not there', () => {
  const parsed = parseText('static_resources:\n  listeners:\n    - perConnection: 1\n      "odd.key": 2\n', 'f', 'yaml')
  assert.ok(parsed.kind === 'tree')
  const item = new Spot(parsed.root, '', parsed.root.place).field('static_resources').field('listeners').at(0)
  assert.deepEqual(item.field('per_connection').place, {
    file: 'f',
    line: 3,
    column: 22,
    path: 'static_resources.listeners[0].per_connection',
  })
  assert.equal(item.field('per_connection').placeOfKey.column, 7)
  assert.deepEqual(item.key('odd.key').place, {
    file: 'f',
    line: 4,
    column: 18,
    path: 'static_resources.listeners[0]["odd.key"]',
  })
  assert.deepEqual(item.field('gone').at(3).place, {
    file: 'f',
    line: 3,
    column: 7,
    path: 'static_resources.listeners[0].gone[3]',
  })
})

test('a key that stands twice is refused with its line', () => {
  assert.match(refusal(parseText('a: 1\nb: 2\na: 3', 'f', 'yaml')), /^3:1 the key stands twice/)
  assert.match(refusal(parseText('{"a": 1,\n "a": 2}', 'f', 'json')), /^2:2 the key stands twice/)
})

test('aliases that multiply or contain themselves are refused', () => {
  const bomb = [
    'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
    ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`),
  ].join('\n')
  assert.match(refusal(parseText(bomb, 'f', 'yaml')), /expand to too much/)
  assert.match(refusal(parseText('a: &a [*a]', 'f', 'yaml')), /contains itself|no anchor/)
})

test('nesting is bounded', () => {
  assert.match(refusal(parseText('['.repeat(MAX_DEPTH + 2) + ']'.repeat(MAX_DEPTH + 2), 'f', 'yaml')), /nested/)
  assert.match(refusal(parseText('['.repeat(100_000), 'f', 'yaml')), /nested more than/)
  assert.match(refusal(parseText('- '.repeat(100_000), 'f', 'yaml')), /nested more than/)
})

test('JSON is read strictly and keeps its own types', () => {
  assert.deepEqual(tree('{"a": 1.5, "b": "yes", "c": null, "d": [true], "e": 4294967295}', 'json'), {
    a: 1.5,
    b: 'yes',
    c: null,
    d: [true],
    e: 4294967295,
  })
  for (const text of ['{"a": 1,}', '{a: 1}', '{"a": 1} // no', "{'a': 1}", '{"a": 010}']) {
    assert.equal(parseText(text, 'f', 'json').kind, 'refused', text)
  }
})

test('an empty text is an empty mapping', () => {
  assert.deepEqual(tree(''), {})
  assert.deepEqual(tree('# only a comment\n'), {})
})
