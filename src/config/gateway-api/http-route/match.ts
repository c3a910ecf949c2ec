// A match of an HTTPRoute rule: path, method, headers, query, and its rank among others. Gateway API: HTTPRouteMatch.

import type { PathMatch, RouteMatch } from '../../model/route.ts'
import type { HeaderMatch, QueryMatch, StringMatch } from '../../model/string-match.ts'
import { compileRegex, isRegex } from '../../source/regex.ts'
import type { HttpMatch } from '../kinds/http-route.ts'

export interface RankedMatch {
  readonly match: RouteMatch
  readonly rank: readonly number[]
}

const EXACT = 2
const REGEX = 1
const PREFIX = 0

export function lowerHttpMatch(source: HttpMatch): RankedMatch {
  const { path, method } = source
  const headers = firstOfEachName(source.headers, (name) => name.toLowerCase())
  const queryParams = firstOfEachName(source.queryParams, (name) => name)
  const methods = method === undefined ? [] : [header(':method', exact(method))]
  return {
    match: {
      path: lowerPath(path),
      headers: [...methods, ...headers.map((each) => header(each.name.toLowerCase(), valueTest(each)))],
      query: queryParams.map((each): QueryMatch => ({
        name: each.name,
        test: { kind: 'string', match: valueTest(each) },
      })),
      grpcOnly: false,
      fraction: undefined,
      tls: undefined,
    },
    rank: [...pathRank(path), methods.length, headers.length, queryParams.length],
  }
}

function lowerPath({ type, value }: HttpMatch['path']): PathMatch {
  switch (type) {
    case 'Exact':
      return { kind: 'exact', value, caseSensitive: true }
    case 'PathPrefix':
      return prefixMatch(value)
    case 'RegularExpression':
      return { kind: 'regex', regex: regexOf(value) }
  }
}

/** Whole elements: `/abc` and `/abc/` are the same. */
export function prefixMatch(value: string): PathMatch {
  const trimmed = trimSlash(value)
  if (trimmed === '') return { kind: 'prefix', value: '/', caseSensitive: true }
  return { kind: 'separated-prefix', value: trimmed, caseSensitive: true }
}

const trimSlash = (path: string): string => (path.endsWith('/') ? path.slice(0, -1) : path)

function pathRank({ type, value }: HttpMatch['path']): readonly number[] {
  if (type === 'Exact') return [EXACT, 0]
  return type === 'PathPrefix' ? [PREFIX, trimSlash(value).length] : [REGEX, value.length]
}

interface ValueMatch {
  readonly type: 'Exact' | 'RegularExpression'
  readonly name: string
  readonly value: string
}

/** What headers and query parameters are compared with. */
export const valueTest = ({ type, value }: Omit<ValueMatch, 'name'>): StringMatch =>
  type === 'Exact' ? exact(value) : { kind: 'regex', regex: regexOf(value) }

const exact = (value: string): StringMatch => ({ kind: 'exact', value, ignoreCase: false })

/** A header match that must be there. */
export const header = (name: string, match: StringMatch): HeaderMatch => ({
  name,
  test: { kind: 'string', match },
  invert: false,
  treatMissingAsEmpty: false,
})

/** Of a name that stands twice only the first entry counts, says the API. */
export function firstOfEachName<T extends { readonly name: string }>(
  entries: readonly T[],
  same: (name: string) => string,
): readonly T[] {
  const seen = new Set<string>()
  return entries.filter(({ name }) => !seen.has(same(name)) && seen.add(same(name)))
}

/** The schema has compiled it once. */
export function regexOf(source: string): Extract<StringMatch, { kind: 'regex' }>['regex'] {
  const compiled = compileRegex(source)
  if (isRegex(compiled)) return compiled
  throw new Error(`an expression that the schema let through does not compile: ${compiled.reason}`)
}
