// The parts of an authority (RFC 3986 §3.2): host and port, with IPv6 literals in brackets.

/** Index of the colon before the port, or -1: the colons of `[::1]` are none. */
export function portStart(authority: string): number {
  const colon = authority.lastIndexOf(':')
  return colon >= 0 && authority.lastIndexOf(']') < colon ? colon : -1
}

/** The authority without its port. */
export function hostOf(authority: string): string {
  const colon = portStart(authority)
  return colon < 0 ? authority : authority.slice(0, colon)
}

// RFC 3986 §3.2.2 reg-name, IPv4 and bracketed IPv6, and a port. No userinfo: RFC 9110 §4.2.4 forbids it in a request.
const AUTHORITY = /^[A-Za-z0-9._~!$&'()*+,;=:%[\]-]+$/

/** Whether a made-up text may stand as an authority: a rewrite takes it from headers, paths and formats. */
export const isAuthority = (text: string): boolean => AUTHORITY.test(text)
