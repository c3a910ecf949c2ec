// Walks every field that is set in a parsed message, through lists, maps and the messages inside `Any`, with the spot of
// each in the text.

import { isMessage, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf'
import { reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import type { Spot } from '../source/tree.ts'
import { hasOwnJsonForm, isAny } from './field-path.ts'
import type { Loading } from './loading.ts'

export interface Visitor {
  /** A message. False = do not look inside. */
  message(message: ReflectMessage, spot: Spot): boolean
  /** A set field. False = do not look inside. */
  field(message: DescMessage, field: DescField, value: unknown, spot: Spot): boolean
}

/** Walks `message`, which was parsed from the text at `spot`. */
export function walk(loading: Loading, schema: DescMessage, message: Message, spot: Spot, visitor: Visitor): void {
  visitMessage(loading, reflect(schema, message), spot, visitor)
}

function visitMessage(loading: Loading, message: ReflectMessage, spot: Spot, visitor: Visitor): void {
  if (isAny(message.desc)) return visitAny(loading, message.message, spot, visitor)
  if (hasOwnJsonForm(message.desc) || !visitor.message(message, spot)) return
  for (const field of message.fields) {
    if (!message.isSet(field)) continue
    const at = spot.field(field.name)
    const value: unknown = message.get(field)
    if (visitor.field(message.desc, field, value, at)) visitField(loading, field, message, at, visitor)
  }
}

function visitField(loading: Loading, field: DescField, message: ReflectMessage, spot: Spot, visitor: Visitor): void {
  if (field.message === undefined) return
  if (field.fieldKind === 'list') {
    let index = 0
    for (const item of message.get(field)) {
      const at = spot.at(index++)
      if (isReflected(item)) visitMessage(loading, item, at, visitor)
    }
  } else if (field.fieldKind === 'map') {
    for (const [key, item] of message.get(field)) {
      if (isReflected(item)) visitMessage(loading, item, spot.key(String(key)), visitor)
    }
  } else if (field.fieldKind === 'message') {
    visitMessage(loading, message.get(field), spot, visitor)
  }
}

const isReflected = (value: unknown): value is ReflectMessage =>
  typeof value === 'object' && value !== null && 'desc' in value && 'message' in value

function visitAny(loading: Loading, any: Message, spot: Spot, visitor: Visitor): void {
  if (!isMessage(any, AnySchema)) return
  const inner = loading.unpack(any)
  const schema = inner === undefined ? undefined : loading.registry.getMessage(inner.$typeName)
  if (inner === undefined || schema === undefined) return
  visitMessage(loading, reflect(schema, inner), spot, visitor)
}
