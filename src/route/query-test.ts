// Query parameter matchers. Envoy: config.route.v3.QueryParameterMatcher; values are compared as sent, not decoded, and the
// first of a repeated parameter counts.

import type { QueryMatch } from '../config/model/string-match.ts'
import { compileStringMatch } from './string-test.ts'

/** Tells whether the query of a target matches. */
export type QueryTest = (target: string) => boolean

/** The test of a query matcher. A missing parameter matches only `present: false`. */
export function compileQueryMatch(match: QueryMatch): QueryTest {
  const { name } = match
  if (match.test.kind === 'present') {
    const { present } = match.test
    return (target) => (queryParameter(target, name) !== undefined) === present
  }
  const test = compileStringMatch(match.test.match)
  return (target) => {
    const value = queryParameter(target, name)
    return value !== undefined && test(value)
  }
}

/** The first value of a parameter as it was sent; '' when it has no `=`; undefined when it is not there. */
export function queryParameter(target: string, name: string): string | undefined {
  let at = target.indexOf('?')
  if (at < 0) return undefined
  const fragment = target.indexOf('#', at)
  const end = fragment < 0 ? target.length : fragment
  while (at < end) {
    const next = nextSeparator(target, at + 1, end)
    if (target.startsWith(name, at + 1)) {
      const after = at + 1 + name.length
      if (after === next) return ''
      if (after < next && target.charCodeAt(after) === 0x3d) return target.slice(after + 1, next)
    }
    at = next
  }
  return undefined
}

function nextSeparator(target: string, from: number, end: number): number {
  const at = target.indexOf('&', from)
  return at < 0 || at > end ? end : at
}
