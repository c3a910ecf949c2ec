// Envoy's own validation rules, as its descriptors carry them in protovalidate's form (spec: dependencies §2.4), for the
// kinds of rule that its API uses. The protovalidate library plans every message type it could ever meet before the
// first verdict, which is most of a start-up; this looks only at what is set. A test holds the two to one opinion.

import { getOption, hasOption, isFieldSet, type DescField, type DescMessage, type DescOneof } from '@bufbuild/protobuf'
import { isReflectMessage, type ReflectMessage } from '@bufbuild/protobuf/reflect'
import {
  BoolRulesSchema,
  field as fieldOption,
  Ignore,
  KnownRegex,
  oneof as oneofOption,
  StringRulesSchema,
  type DurationRules,
  type FieldRules,
  type RepeatedRules,
  type StringRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js'
import { searchRegex } from '../source/regex.ts'
import { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'

interface MessageRules {
  readonly fields: readonly { readonly field: DescField; readonly rules: FieldRules }[]
  readonly oneofs: readonly DescOneof[]
}

const known = new WeakMap<DescMessage, MessageRules>()

function rulesOf(message: DescMessage): MessageRules {
  const found = known.get(message)
  if (found !== undefined) return found
  const rules: MessageRules = {
    fields: message.fields
      .filter((field) => hasOption(field, fieldOption))
      .map((field) => ({ field, rules: getOption(field, fieldOption) })),
    oneofs: message.oneofs.filter((oneof) => hasOption(oneof, oneofOption) && getOption(oneof, oneofOption).required),
  }
  known.set(message, rules)
  return rules
}

/** Checks one message, not the messages in it. */
export function checkMessageRules(loading: Loading, message: ReflectMessage, spot: Spot): void {
  const { fields, oneofs } = rulesOf(message.desc)
  for (const oneof of oneofs) {
    if (message.oneofCase(oneof) === undefined) {
      const names = oneof.fields.map((field) => field.name).join(', ')
      loading.error(new Spot(undefined, join(spot.path, oneof.name), spot.place), `one of ${names} is required`)
    }
  }
  for (const { field, rules } of fields) checkField(loading, message, field, rules, spot.field(field.name))
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)

function checkField(loading: Loading, message: ReflectMessage, field: DescField, rules: FieldRules, spot: Spot): void {
  const set = message.isSet(field)
  if (rules.ignore === Ignore.ALWAYS) return
  if (rules.required && !set) return loading.error(spot, 'is required')
  if (!set && (hasPresence(field) || rules.ignore === Ignore.IF_ZERO_VALUE)) return
  if (field.fieldKind === 'list') return checkList(loading, [...message.get(field)], field, rules, spot)
  if (field.fieldKind === 'map') {
    const { minPairs = 0n, keys, values } = rules.type.case === 'map' ? rules.type.value : {}
    const entries = [...message.get(field)]
    if (entries.length < Number(minPairs)) loading.error(spot, `must have at least ${minPairs} entries`)
    for (const [key, value] of entries) {
      for (const problem of [keys && valueProblem(key, keys, field), values && valueProblem(value, values, field)]) {
        if (problem !== undefined) loading.error(spot.key(String(key)), problem)
      }
    }
    return
  }
  const problem = valueProblem(message.get(field), rules, field)
  if (problem !== undefined) loading.error(spot, problem)
}

/** Whether an unset field differs from one with its zero value; repeated fields count their items either way. */
const hasPresence = (field: DescField): boolean =>
  field.fieldKind === 'message' ||
  (field.fieldKind !== 'list' && field.fieldKind !== 'map' && field.oneof !== undefined)

function checkList(loading: Loading, items: readonly unknown[], field: DescField, rules: FieldRules, spot: Spot): void {
  if (rules.type.case !== 'repeated') return
  const list: RepeatedRules = rules.type.value
  if (items.length < Number(list.minItems))
    loading.error(spot, `must have at least ${list.minItems} ${list.minItems === 1n ? 'item' : 'items'}`)
  if (list.maxItems > 0n && items.length > Number(list.maxItems))
    loading.error(spot, `must have at most ${list.maxItems} items`)
  if (list.unique && new Set(items).size < items.length) loading.error(spot, 'must not have the same item twice')
  if (list.items === undefined) return
  for (const [index, item] of items.entries()) {
    const problem = valueProblem(item, list.items, field)
    if (problem !== undefined) loading.error(spot.at(index), problem)
  }
}

/** What is wrong with one value, in words that follow its path. */
function valueProblem(value: unknown, rules: FieldRules, field: DescField): string | undefined {
  const { type } = rules
  switch (type.case) {
    case 'string':
      return typeof unwrapped(value) === 'string' ? stringProblem(String(unwrapped(value)), type.value) : undefined
    case 'uint32':
    case 'uint64':
    case 'int32':
    case 'int64':
    case 'double':
    case 'float':
      return rangeProblem(unwrapped(value), type.value)
    case 'duration':
      return durationProblem(value, type.value)
    case 'enum':
      if (
        type.value.definedOnly &&
        field.enum !== undefined &&
        !field.enum.values.some((each) => each.number === value)
      ) {
        return `must be one of ${field.enum.values.map((each) => each.name).join(', ')}`
      }
      return type.value.notIn.includes(Number(value)) ? `must not be ${nameOf(field, value)}` : undefined
    case 'bool':
      if (!isFieldSet(type.value, BoolRulesSchema.field.const) || unwrapped(value) === type.value.const)
        return undefined
      return `must be ${type.value.const}`
    case 'bytes': {
      const { length } = value instanceof Uint8Array ? value : { length: 0 }
      if (length < Number(type.value.minLen)) return `must have at least ${type.value.minLen} bytes`
      return type.value.maxLen > 0n && length > Number(type.value.maxLen)
        ? `must have at most ${type.value.maxLen} bytes`
        : undefined
    }
    default:
      return undefined
  }
}

/** The number or text inside a wrapper such as UInt32Value. */
function unwrapped(value: unknown): unknown {
  if (!isReflectMessage(value)) return value
  const inner = value.desc.field['value']
  return inner === undefined ? value : value.get(inner)
}

const nameOf = (field: DescField, value: unknown): string =>
  field.enum?.values.find((each) => each.number === value)?.name ?? String(value)

function stringProblem(text: string, rules: StringRules): string | undefined {
  // Code points, as Protocol Buffers count them.
  const characters = Array.from(text).length
  if (characters < Number(rules.minLen))
    return characters === 0 ? 'must not be empty' : `must have at least ${rules.minLen} characters`
  if (rules.maxLen > 0n && characters > Number(rules.maxLen)) return `must have at most ${rules.maxLen} characters`
  if (rules.maxBytes > 0n && Buffer.byteLength(text) > Number(rules.maxBytes))
    return `must have at most ${rules.maxBytes} bytes`
  if (rules.in.length > 0 && !rules.in.includes(text)) return `must be one of ${rules.in.join(', ')}`
  if (rules.pattern !== '' && !searchRegex(rules.pattern, text)) return `must match ${rules.pattern}`
  return rules.wellKnown.case === 'wellKnownRegex'
    ? headerProblem(text, rules.wellKnown.value, isStrict(rules))
    : undefined
}

/** Strict is what holds when nothing is said. */
const isStrict = (rules: StringRules): boolean => !isFieldSet(rules, StringRulesSchema.field.strict) || rules.strict

/** RFC 9110 §5.1 and §5.5; not strict means only that nothing may end the field. */
function headerProblem(text: string, kind: KnownRegex, strict: boolean): string | undefined {
  if (!strict) return /[\0\r\n]/.test(text) ? 'must not have NUL, CR or LF' : undefined
  if (kind === KnownRegex.HTTP_HEADER_NAME) {
    return /^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+$/.test(text) ? undefined : 'must be a valid header name'
  }
  // eslint-disable-next-line no-control-regex
  return /^[^\0-\x08\x0a-\x1f\x7f]*$/.test(text) ? undefined : 'must be a valid header value'
}

type Bound = number | bigint

interface Range {
  readonly lessThan: { readonly case: 'lt' | 'lte' | undefined; readonly value?: Bound | undefined }
  readonly greaterThan: { readonly case: 'gt' | 'gte' | undefined; readonly value?: Bound | undefined }
}

function rangeProblem(value: unknown, { greaterThan, lessThan }: Range): string | undefined {
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined
  if (greaterThan.value !== undefined) {
    if (greaterThan.case === 'gt' && !(value > greaterThan.value)) return `must be greater than ${greaterThan.value}`
    if (greaterThan.case === 'gte' && !(value >= greaterThan.value)) return `must be at least ${greaterThan.value}`
  }
  if (lessThan.value !== undefined) {
    if (lessThan.case === 'lt' && !(value < lessThan.value)) return `must be less than ${lessThan.value}`
    if (lessThan.case === 'lte' && !(value <= lessThan.value)) return `must be at most ${lessThan.value}`
  }
  return undefined
}

function durationProblem(value: unknown, rules: DurationRules): string | undefined {
  const actual = secondsOf(isReflectMessage(value) ? value.message : value)
  if (actual === undefined) return undefined
  const { greaterThan, lessThan } = rules
  const problem = rangeProblem(actual, {
    greaterThan: { case: greaterThan.case, value: secondsOf(greaterThan.value) ?? 0 },
    lessThan: { case: lessThan.case, value: secondsOf(lessThan.value) ?? 0 },
  })
  return problem === undefined ? undefined : `${problem}s`
}

/** Seconds of a Duration. */
const secondsOf = (value: unknown): number | undefined =>
  typeof value === 'object' && value !== null && 'seconds' in value && 'nanos' in value
    ? Number(value.seconds) + Number(value.nanos) / 1e9
    : undefined
