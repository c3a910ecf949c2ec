// Which fields may enter the encoder's dynamic table, and which must not be re-indexed by anyone (RFC 7541 §7.1).

/**
 * `table`: worth a place. `without`: its value hardly ever repeats. `never`: a secret, so also the next hop must not index
 * it (§7.1.3). `cookie`: a secret while it is short enough to be guessed byte by byte.
 */
export type IndexPolicy = 'table' | 'without' | 'never' | 'cookie'

/** Cookies shorter than this are never indexed (§7.1.3: values with low entropy). */
export const SHORT_COOKIE_LENGTH = 20

const POLICIES: ReadonlyMap<string, IndexPolicy> = new Map<string, IndexPolicy>([
  ['authorization', 'never'],
  ['proxy-authorization', 'never'],
  ['set-cookie', 'never'],
  ['cookie', 'cookie'],
  [':path', 'without'],
  ['age', 'without'],
  ['content-length', 'without'],
  ['etag', 'without'],
  ['if-modified-since', 'without'],
  ['if-none-match', 'without'],
  ['last-modified', 'without'],
  ['location', 'without'],
  ['sec-websocket-accept', 'without'],
  ['sec-websocket-key', 'without'],
  ['traceparent', 'without'],
  ['x-request-id', 'without'],
])

/** The policy of a field name in lower case. */
export const indexPolicy = (name: string): IndexPolicy => POLICIES.get(name) ?? 'table'
