// Which requests a candidate pool takes. Easegress: RequestMatcher (easegress.md §2.5).

import { fnv1 } from '../core/hash/fnv-hash.ts'
import type { PoolMatch } from '../config/model/route.ts'
import type { StringMatch } from '../config/model/string-match.ts'
import { headerValues, type MatchedHead } from './header-test.ts'
import { realIp } from './real-ip.ts'
import { compileStringMatch, type StringTest } from './string-test.ts'
import { pathEnd } from './target.ts'

/** What a matcher may ask for besides the head. */
export interface PoolFacts {
  /** In [0, 1). */
  readonly random: number
  /** The client's address, should no header name another one. */
  readonly clientIp: string
}

/** Tells whether the pool takes a request. */
export type PoolTest = (head: MatchedHead, facts: PoolFacts) => boolean

const compiled = new WeakMap<PoolMatch, PoolTest>()

/** Whether the pool takes the request. The matcher is compiled when it is first asked. */
export function poolMatches(match: PoolMatch, head: MatchedHead, facts: PoolFacts): boolean {
  let test = compiled.get(match)
  if (test === undefined) {
    test = compilePoolMatch(match)
    compiled.set(match, test)
  }
  return test(head, facts)
}

function compilePoolMatch(match: PoolMatch): PoolTest {
  switch (match.kind) {
    case 'general':
      return compileGeneral(match)
    case 'random':
      return (_head, { random }) => random * 1000 < match.permil
    case 'ip-hash':
      return (head, { clientIp }) => fnv1(realIp(head.headers) ?? clientIp) % 1000 < match.permil
    case 'header-hash':
      return (head) => fnv1(headerValues(head, match.header)[0] ?? '') % 1000 < match.permil
  }
}

type General = Extract<PoolMatch, { kind: 'general' }>

function compileGeneral({ headers, allHeaders, urls }: General): PoolTest {
  const headerTests = headers.map(({ name, match, empty }) => {
    const test = anyOf(match, empty)
    return (head: MatchedHead): boolean => {
      const values = headerValues(head, name)
      // A header that is not there is compared as an empty one.
      return values.length === 0 ? test('') : values.some(test)
    }
  })
  const urlTests = urls.map(({ methods, url, empty }) => ({ methods, test: anyOf(url, empty) }))
  return (head) => {
    const fits = (test: (head: MatchedHead) => boolean): boolean => test(head)
    if (!(allHeaders ? headerTests.every(fits) : headerTests.some(fits))) return false
    if (urlTests.length === 0) return true
    const path = head.path.slice(0, pathEnd(head.path))
    return urlTests.some(({ methods, test }) => (methods.length === 0 || methods.includes(head.method)) && test(path))
  }
}

function anyOf(matches: readonly StringMatch[], empty: boolean): StringTest {
  if (empty) return (text) => text === ''
  const tests = matches.map(compileStringMatch)
  return (text) => tests.some((test) => test(text))
}
