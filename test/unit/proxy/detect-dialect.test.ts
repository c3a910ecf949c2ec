import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detectDialect } from '../../../src/proxy/detect-dialect.ts'

const detect = (...texts: readonly string[]): ReturnType<typeof detectDialect> =>
  detectDialect(texts.map((text, index) => ({ kind: 'text', name: `${index}.yaml`, text })))

const cases: readonly (readonly [string, string])[] = [
  ['static_resources: {}', 'envoy'],
  ['kind: HTTPServer\nname: a', 'easegress'],
  ['apiVersion: v1\nkind: Service', 'gateway-api'],
  ['apiVersion: v1\nkind: List\nitems: []', 'gateway-api'],
  ['# nothing\n---\n---\nkind: Pipeline\nname: p', 'easegress'],
  ['', 'envoy'],
  ['a: [', 'envoy'],
  ['a: [\n---\nkind: Pipeline\nname: p', 'easegress'],
]

for (const [text, dialect] of cases) {
  test(`${JSON.stringify(text)} is read as ${dialect}`, () => {
    assert.deepEqual(detect(text), { kind: 'dialect', dialect })
  })
}

test('two dialects in one configuration are refused at the second one', () => {
  const detected = detect('kind: Pipeline\nname: p', 'static_resources: {}')
  assert.equal(detected.kind, 'mixed')
  assert.ok(detected.kind === 'mixed')
  assert.equal(detected.diagnostic.place.file, '1.yaml')
  assert.match(detected.diagnostic.message, /an Envoy bootstrap, but 0\.yaml holds an Easegress object/)
})
