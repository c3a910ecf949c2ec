// The path and query of a request target (RFC 3986 §3.3, §3.4): where one ends and how a rewritten one is made safe.

/** Index where the path ends: at the query, the fragment, or the end. */
export function pathEnd(target: string): number {
  const query = target.indexOf('?')
  const fragment = target.indexOf('#')
  if (query < 0) return fragment < 0 ? target.length : fragment
  return fragment < 0 || query < fragment ? query : fragment
}

/** The target's path without query and fragment. */
export function pathOf(target: string): string {
  const end = pathEnd(target)
  return end === target.length ? target : target.slice(0, end)
}

// What may stand between the blanks of an HTTP/1.1 request line (RFC 9112 §3); latin1 bytes pass as they came.
const UNSAFE = /[^\x21-\x7e\x80-\xff]+/g

/**
 * A target made by a rewrite, fit to be sent: it starts with `/`, and blanks and control characters are percent-encoded.
 * Deviation: Envoy sends what the substitution made; a blank in it would split the request line for the next hop.
 */
export function safeTarget(target: string): string {
  const rooted = target.startsWith('/') ? target : `/${target}`
  // Well-formed first: encodeURIComponent throws on half a surrogate pair.
  return rooted.toWellFormed().replace(UNSAFE, encodeURIComponent)
}
