// Easegress's StringMatcher and the rules made of it: patterns beside one another are alternatives.

import { z } from 'zod'
import type { UrlRule } from '../model/pipeline.ts'
import type { StringMatch } from '../model/string-match.ts'
import { flag, method, regexp, text, wrong } from './scalar.ts'

export interface LoweredMatcher {
  readonly match: readonly StringMatch[]
  /** What is absent or empty matches. */
  readonly empty: boolean
}

export const stringMatcher = z
  .object({
    exact: text.optional(),
    prefix: text.optional(),
    regex: regexp.optional(),
    empty: flag.optional(),
  })
  .transform((matcher, context): LoweredMatcher => {
    const match: StringMatch[] = []
    if (matcher.exact) match.push({ kind: 'exact', value: matcher.exact, ignoreCase: false })
    if (matcher.prefix) match.push({ kind: 'prefix', value: matcher.prefix, ignoreCase: false })
    if (matcher.regex !== undefined && matcher.regex.source !== '') match.push({ kind: 'regex', regex: matcher.regex })
    const empty = matcher.empty ?? false
    if (empty && match.length > 0) return wrong(context, 'empty: true excludes exact, prefix and regex')
    if (!empty && match.length === 0)
      return wrong(context, 'all patterns are empty', 'write one of exact, prefix, regex and empty: true')
    return { match, empty }
  })

/** Matchers by name of a header field. */
export const headerMatchers = z
  .record(z.string(), stringMatcher)
  .transform((map) => Object.entries(map).map(([key, matcher]) => ({ name: key.toLowerCase(), ...matcher })))

const EMPTY: StringMatch = { kind: 'exact', value: '', ignoreCase: false }

/** `methods` and `url`, as RateLimiter has them. */
export const urlRuleFields = {
  methods: z.array(method).optional(),
  url: stringMatcher,
}

/** The rule without the empty case, which is one more pattern. */
export const urlRule = (rule: {
  readonly methods?: readonly string[] | undefined
  readonly url: LoweredMatcher
}): UrlRule => ({
  methods: rule.methods ?? [],
  url: rule.url.empty ? [...rule.url.match, EMPTY] : rule.url.match,
})
