// Matchers on strings, headers and query parameters.

import type { HeaderMatch, QueryMatch, StringMatch, WholeRegex } from '../model/string-match.ts'
import { fields, type Fields, unless } from './json.ts'

/** RegexMatcher. */
export const regexMatcher = ({ source }: WholeRegex): Fields => ({ regex: source })

/** StringMatcher. */
export const stringMatcher = (match: StringMatch): Fields =>
  match.kind === 'regex'
    ? { safe_regex: regexMatcher(match.regex) }
    : fields({ [match.kind]: match.value, ignore_case: unless(match.ignoreCase, false) })

/** HeaderMatcher. */
export function headerMatcher({ name, test, invert, treatMissingAsEmpty }: HeaderMatch): Fields {
  return fields({
    name,
    ...headerTest(test),
    invert_match: unless(invert, false),
    treat_missing_header_as_empty: unless(treatMissingAsEmpty, false),
  })
}

function headerTest(test: HeaderMatch['test']): Fields {
  switch (test.kind) {
    case 'string':
      return { string_match: stringMatcher(test.match) }
    case 'range':
      return { range_match: { start: test.start, end: test.end } }
    case 'present':
      return { present_match: test.present }
  }
}

/** QueryParameterMatcher. */
export const queryMatcher = ({ name, test }: QueryMatch): Fields =>
  test.kind === 'string' ? { name, string_match: stringMatcher(test.match) } : { name, present_match: test.present }

/** RegexMatchAndSubstitute. */
export const regexRewrite = (regex: WholeRegex, substitution: string): Fields => ({
  pattern: regexMatcher(regex),
  substitution,
})
