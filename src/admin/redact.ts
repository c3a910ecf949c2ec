// Takes secrets out of a configuration tree before it is shown. The dialect does so when it reads; this is the second
// lock on the same door, by field name, so that a new field with a key in it does not leak by oversight.

const SECRET_FIELD =
  /^(private_?key|password|session_?ticket_?keys|keys|pkcs12|generic_?secret|token|hmac_?secret|secret)$/i
const INLINE = /^inline_?(string|bytes)$/i

export const REDACTED = '[redacted]'

/** A copy of `tree` in which what is given inline under a secret's field is `[redacted]`; file names stay. */
export function redact(tree: unknown, secret = false): unknown {
  if (Array.isArray(tree)) {
    return tree.map((item: unknown) => (secret && typeof item === 'string' ? REDACTED : redact(item, secret)))
  }
  if (typeof tree !== 'object' || tree === null) return tree
  const copy: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(tree)) {
    const hide = secret || SECRET_FIELD.test(key)
    const inline = hide && (INLINE.test(key) || SECRET_FIELD.test(key)) && typeof value === 'string'
    copy[key] = inline ? REDACTED : redact(value, hide)
  }
  return copy
}
