// Linear-time regular expressions in RE2 syntax for matchers and rewrites, so that no configuration can make a request
// cost exponential time. Compiled once, at load.

import { RE2JS } from 're2js'
import type { WholeRegex } from '../model/string-match.ts'

/** Compiles; the reason in RE2's words when the expression is not valid. */
export function compileRegex(source: string): WholeRegex | { readonly reason: string } {
  try {
    return new LinearRegex(source, RE2JS.compile(source))
  } catch (error) {
    return { reason: error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'not valid' }
  }
}

/** The same for an expression that need not match the whole text, as Go's MatchString reads it. */
export function compileSearch(source: string): WholeRegex | { readonly reason: string } {
  const whole = compileRegex(source)
  return isRegex(whole) ? new SearchRegex(source, RE2JS.compile(source)) : whole
}

const searched = new Map<string, RE2JS>()

/** Whether the text has a match anywhere; for patterns of the schema, which are few and kept. */
export function searchRegex(pattern: string, text: string): boolean {
  const compiled = searched.get(pattern) ?? RE2JS.compile(pattern)
  searched.set(pattern, compiled)
  return compiled.matcher(text).find()
}

/** Whether a compilation succeeded. */
export const isRegex = (result: WholeRegex | { readonly reason: string }): result is WholeRegex => !('reason' in result)

/** The highest `\N` of a substitution is a group that exists, and every backslash starts `\N` or `\\`. */
export function substitutionProblem(regex: WholeRegex, substitution: string): string | undefined {
  const groups = RE2JS.compile(regex.source).groupCount()
  for (const match of substitution.matchAll(/\\(.?)/gs)) {
    const next = match[1] ?? ''
    if (next === '\\') continue
    if (!/^[0-9]$/.test(next)) return 'a backslash must be followed by a digit or another backslash'
    if (Number(next) > groups) return `\\${next} names a group, but the expression has ${groups}`
  }
  return undefined
}

class LinearRegex implements WholeRegex {
  readonly source: string
  protected readonly compiled: RE2JS

  constructor(source: string, compiled: RE2JS) {
    this.source = source
    this.compiled = compiled
  }

  test(text: string): boolean {
    return this.compiled.matches(text)
  }

  replaceAll(text: string, substitution: string): string {
    const matcher = this.compiled.matcher(text)
    let result = ''
    let from = 0
    while (matcher.find()) {
      result += text.slice(from, matcher.start()) + filledIn(substitution, (group) => matcher.group(group) ?? '')
      from = matcher.end()
    }
    return result + text.slice(from)
  }

  toJSON(): string {
    return this.source
  }
}

/** Matches when some part of the text does. */
class SearchRegex extends LinearRegex {
  override test(text: string): boolean {
    return this.compiled.matcher(text).find()
  }
}

/** RE2 notation: a backslash and a digit are a group, two backslashes are one. */
const filledIn = (substitution: string, group: (number: number) => string): string =>
  substitution.replace(/\\([0-9\\])/g, (_, next: string) => (next === '\\' ? next : group(Number(next))))
