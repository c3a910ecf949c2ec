// The table of supported fields fits Envoy's descriptors, and the page made from it is current.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DescField } from '@bufbuild/protobuf'
import { fullRegistry } from '../../../../src/config/envoy/registry.ts'
import { SUPPORTED } from '../../../../src/config/envoy/supported.ts'
import { envoySupportPage } from '../../../../scripts/docs-envoy-support.ts'

const registry = await fullRegistry()

test('every message, field and value of the table exists in Envoy’s API', () => {
  for (const [name, support] of SUPPORTED) {
    const message = registry.getMessage(name)
    assert.ok(message !== undefined, name)
    for (const [fieldName, entry] of support) {
      const field: DescField | undefined = message.fields.find((each) => each.name === fieldName)
      assert.ok(field !== undefined, `${name}.${fieldName}`)
      for (const value of entry.kind === 'supported' ? (entry.only ?? []) : []) {
        assert.ok(
          field.enum?.values.some((each) => each.name === value),
          `${name}.${fieldName}=${value}`,
        )
      }
    }
  }
})

test('the message of every supported field has its own table', () => {
  for (const [name, support] of SUPPORTED) {
    for (const [fieldName, entry] of support) {
      const inner = registry.getMessage(name)?.fields.find((each) => each.name === fieldName)?.message
      if (entry.kind !== 'supported' || inner === undefined || inner.typeName.startsWith('google.protobuf.')) continue
      assert.ok(SUPPORTED.has(inner.typeName), `${inner.typeName}, of ${name}.${fieldName}`)
    }
  }
})

test('docs/envoy-support.md is current; npm run docs makes it', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/envoy-support.md'), 'utf8')
  assert.equal(page, envoySupportPage())
})
