// Objects as read, for /apis/v2/objects, without what must not be seen.

import { isCredentialField } from '../model/credential-field.ts'
import type { Json } from '../source/tree.ts'

/** Fields that hold a key or a password. */
const SECRET = new Set(['keyBase64', 'password', 'secret', 'accessKeySecret', 'clientSecret', 'basicAuth', 'ldap'])

const REDACTED = '[redacted]'

/** A copy with secrets replaced. `keys` of an HTTPServer is a map of private keys. */
export function redacted(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => redacted(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (item === null) return [key, item]
      if (key === 'keys' && typeof item === 'object' && !Array.isArray(item))
        return [key, Object.fromEntries(Object.keys(item).map((name) => [name, REDACTED]))]
      const secret = (SECRET.has(key) || isCredentialField(key)) && typeof item !== 'object'
      return [key, secret ? REDACTED : redacted(item)]
    }),
  )
}
