// Text from a peer, made fit for a terminal or a line-based log: it cannot start a line, move the cursor or turn the
// reading direction. Used wherever something received is printed.

// C0 and C1 controls, DEL, the two Unicode line separators, and the bidirectional overrides and isolates.
// oxlint-disable-next-line no-control-regex -- finding control characters is the point
const UNFIT = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/
const EVERY_UNFIT = new RegExp(UNFIT, 'g')
const NOT_LATIN1 = /[\u0100-\uffff]/
const HIGH = /[\x80-\xff]/

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** `text` with each unfit character as `\n`, `\xHH` or `\uHHHH`; what is fit stays as it is, backslashes too. */
export function printable(text: string): string {
  return UNFIT.test(text) ? text.replace(EVERY_UNFIT, escaped) : text
}

/**
 * A header value for people: field values are kept as latin1 (one character per byte), so bytes that are valid UTF-8 are
 * turned into the characters they stand for. Anything else comes back unchanged.
 */
export function readable(value: string): string {
  if (!HIGH.test(value) || NOT_LATIN1.test(value)) return value
  const decoded = Buffer.from(value, 'latin1').toString('utf8')
  return decoded.includes('\ufffd') ? value : decoded
}

function escaped(character: string): string {
  const named = NAMED[character]
  if (named !== undefined) return named
  const code = character.charCodeAt(0)
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}
