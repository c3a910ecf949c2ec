// Header names that are met often, found by their bytes in any case, so that most names cost no check, no lower-casing
// and no new string. The table is fixed; what a peer invents never enters it.

import { METHOD_FIELD } from '../upgrade-translation.ts'

/** What the codec does with a field. */
export const FIELD = {
  ordinary: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  upgrade: 5,
  te: 6,
  expect: 7,
  /** Belongs to one hop only and is never passed on. */
  hop: 8,
} as const
export type FieldKind = (typeof FIELD)[keyof typeof FIELD]

export interface FieldName {
  readonly lower: string
  readonly proper: string
  readonly kind: FieldKind
}

// METHOD_FIELD of upgrade-translation.ts never enters by HTTP/1; HTTP2-Settings belongs to h2c, which is not spoken.
const special: Readonly<Record<string, FieldKind>> = {
  host: FIELD.host,
  'content-length': FIELD.contentLength,
  'transfer-encoding': FIELD.transferEncoding,
  connection: FIELD.connection,
  upgrade: FIELD.upgrade,
  te: FIELD.te,
  expect: FIELD.expect,
  'keep-alive': FIELD.hop,
  'proxy-connection': FIELD.hop,
  'http2-settings': FIELD.hop,
  [METHOD_FIELD]: FIELD.hop,
}

const COMMON = `Host Content-Length Transfer-Encoding Connection Upgrade TE Expect Keep-Alive Proxy-Connection HTTP2-Settings
${METHOD_FIELD} Accept Accept-Encoding Accept-Language Accept-Ranges Access-Control-Allow-Credentials
Access-Control-Allow-Headers Access-Control-Allow-Methods Access-Control-Allow-Origin Access-Control-Expose-Headers
Access-Control-Max-Age Access-Control-Request-Headers Access-Control-Request-Method Age Allow Alt-Svc Authorization
Cache-Control Content-Disposition Content-Encoding Content-Language Content-Location Content-Range Content-Security-Policy
Content-Type Cookie Date DNT ETag Expires Forwarded From If-Match If-Modified-Since If-None-Match If-Range
If-Unmodified-Since Last-Modified Link Location Max-Forwards Origin Pragma Priority Proxy-Authenticate
Proxy-Authorization Range Referer Referrer-Policy Retry-After Sec-CH-UA Sec-CH-UA-Mobile Sec-CH-UA-Platform Sec-Fetch-Dest
Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Sec-WebSocket-Accept Sec-WebSocket-Extensions Sec-WebSocket-Key
Sec-WebSocket-Protocol Sec-WebSocket-Version Server Set-Cookie Strict-Transport-Security Trailer
Upgrade-Insecure-Requests User-Agent Vary Via WWW-Authenticate Warning X-Content-Type-Options X-Envoy-Attempt-Count
X-Envoy-Expected-Rq-Timeout-Ms X-Envoy-Upstream-Service-Time X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto
X-Frame-Options X-Powered-By X-Real-IP X-Request-ID X-Requested-With X-XSS-Protection traceparent tracestate`

interface Entry {
  readonly name: FieldName
  readonly bytes: Uint8Array
  next: Entry | undefined
}

const BUCKETS = 1024
const buckets: (Entry | undefined)[] = Array.from({ length: BUCKETS }, () => undefined)
const bucketOf = (length: number, first: number, last: number): number =>
  ((length * 37) ^ ((first | 32) * 5) ^ ((last | 32) << 3)) % BUCKETS

const byLowerName = new Map<string, FieldName>()
for (const spelling of COMMON.split(/\s+/)) {
  const lower = spelling.toLowerCase()
  const name: FieldName = { lower, proper: properCase(lower), kind: special[lower] ?? FIELD.ordinary }
  const bytes = Buffer.from(lower, 'latin1')
  const bucket = bucketOf(bytes.length, bytes[0] ?? 0, bytes.at(-1) ?? 0)
  buckets[bucket] = { name, bytes, next: buckets[bucket] }
  byLowerName.set(lower, name)
}

/**
 * The entry whose name stands in `buffer[start, end)` in any case, or undefined. The bytes hold no control character, so
 * setting bit 32 maps onto a letter, digit or hyphen only what is one.
 */
export function commonFieldName(buffer: Uint8Array, start: number, end: number): FieldName | undefined {
  const length = end - start
  if (length === 0) return undefined
  let entry = buckets[bucketOf(length, buffer[start] ?? 0, buffer[end - 1] ?? 0)]
  for (; entry !== undefined; entry = entry.next) if (hasName(buffer, start, length, entry.bytes)) return entry.name
  return undefined
}

function hasName(buffer: Uint8Array, start: number, length: number, lower: Uint8Array): boolean {
  if (lower.length !== length) return false
  for (let i = 0; i < length; i++) if (((buffer[start + i] ?? 0) | 32) !== lower[i]) return false
  return true
}

/** `x-request-id` as `X-Request-Id`, Envoy's `proper_case_words`. */
export const properFieldName = (lower: string): string => byLowerName.get(lower)?.proper ?? properCase(lower)

function properCase(lower: string): string {
  let text = ''
  let startsWord = true
  for (const char of lower) {
    text += startsWord ? char.toUpperCase() : char
    // Envoy starts a word after every character that is no letter or digit.
    startsWord = !((char >= 'a' && char <= 'z') || (char >= '0' && char <= '9'))
  }
  return text
}
