// The reading of Envoy's validation rules agrees with the protovalidate library, message by message.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  create,
  fromJson,
  ScalarType,
  type DescField,
  type DescMessage,
  type JsonValue,
  type Message,
} from '@bufbuild/protobuf'
import { createValidator } from '@bufbuild/protovalidate'
import { Loading } from '../../../../src/config/envoy/loading.ts'
import { fullRegistry } from '../../../../src/config/envoy/registry.ts'
import { checkRules } from '../../../../src/config/envoy/check.ts'
import { Spot } from '../../../../src/config/source/tree.ts'
import { SUPPORTED } from '../../../../src/config/envoy/supported.ts'

const registry = await fullRegistry()
const validator = createValidator()

/** Fields that ours refuses, sorted. What is inside a field is compared when its own message is looked at. */
function ours(schema: DescMessage, message: Message): string[] {
  const loading = new Loading(registry, {})
  checkRules(loading, { schema, message, spot: new Spot(undefined, '', { file: '', line: 0, column: 0 }) })
  return [
    ...new Set(
      loading.diagnostics
        .map((diagnostic) => diagnostic.place.path)
        .filter((path) => OWN.test(path))
        .map(firstStep),
    ),
  ].sort()
}

/** Fields that the library refuses, sorted. */
function theirs(schema: DescMessage, message: Message): string[] {
  const result = validator.validate(schema, message)
  assert.notEqual(result.kind, 'error', String(result.error))
  const own = (result.violations ?? []).filter(({ field }) => field.filter((step) => 'name' in step).length === 1)
  const fields = own.map(({ field: [step] }) => (step !== undefined && 'name' in step ? step.name : ''))
  return [...new Set(fields)].sort()
}

/** A field, an item of a list, an entry of a map; not what is inside the message there. */
const OWN = /^\w+(\[[^\]]*\]|\.k)?$/

const firstStep = (path: string): string => path.split(/[.[]/)[0] ?? ''

/** JSON values that lie around the bounds of every kind of rule. */
function samples(field: DescField): readonly JsonValue[] {
  const texts = ['', 'a', 'a b', 'a\nb', '/x', 'x'.repeat(300), ':path', 'https']
  const numbers = [0, 1, 2, 99, 100, 101, 599, 600, 1024, 8192, 8193, 65535, 65536, 2147483647]
  const byMessage: Readonly<Record<string, readonly JsonValue[]>> = {
    'google.protobuf.Duration': ['0s', '0.0005s', '0.001s', '1s', '299s', '300s', '-1s'],
    'google.protobuf.UInt32Value': numbers,
    'google.protobuf.BoolValue': [true, false],
  }
  const known = field.message === undefined ? undefined : byMessage[field.message.typeName]
  const single: readonly JsonValue[] =
    known ??
    (field.message !== undefined
      ? [{}]
      : field.enum !== undefined
        ? field.enum.values.map((value) => value.number)
        : scalarSamples(field, texts, numbers))
  if (field.fieldKind === 'list')
    return [[], ...single.map((value) => [value]), ...single.map((value) => [value, value])]
  if (field.fieldKind === 'map')
    return [{}, ...single.map((value) => ({ k: value })), ...single.map((value) => ({ '': value }))]
  return single
}

function scalarSamples(field: DescField, texts: readonly string[], numbers: readonly number[]): readonly JsonValue[] {
  const { scalar } = field
  if (scalar === ScalarType.STRING) return texts
  if (scalar === ScalarType.BYTES) return ['', 'AAAA']
  if (scalar === ScalarType.BOOL) return [true, false]
  return numbers
}

test('every field of every supported message is judged alike', () => {
  let compared = 0
  for (const name of SUPPORTED.keys()) {
    const schema = registry.getMessage(name)
    assert.ok(schema !== undefined)
    assert.deepEqual(ours(schema, create(schema)), theirs(schema, create(schema)), name)
    for (const field of schema.fields) {
      for (const value of samples(field)) {
        const message = tryParse(schema, { [field.name]: value })
        if (message === undefined) continue
        compared++
        assert.deepEqual(
          ours(schema, message),
          theirs(schema, message),
          `${name}.${field.name} = ${JSON.stringify(value)}`,
        )
      }
    }
  }
  assert.ok(compared > 3000, `${compared} compared`)
})

function tryParse(schema: DescMessage, json: JsonValue): Message | undefined {
  try {
    return fromJson(schema, json, { registry })
  } catch {
    return undefined
  }
}
