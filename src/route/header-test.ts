// Header matchers made into functions. Envoy: config.route.v3.HeaderMatcher, with the semantics of 1.39 and later: each
// value of a repeated header is tested by itself, so `x-role: user` + `x-role: admin` matches `admin` and not
// `user,admin`. One line that holds a comma list stays one value.

import type { RequestHead } from '../codec/http-stream.ts'
import type { HeaderMatch } from '../config/model/string-match.ts'
import { compileStringMatch, type StringTest } from './string-test.ts'

/** What matchers look at. */
export type MatchedHead = Pick<RequestHead, 'method' | 'scheme' | 'authority' | 'path' | 'headers'>

/** Tells whether a request's header matches. */
export type HeaderTest = (head: MatchedHead) => boolean

/**
 * The test of a header matcher. A missing header matches only `present: false` (inverted: `present: true`), unless it is
 * treated as empty: an inverted value match needs the header to be there.
 */
export function compileHeaderMatch(match: HeaderMatch): HeaderTest {
  const { name, invert } = match
  if (match.test.kind === 'present') {
    const wanted = match.test.present !== invert
    return (head) => hasField(head, name) === wanted
  }
  const test = valueTest(match.test)
  const whenMissing = match.treatMissingAsEmpty && test('') !== invert
  return (head) => {
    const found = anyValue(head, name, test)
    return found === undefined ? whenMissing : found !== invert
  }
}

type ValueMatch = Exclude<HeaderMatch['test'], { kind: 'present' }>

function valueTest(match: ValueMatch): StringTest {
  if (match.kind === 'string') return compileStringMatch(match.match)
  const { start, end } = match
  return (text) => {
    if (!INTEGER.test(text)) return false
    const number = Number(text)
    return number >= start && number < end
  }
}

// As absl::SimpleAtoi reads it: a sign and digits; more digits than an int64 has are no number.
const INTEGER = /^\s*[+-]?\d{1,19}\s*$/

function hasField(head: MatchedHead, name: string): boolean {
  const pseudo = pseudoField(head, name)
  return pseudo === undefined ? head.headers.has(name) : pseudo !== ''
}

/** Whether one of the values passes; undefined when there is none. */
function anyValue(head: MatchedHead, name: string, test: StringTest): boolean | undefined {
  const pseudo = pseudoField(head, name)
  if (pseudo !== undefined) return pseudo === '' ? undefined : test(pseudo)
  const { fields } = head.headers
  let found: boolean | undefined
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== name) continue
    if (test(fields[i + 1] ?? '')) return true
    found = false
  }
  return found
}

/** All values of a header, pseudo-headers and `host` included. */
export function headerValues(head: MatchedHead, name: string): readonly string[] {
  const pseudo = pseudoField(head, name)
  if (pseudo === undefined) return head.headers.values(name)
  return pseudo === '' ? [] : [pseudo]
}

/** The value of a pseudo-header, '' when the request has none; undefined for ordinary names. */
function pseudoField(head: MatchedHead, name: string): string | undefined {
  switch (name) {
    case ':method':
      return head.method
    case ':path':
      return head.path
    case ':authority':
    case 'host':
      return head.authority
    case ':scheme':
      return head.scheme
    default:
      return undefined
  }
}
