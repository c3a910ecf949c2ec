// The model as plain data that a person can read: maps as objects, bytes as text, places as `file:line`, secrets hidden.

import { isCredentialField } from './credential-field.ts'
import { type Place, placeText } from './place.ts'

/** Members that are never shown. */
const SECRETS: ReadonlySet<string> = new Set([
  'privateKey',
  'password',
  'basicCredentials',
  'sessionTicketKeys',
  'key',
  'users',
])

/** JSON data for any value of the model. Members that are undefined are left out. */
export function plainModel(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('utf8')
  if (value instanceof Map) return fromEntries([...value].map(([key, item]) => [String(key), item]))
  if (value instanceof Set) return [...value].map(plainModel)
  if (Array.isArray(value)) return isCredential(value) ? [value[0], REDACTED] : value.map(plainModel)
  if (typeof value !== 'object' || value === null) return value
  if (isPlace(value)) return placeText(value)
  if ('toJSON' in value && typeof value.toJSON === 'function') return value.toJSON()
  if ('parts' in value && 'source' in value) return value.source
  const hidden = 'value' in value && 'name' in value && isCredential([value.name, value.value])
  return fromEntries(Object.entries(hidden ? { ...value, value: REDACTED } : value))
}

const REDACTED = '[redacted]'

/** The name and value of a header field: they stand as pairs, or as an object of the two. */
const isCredential = (pair: readonly unknown[]): boolean =>
  pair.length === 2 && typeof pair[0] === 'string' && isCredentialField(pair[0])

const fromEntries = (entries: readonly (readonly [string, unknown])[]): unknown =>
  Object.fromEntries(
    entries
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, isSecret(key, item) ? REDACTED : plainModel(item)]),
  )

/** `key` is a name in many places and a secret only where it is bytes. */
const isSecret = (key: string, item: unknown): boolean =>
  SECRETS.has(key) && (key !== 'key' || Buffer.isBuffer(item)) && item !== undefined

const isPlace = (value: object): value is Place =>
  'file' in value && 'line' in value && 'column' in value && 'path' in value
