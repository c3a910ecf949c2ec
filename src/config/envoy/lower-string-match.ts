// Matchers on strings, headers and query parameters. Envoy: type.matcher.v3, config.route.v3.HeaderMatcher.

import type { HeaderMatch, QueryMatch, StringMatch, WholeRegex } from '../model/string-match.ts'
import { compileRegex, isRegex, substitutionProblem } from '../source/regex.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import type {
  HeaderMatcher,
  QueryParameterMatcher,
  RegexMatchAndSubstitute,
  RegexMatcher,
  StringMatcher,
} from './messages.ts'

/** Stands for an expression that was refused, so that lowering can go on to the next fault. */
const NEVER: WholeRegex = { source: '', test: () => false, replaceAll: (text) => text }

/** Compiles; a fault is reported in RE2's words. */
export function lowerRegex(loading: Loading, matcher: RegexMatcher | undefined, spot: Spot): WholeRegex {
  if (matcher === undefined) return NEVER
  const regex = compileRegex(matcher.regex)
  if (isRegex(regex)) return regex
  loading.error(
    spot.field('regex'),
    regex.reason,
    'expressions are in RE2 syntax, which has no look-around and no back-references',
  )
  return NEVER
}

/** An expression and its replacement. */
export function lowerRewrite(
  loading: Loading,
  rewrite: RegexMatchAndSubstitute,
  spot: Spot,
): { readonly regex: WholeRegex; readonly substitution: string } {
  const regex = lowerRegex(loading, rewrite.pattern, spot.field('pattern'))
  const problem = regex === NEVER ? undefined : substitutionProblem(regex, rewrite.substitution)
  if (problem !== undefined) loading.error(spot.field('substitution'), problem)
  return { regex, substitution: rewrite.substitution }
}

/** Envoy: StringMatcher. `ignore_case` has no effect on expressions, as in Envoy. */
export function lowerStringMatch(loading: Loading, matcher: StringMatcher, spot: Spot): StringMatch {
  const { matchPattern, ignoreCase } = matcher
  switch (matchPattern.case) {
    case 'exact':
    case 'prefix':
    case 'suffix':
    case 'contains': {
      const value = ignoreCase ? matchPattern.value.toLowerCase() : matchPattern.value
      return { kind: matchPattern.case, value, ignoreCase }
    }
    case 'safeRegex':
      if (ignoreCase)
        loading.error(
          spot.field('ignore_case'),
          'ignore_case has no effect for safe_regex',
          'write (?i) in the expression',
        )
      return { kind: 'regex', regex: lowerRegex(loading, matchPattern.value, spot.field('safe_regex')) }
    default:
      return { kind: 'regex', regex: NEVER }
  }
}

/** Envoy: HeaderMatcher, with the deprecated `*_match` forms. */
export function lowerHeaderMatch(loading: Loading, matcher: HeaderMatcher, spot: Spot): HeaderMatch {
  const test = headerTest(loading, matcher, spot)
  if (test.kind === 'range' && test.end <= test.start)
    loading.warning(spot.field('range_match'), 'the range is empty: end is not in it')
  return {
    name: matcher.name.toLowerCase(),
    test,
    invert: matcher.invertMatch,
    treatMissingAsEmpty: matcher.treatMissingHeaderAsEmpty,
  }
}

function headerTest(loading: Loading, { headerMatchSpecifier: test }: HeaderMatcher, spot: Spot): HeaderMatch['test'] {
  const text = (kind: 'exact' | 'prefix' | 'suffix' | 'contains', value: string): HeaderMatch['test'] => ({
    kind: 'string',
    match: { kind, value, ignoreCase: false },
  })
  switch (test.case) {
    case 'exactMatch':
      return text('exact', test.value)
    case 'prefixMatch':
      return text('prefix', test.value)
    case 'suffixMatch':
      return text('suffix', test.value)
    case 'containsMatch':
      return text('contains', test.value)
    case 'safeRegexMatch':
      return {
        kind: 'string',
        match: { kind: 'regex', regex: lowerRegex(loading, test.value, spot.field('safe_regex_match')) },
      }
    case 'stringMatch':
      return { kind: 'string', match: lowerStringMatch(loading, test.value, spot.field('string_match')) }
    case 'rangeMatch':
      return { kind: 'range', start: Number(test.value.start), end: Number(test.value.end) }
    case 'presentMatch':
      return { kind: 'present', present: test.value }
    case undefined:
      return { kind: 'present', present: true }
  }
}

/** Envoy: QueryParameterMatcher. Without a test the parameter must be there. */
export function lowerQueryMatch(loading: Loading, matcher: QueryParameterMatcher, spot: Spot): QueryMatch {
  const test = matcher.queryParameterMatchSpecifier
  if (test.case === 'stringMatch') {
    return {
      name: matcher.name,
      test: { kind: 'string', match: lowerStringMatch(loading, test.value, spot.field('string_match')) },
    }
  }
  return { name: matcher.name, test: { kind: 'present', present: test.case === undefined || test.value } }
}
