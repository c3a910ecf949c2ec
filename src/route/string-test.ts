// String matchers made into functions once, when a configuration is built. Envoy: type.matcher.v3.StringMatcher.

import type { StringMatch } from '../config/model/string-match.ts'

/** Tells whether a text matches. */
export type StringTest = (text: string) => boolean

/** The test of a matcher. `ignoreCase` is about ASCII letters; regular expressions carry their own flags. */
export function compileStringMatch(match: StringMatch): StringTest {
  if (match.kind === 'regex') {
    const { regex } = match
    return (text) => regex.test(text)
  }
  const value = match.ignoreCase ? match.value.toLowerCase() : match.value
  const test = plainTest(match.kind, value)
  return match.ignoreCase ? (text) => test(text.toLowerCase()) : test
}

function plainTest(kind: 'exact' | 'prefix' | 'suffix' | 'contains', value: string): StringTest {
  switch (kind) {
    case 'exact':
      return (text) => text === value
    case 'prefix':
      return (text) => text.startsWith(value)
    case 'suffix':
      return (text) => text.endsWith(value)
    case 'contains':
      return (text) => text.includes(value)
  }
}
