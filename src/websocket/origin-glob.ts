// Shell globs over the host of an Origin, as Easegress's originPatterns: `*` and `?` stop at `/`, `[a-z]` and `[^a-z]` are
// classes, `\` takes the next character as it is (easegress.md §5.3). No regular expression: the time grows with the product of
// the two lengths at most.

/** Whether the whole of `text` matches. A malformed pattern matches nothing. */
export function matchesGlob(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  /** Where the last star stands, and what it has swallowed up to: there it swallows one more when the rest does not fit. */
  let star = -1
  let swallowed = 0
  for (;;) {
    if (pattern[p] === '*') {
      star = p++
      swallowed = t
      continue
    }
    if (p === pattern.length && t === text.length) return true
    const next = p < pattern.length && t < text.length ? step(pattern, p, text[t] ?? '') : -1
    if (next >= 0) {
      p = next
      t++
    } else if (star >= 0 && swallowed < text.length && text[swallowed] !== '/') {
      p = star + 1
      t = ++swallowed
    } else return false
  }
}

/** The position behind the one-character pattern at `p` when it takes `char`; -1 when it does not, or is malformed. */
function step(pattern: string, p: number, char: string): number {
  switch (pattern[p]) {
    case '?':
      return char === '/' ? -1 : p + 1
    case '[':
      return inClass(pattern, p + 1, char)
    case '\\':
      return pattern[p + 1] === char ? p + 2 : -1
    default:
      return pattern[p] === char ? p + 1 : -1
  }
}

/** `start` is behind the bracket. */
function inClass(pattern: string, start: number, char: string): number {
  const negated = pattern[start] === '^'
  let at = negated ? start + 1 : start
  let found = false
  for (let first = true; pattern[at] !== ']' || first; first = false) {
    const low = classEnd(pattern, at)
    if (low === undefined) return -1
    at = low.next
    let high = low.char
    if (pattern[at] === '-') {
      const end = classEnd(pattern, at + 1)
      if (end === undefined) return -1
      high = end.char
      at = end.next
    }
    if (low.char <= char && char <= high) found = true
  }
  return found === negated ? -1 : at + 1
}

/** One end of a range; undefined where none may stand. */
function classEnd(pattern: string, at: number): { readonly char: string; readonly next: number } | undefined {
  const escaped = pattern[at] === '\\'
  const char = pattern[escaped ? at + 1 : at]
  if (char === undefined || (!escaped && (char === '-' || char === ']'))) return undefined
  return { char, next: at + (escaped ? 2 : 1) }
}
