// The pieces that Envoy's JSON is made of: fields that are left out when they say what Envoy assumes anyway, durations,
// typed messages.

/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** Whether the value is data that JSON can hold. */
export function isJson(value: unknown): value is Json {
  if (Array.isArray(value)) return value.every(isJson)
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isJson)
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

/** A message; fields that are undefined are not written. */
export type Fields = { readonly [key: string]: Json }

/** The fields that are there. */
export function fields(all: Readonly<Record<string, Json | undefined>>): Fields {
  const present: Record<string, Json> = {}
  for (const [key, value] of Object.entries(all)) if (value !== undefined) present[key] = value
  return present
}

/** The message, or undefined when nothing is in it. */
export const unlessEmpty = (message: Fields): Fields | undefined =>
  Object.keys(message).length === 0 ? undefined : message

/** The value unless it is the default. */
export const unless = <T extends Json>(value: T | undefined, usual: T | undefined): T | undefined =>
  value === usual ? undefined : value

/** The list unless it is empty. */
export const listOf = <T>(
  items: readonly T[] | undefined,
  write: (item: T, index: number) => Json,
): Json | undefined => (items === undefined || items.length === 0 ? undefined : items.map(write))

/** Google's Duration in JSON. */
export const duration = (ms: number): string => `${Number((ms / 1000).toFixed(9))}s`

/** A duration of which undefined means that there is none. */
export const optional = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : duration(ms))

/** A duration that is off at 0: not written when it is the usual one. */
export const timeout = (ms: number | undefined, usual: number | undefined): string | undefined =>
  ms === usual ? undefined : duration(ms ?? 0)

const TYPE = 'type.googleapis.com/'

/** The content of a `typed_config`. */
export const typed = (type: string, message: Fields = {}): Fields => ({ '@type': `${TYPE}${type}`, ...message })

/** An extension: its name and its configuration. */
export const extension = (name: string, type: string, message: Fields = {}): Fields => ({
  name,
  typed_config: typed(type, message),
})

/** Share of 0..1 as a fractional percent. */
export const fractionalPercent = (share: number): Fields => ({
  numerator: Math.round(share * 1_000_000),
  denominator: 'MILLION',
})

/** A DataSource of the text itself; bytes that are no UTF-8 as base64. */
export function dataSource(bytes: Buffer | string): Fields {
  if (typeof bytes === 'string') return { inline_string: bytes }
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? { inline_string: text } : { inline_bytes: bytes.toString('base64') }
}
