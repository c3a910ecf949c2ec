// What characters a request target and an authority may have. Regular expressions beat a loop over the characters here:
// the texts are slices of a head.

// VCHAR (RFC 9112 §3.2). Stricter sets break real clients; a fragment is refused by the connection, for all versions alike.
const TARGET = /^[\x21-\x7e]*$/

// RFC 3986 §3.2: reg-name, IP-literal and port, without userinfo: `@` would hide the host that is really meant.
const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+(?:%25[0-9A-Za-z._~-]+)?\]|[0-9A-Za-z._~%!$&'()*+,;=-]+)(?::[0-9]{0,5})?$/

/** Whether `text` has only characters that may stand in a request target. */
export const isTargetText = (text: string): boolean => TARGET.test(text)
/** Whether `text` is a host with an optional port (RFC 3986 §3.2.2), nothing else. */
export const isAuthority = (text: string): boolean => AUTHORITY.test(text)
