// Steps between a message descriptor and the text: which field a key means, and which message a `@type` means.

import type { DescEnum, DescField, DescMessage, Registry } from '@bufbuild/protobuf'
import type { Spot } from '../source/tree.ts'

/** Messages that JSON writes in a form of their own, so their inside is not walked field by field. */
const OWN_JSON_FORM = new Set(
  `Duration Timestamp FieldMask Struct Value ListValue DoubleValue FloatValue Int64Value UInt64Value Int32Value
  UInt32Value BoolValue StringValue BytesValue`
    .split(/\s+/)
    .map((name) => `google.protobuf.${name}`),
)

/** Whether the JSON mapping gives the message a form other than an object of its fields. */
export const hasOwnJsonForm = (message: DescMessage): boolean => OWN_JSON_FORM.has(message.typeName)

/** `google.protobuf.Any`. */
export const isAny = (message: DescMessage): boolean => message.typeName === 'google.protobuf.Any'

const fieldsByName = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>()

/** Fields by snake_case and by lowerCamelCase name, as the JSON mapping accepts both. */
export function fieldsOf(message: DescMessage): ReadonlyMap<string, DescField> {
  const known = fieldsByName.get(message)
  if (known !== undefined) return known
  const fields = new Map<string, DescField>()
  for (const field of message.fields) fields.set(field.jsonName, field)
  for (const field of message.fields) fields.set(field.name, field)
  fieldsByName.set(message, fields)
  return fields
}

const valuesByFoldedName = new WeakMap<DescEnum, ReadonlyMap<string, string>>()

/** The exact name of an enum value written in any case (`strict_dns`), or undefined. */
export function enumName(descriptor: DescEnum, written: string): string | undefined {
  let names = valuesByFoldedName.get(descriptor)
  if (names === undefined) {
    names = new Map(descriptor.values.map((value) => [value.name.toUpperCase(), value.name]))
    valuesByFoldedName.set(descriptor, names)
  }
  return names.get(written.toUpperCase())
}

/** The text of `@type` without its host part; undefined when it is missing or not text. */
export function typeNameAt(any: Spot): string | undefined {
  const type = any.key('@type').node
  if (type?.kind !== 'scalar' || typeof type.value !== 'string') return undefined
  return type.value.slice(type.value.lastIndexOf('/') + 1)
}

/** The message that the `@type` names, if the registry knows it. */
export function anyMessage(any: Spot, registry: Registry): DescMessage | undefined {
  const name = typeNameAt(any)
  return name === undefined ? undefined : registry.getMessage(name)
}
