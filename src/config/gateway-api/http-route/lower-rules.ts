// The rules of an HTTPRoute or GRPCRoute on a listener: one route of the model per match.

import type { HttpFilter } from '../kinds/http-filter.ts'
import { routePolicyFor } from '../policy/route-policy.ts'
import { resourceName, type Resource } from '../resource.ts'
import type { AttachedRoute, ListenerState, Working } from '../working.ts'
import { lowerFilters } from './filters.ts'
import { type ForwardingRule, lowerAction } from './forward.ts'
import type { RankedMatch } from './match.ts'
import type { RankedRoute } from './precedence.ts'
import type { RuleContext } from './rule-context.ts'

/** A rule of either kind, with its matches as they are written. */
export interface MatchingRule<M> extends ForwardingRule {
  readonly name?: string | undefined
  readonly matches: readonly M[]
  readonly filters: readonly HttpFilter[]
}

/** What the two kinds do each in their own way. */
export interface RuleKind<M> {
  readonly protocol: RuleContext['protocol']
  readonly lowerMatch: (match: M) => RankedMatch
  /** The path that a rule's filters replace the prefix of. */
  readonly matchedPath: (matches: readonly M[]) => string
}

export function lowerRules<M>(
  working: Working,
  listener: ListenerState,
  { parents }: AttachedRoute,
  route: Resource<{ readonly spec: { readonly rules: readonly MatchingRule<M>[] } }>,
  { protocol, lowerMatch, matchedPath }: RuleKind<M>,
): readonly RankedRoute[] {
  const policy = routePolicyFor(working, route, listener.gateway)
  const context: RuleContext = { working, listener, route, parents, policy, protocol }
  const rules = route.spot.key('spec').key('rules')
  const lowered: RankedRoute[] = []
  for (const [index, rule] of route.value.spec.rules.entries()) {
    const spot = rules.at(index)
    const matched = matchedPath(rule.matches)
    const filters = lowerFilters(context, rule.filters, spot.key('filters'), matched)
    const action = lowerAction(context, rule, filters, spot, matched)
    const name = `${resourceName(route)}#${rule.name ?? index}`
    const { mutations, perFilter } = filters
    for (const [at, source] of rule.matches.entries()) {
      const { match, rank } = lowerMatch(source)
      const { place } = spot.key('matches').at(at)
      const order = lowered.length
      lowered.push({ owner: route, rank, order, route: { name, match, action, mutations, perFilter, place } })
    }
  }
  return lowered
}
