// The configuration as read, for /config_dump, without what must not be seen.

import { isCredentialField } from '../model/credential-field.ts'
import type { Json } from '../source/tree.ts'

/** Data sources whose inline data is secret. */
const SECRET_SOURCES = new Set(['private_key', 'password', 'pkcs12', 'keys', 'generic_secret', 'secret'])

const REDACTED = '[redacted]'

/** A copy with inline keys, passwords and ticket keys replaced; names of files and variables stay. */
export function redacted(json: Json, secret = false): Json {
  if (Array.isArray(json)) return json.map((item: Json) => redacted(item, secret))
  if (typeof json !== 'object' || json === null) return json
  const credentials = typeof json['key'] === 'string' && isCredentialField(json['key'])
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => {
      if (credentials && (key === 'value' || key === 'raw_value')) return [key, REDACTED]
      if (secret && (key === 'inline_string' || key === 'inline_bytes')) return [key, REDACTED]
      // Headers of some extensions carry credentials in a plain field.
      if (typeof value === 'string' && key === 'password') return [key, REDACTED]
      return [key, redacted(value, secret || SECRET_SOURCES.has(key))]
    }),
  )
}
