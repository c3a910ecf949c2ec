// Character classes of RFC 9110 §5.6.2 and RFC 3986, as one table of bits per latin1 code.

const TOKEN = 1
const TARGET = 2
const AUTHORITY = 4

const classes = new Uint8Array(256)
const mark = (chars: string, bit: number): void => {
  for (let i = 0; i < chars.length; i++) classes[chars.charCodeAt(i)] = (classes[chars.charCodeAt(i)] ?? 0) | bit
}

const ALPHANUMERIC = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
// RFC 9110 §5.6.2: tchar.
mark(`${ALPHANUMERIC}!#$%&'*+-.^_\`|~`, TOKEN)
// RFC 3986 §3.2: reg-name, IP-literal and port, without userinfo: `@` would hide the host that is really meant.
mark(`${ALPHANUMERIC}-._~%!$&'()*+,;=:[]`, AUTHORITY)
// VCHAR. Stricter sets break real clients; a fragment is refused by the connection, for all versions alike.
for (let code = 0x21; code < 0x7f; code++) mark(String.fromCharCode(code), TARGET)

function allOf(text: string, bit: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0xff || ((classes[code] ?? 0) & bit) === 0) return false
  }
  return true
}

/** Whether `text` is a token of at least one character, as methods and field names are. */
export const isTokenText = (text: string): boolean => text !== '' && allOf(text, TOKEN)
/** Whether `text` has only characters that may stand in a request target. */
export const isTargetText = (text: string): boolean => allOf(text, TARGET)
/** Whether `text` has only characters of a host with an optional port. */
export const isAuthorityText = (text: string): boolean => allOf(text, AUTHORITY)
