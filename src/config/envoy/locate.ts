// Why the schema library refused the JSON, with places. The library says what is wrong but not where; this walks text
// and descriptors together and asks it about each leaf, so all faults are found at once (spec: dependencies §2.3).
// Runs only after a refusal.

import { fromJson, ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf'
import { nearestName } from '../model/nearest-name.ts'
import type { Json, Spot } from '../source/tree.ts'
import { anyMessage, fieldsOf, hasOwnJsonForm, isAny, typeNameAt } from './field-path.ts'
import { Loading } from './loading.ts'
import { prepare } from './prepare.ts'

/** Reports every fault of the tree below `spot`, which should be a `message`. */
export function locate(loading: Loading, message: DescMessage, spot: Spot): void {
  new Locator(loading).message(message, spot)
}

class Locator {
  private readonly loading: Loading
  /** Takes the findings of repeated preparation, which were reported before. */
  private readonly silent: Loading

  constructor(loading: Loading) {
    this.loading = loading
    this.silent = new Loading(loading.registry, loading.options)
  }

  message(message: DescMessage, spot: Spot): boolean {
    const node = spot.node
    if (node === undefined || (node.kind === 'scalar' && node.value === null)) return false
    if (hasOwnJsonForm(message)) return this.ownForm(message, spot)
    if (node.kind !== 'map')
      return this.report(spot, `expected a mapping of the fields of ${message.typeName}, found ${found(spot)}`)
    if (isAny(message)) return this.any(spot)
    let failed = false
    for (const [key, entry] of node.entries) {
      const field = fieldsOf(message).get(key)
      if (field === undefined || isNull(entry.value)) continue
      if (this.field(field, spot.field(key))) failed = true
    }
    return failed || this.whole(message, spot)
  }

  private field(field: DescField, spot: Spot): boolean {
    const node = spot.node
    if (node === undefined) return false
    if (field.fieldKind === 'list') {
      if (node.kind !== 'list') return this.report(spot, `expected a list, found ${found(spot)}`)
      return node.items.map((_, index) => this.item(field, spot.at(index))).includes(true)
    }
    if (field.fieldKind === 'map') {
      if (node.kind !== 'map') return this.report(spot, `expected a mapping, found ${found(spot)}`)
      return [...node.entries.keys()].map((key) => this.item(field, spot.key(key))).includes(true)
    }
    return this.value(field, spot)
  }

  private item(field: DescField, spot: Spot): boolean {
    if (spot.node !== undefined && isNull(spot.node)) return this.report(spot, 'expected a value, found nothing')
    return this.value(field, spot)
  }

  private value(field: DescField, spot: Spot): boolean {
    if (field.message !== undefined) return this.message(field.message, spot)
    if (spot.node?.kind !== 'scalar') return this.report(spot, `expected ${expected(field)}, found ${found(spot)}`)
    if (field.enum !== undefined) return this.enumeration(field, spot)
    const single = spot.node.value
    const json: Json =
      field.fieldKind === 'list' ? [single] : field.fieldKind === 'map' ? { [mapKey(field)]: single } : single
    if (accepts(field.parent, { [field.name]: json }, this.loading)) return false
    return this.report(
      spot,
      `expected ${expected(field)}, found ${found(spot)}`,
      textHint(field, spot.node.value, spot.node.text),
    )
  }

  private enumeration(field: DescField, spot: Spot): boolean {
    const node = spot.node
    const values = field.enum?.values ?? []
    if (node?.kind !== 'scalar') return false
    if (typeof node.value === 'number' && values.some((value) => value.number === node.value)) return false
    const names = values.map((value) => value.name)
    if (typeof node.value === 'string' && names.some((name) => name.toUpperCase() === node.text.toUpperCase()))
      return false
    const nearest = nearestName(node.text, names)
    const list = names.length > 12 ? `${names.slice(0, 12).join(', ')}, …` : names.join(', ')
    return this.report(
      spot,
      `"${node.text}" is not one of ${list}`,
      nearest === undefined ? undefined : `did you mean ${nearest}?`,
    )
  }

  private any(spot: Spot): boolean {
    const name = typeNameAt(spot)
    if (name === undefined) {
      return this.report(
        spot,
        'needs "@type", which says what it is',
        'such as "@type": type.googleapis.com/envoy.extensions…',
      )
    }
    const message = anyMessage(spot, this.loading.registry)
    if (message !== undefined) {
      return hasOwnJsonForm(message) ? this.ownForm(message, spot.key('value')) : this.inside(message, spot)
    }
    const nearest = nearestName(name, typeNames(this.loading))
    return this.report(
      spot.key('@type'),
      `unknown type "${name}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`,
    )
  }

  /** The fields beside `@type`. */
  private inside(message: DescMessage, spot: Spot): boolean {
    let failed = false
    for (const key of spot.node?.kind === 'map' ? spot.node.entries.keys() : []) {
      const field = fieldsOf(message).get(key)
      const child = spot.field(key)
      if (field !== undefined && child.node !== undefined && !isNull(child.node) && this.field(field, child))
        failed = true
    }
    return failed
  }

  private ownForm(message: DescMessage, spot: Spot): boolean {
    const json = prepare(this.silent, message, spot).json
    if (accepts(message, json, this.loading)) return false
    const name = message.typeName.slice('google.protobuf.'.length)
    return this.report(
      spot,
      `expected ${OWN_FORMS[name] ?? `a ${name}`}, found ${found(spot)}`,
      durationHint(name, spot),
    )
  }

  /** No field is at fault alone, but together they may be: two members of one oneof. */
  private whole(message: DescMessage, spot: Spot): boolean {
    const json = prepare(this.silent, message, spot).json
    const oneof = message.oneofs.find((each) => each.fields.filter((field) => isSetIn(json, field.name)).length > 1)
    if (oneof !== undefined) {
      const names = oneof.fields.map((field) => field.name).filter((name) => isSetIn(json, name))
      return this.report(spot.field(names[1] ?? ''), `only one of ${names.join(', ')} may be set (${oneof.name})`)
    }
    return false
  }

  private report(spot: Spot, message: string, hint?: string): true {
    this.loading.error(spot, message, hint)
    return true
  }
}

function accepts(message: DescMessage, json: Json, loading: Loading): boolean {
  try {
    fromJson(message, json, { registry: loading.registry })
    return true
  } catch {
    return false
  }
}

const isSetIn = (json: unknown, name: string): boolean =>
  typeof json === 'object' && json !== null && name in json && Reflect.get(json, name) !== null

const isNull = (node: NonNullable<Spot['node']>): boolean => node.kind === 'scalar' && node.value === null

const mapKey = (field: DescField): string =>
  field.fieldKind === 'map' && field.mapKey === ScalarType.STRING ? 'key' : '1'

function typeNames(loading: Loading): string[] {
  const names: string[] = []
  for (const type of loading.registry) if (type.kind === 'message') names.push(type.typeName)
  return names
}

function found({ node, path }: Spot): string {
  if (node === undefined) return 'nothing'
  if (node.kind === 'scalar' && SECRET.test(path)) return '[redacted]'
  if (node.kind === 'map') return 'a mapping'
  if (node.kind === 'list') return 'a list'
  if (node.value === null) return 'nothing'
  return typeof node.value === 'string' ? JSON.stringify(shortened(node.value)) : shortened(node.text)
}

/** A password of digits only, without quotes, is a number. */
const SECRET = /(?:^|\.)(?:password|private_key)\.inline_(?:string|bytes)$/

/** A wrong value may be a misplaced secret or a page of text; a few words are enough to find it. */
const shortened = (text: string): string =>
  text.includes('PRIVATE KEY') ? '[redacted]' : text.length > 60 ? `${text.slice(0, 60)}…` : text

function expected(field: DescField): string {
  if (field.enum !== undefined) return `one of ${field.enum.values.map((value) => value.name).join(', ')}`
  return field.scalar === undefined ? 'a mapping' : (SCALARS[field.scalar] ?? 'a value')
}

const SCALARS: { readonly [type in ScalarType]?: string } = {
  [ScalarType.STRING]: 'text',
  [ScalarType.BYTES]: 'base64 text',
  [ScalarType.BOOL]: 'true or false',
  [ScalarType.UINT32]: 'a whole number from 0 to 4294967295',
  [ScalarType.INT32]: 'a whole number from -2147483648 to 2147483647',
  [ScalarType.UINT64]: 'a whole number from 0 to 18446744073709551615',
  [ScalarType.INT64]: 'a whole number',
  [ScalarType.DOUBLE]: 'a number',
  [ScalarType.FLOAT]: 'a number',
}

const OWN_FORMS: Readonly<Record<string, string>> = {
  Duration: 'seconds such as "0.25s"',
  Timestamp: 'a time such as "2026-01-31T12:00:00Z"',
  BoolValue: 'true or false',
  UInt32Value: 'a whole number from 0 to 4294967295',
  UInt64Value: 'a whole number',
  Int32Value: 'a whole number',
  Int64Value: 'a whole number',
  DoubleValue: 'a number',
  FloatValue: 'a number',
  StringValue: 'text',
  BytesValue: 'base64 text',
  Struct: 'a mapping',
  ListValue: 'a list',
}

const UNITS: Readonly<Record<string, number>> = { ms: 0.001, us: 1e-6, s: 1, m: 60, min: 60, h: 3600, '': 1 }

/** A plain word or number where text is wanted is most often a missing pair of quotes. */
function textHint(field: DescField, value: unknown, text: string): string | undefined {
  if (field.scalar !== ScalarType.STRING) return undefined
  return typeof value === 'boolean' ? `without quotes, ${text} means ${value}; put it in quotes` : 'put it in quotes'
}

/** `250ms` → `"0.25s"`. */
function durationHint(name: string, spot: Spot): string | undefined {
  if (name !== 'Duration' || spot.node?.kind !== 'scalar') return undefined
  const match = /^([0-9.]+)\s*(ms|us|s|min|m|h|)$/.exec(spot.node.text)
  const seconds = Number(match?.[1]) * (UNITS[match?.[2] ?? ''] ?? Number.NaN)
  return Number.isFinite(seconds) ? `write "${Number(seconds.toFixed(9))}s"` : undefined
}
