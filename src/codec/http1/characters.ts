// What characters a request target and an authority may have. Regular expressions beat a loop over the characters here:
// the texts are slices of a head.

// VCHAR (RFC 9112 §3.2). Stricter sets break real clients; a fragment is refused by the connection, for all versions alike.
const TARGET = /^[\x21-\x7e]*$/

// RFC 3986 §3.2: reg-name, IP-literal and port, without userinfo: `@` would hide the host that is really meant.
const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+(?:%25[0-9A-Za-z._~-]+)?\]|[0-9A-Za-z._~%!$&'()*+,;=-]+)(?::[0-9]{0,5})?$/

// Each is asked again for the same text when the message is written, and most requests name the same authority.
let lastTarget: string | undefined
let lastAuthority: string | undefined

/** Whether `text` has only characters that may stand in a request target. */
export function isTargetText(text: string): boolean {
  if (text === lastTarget) return true
  if (!TARGET.test(text)) return false
  lastTarget = text
  return true
}

/** Whether `text` is a host with an optional port (RFC 3986 §3.2.2), nothing else. */
export function isAuthority(text: string): boolean {
  if (text === lastAuthority) return true
  if (!AUTHORITY.test(text)) return false
  lastAuthority = text
  return true
}
