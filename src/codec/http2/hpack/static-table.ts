// The static table of RFC 7541 appendix A, as fields for the decoder and as lookups for the encoder.

import { HpackField } from './field.ts'

const ENTRIES: readonly (readonly [string, string?])[] = [
  [':authority'],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset'],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language'],
  ['accept-ranges'],
  ['accept'],
  ['access-control-allow-origin'],
  ['age'],
  ['allow'],
  ['authorization'],
  ['cache-control'],
  ['content-disposition'],
  ['content-encoding'],
  ['content-language'],
  ['content-length'],
  ['content-location'],
  ['content-range'],
  ['content-type'],
  ['cookie'],
  ['date'],
  ['etag'],
  ['expect'],
  ['expires'],
  ['from'],
  ['host'],
  ['if-match'],
  ['if-modified-since'],
  ['if-none-match'],
  ['if-range'],
  ['if-unmodified-since'],
  ['last-modified'],
  ['link'],
  ['location'],
  ['max-forwards'],
  ['proxy-authenticate'],
  ['proxy-authorization'],
  ['range'],
  ['referer'],
  ['refresh'],
  ['retry-after'],
  ['server'],
  ['set-cookie'],
  ['strict-transport-security'],
  ['transfer-encoding'],
  ['user-agent'],
  ['vary'],
  ['via'],
  ['www-authenticate'],
]

/** Entry `i` of the table is at index `i - 1`. */
export const STATIC_FIELDS: readonly HpackField[] = ENTRIES.map(([name, value]) => new HpackField(name, value ?? ''))

/** Number of static entries; dynamic indices start after it (RFC 7541 §2.3.3). */
export const STATIC_COUNT = STATIC_FIELDS.length

/** First static index of each name. */
export const STATIC_NAMES: ReadonlyMap<string, number> = new Map(
  STATIC_FIELDS.map((field, i) => [field.name, i + 1] as const).reverse(),
)

/** Static indices by name and value, of the names that have other values than an empty one. */
export const STATIC_PAIRS: ReadonlyMap<string, ReadonlyMap<string, number>> = pairs()

function pairs(): Map<string, Map<string, number>> {
  const all = new Map<string, Map<string, number>>()
  STATIC_FIELDS.forEach(({ name, value }, i) => {
    if (value === '') return
    const values = all.get(name) ?? new Map<string, number>()
    values.set(value, i + 1)
    all.set(name, values)
  })
  return all
}
