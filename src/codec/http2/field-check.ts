// Says what each received field is and whether it may be there (RFC 9113 §8.2, §8.3). The answer is kept on the field, so
// one that comes from an HPACK table is examined once.

import { isFieldName, isFieldValue } from '../header-list.ts'
import { METHOD_FIELD } from '../upgrade-translation.ts'
import type { HpackField } from './hpack/field.ts'

/** What a name means to the codec. */
export const NAME = {
  plain: 1,
  underscore: 2,
  invalid: 3,
  method: 4,
  scheme: 5,
  path: 6,
  authority: 7,
  protocol: 8,
  status: 9,
  unknownPseudo: 10,
  connectionSpecific: 11,
  te: 12,
  contentLength: 13,
  cookie: 14,
  host: 15,
  upgradeMethod: 16,
} as const

const SPECIAL: ReadonlyMap<string, number> = new Map<string, number>([
  [':method', NAME.method],
  [':scheme', NAME.scheme],
  [':path', NAME.path],
  [':authority', NAME.authority],
  [':protocol', NAME.protocol],
  [':status', NAME.status],
  // RFC 9113 §8.2.2.
  ['connection', NAME.connectionSpecific],
  ['keep-alive', NAME.connectionSpecific],
  ['proxy-connection', NAME.connectionSpecific],
  ['transfer-encoding', NAME.connectionSpecific],
  ['upgrade', NAME.connectionSpecific],
  ['te', NAME.te],
  ['content-length', NAME.contentLength],
  ['cookie', NAME.cookie],
  ['host', NAME.host],
  [METHOD_FIELD, NAME.upgradeMethod],
])

/** One of {@link NAME}. */
export function nameOf(field: HpackField): number {
  if (field.nameMark === 0) field.nameMark = SPECIAL.get(field.name) ?? classify(field.name)
  return field.nameMark
}

/** RFC 9113 §8.2.1: a valid field value without white space around it. */
export function hasGoodValue(field: HpackField): boolean {
  if (field.valueMark === 0) field.valueMark = isTrimmedValue(field.value) ? 1 : 2
  return field.valueMark === 1
}

function classify(name: string): number {
  if (name.startsWith(':')) return NAME.unknownPseudo
  if (!isFieldName(name)) return NAME.invalid
  return name.includes('_') ? NAME.underscore : NAME.plain
}

function isTrimmedValue(value: string): boolean {
  const { length } = value
  if (length === 0) return true
  return !isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(length - 1)) && isFieldValue(value)
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09
