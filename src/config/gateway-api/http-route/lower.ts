// An HTTPRoute on a listener. Gateway API: HTTPRouteRule.

import type { HttpMatch, HttpRouteValue } from '../kinds/http-route.ts'
import type { Resource } from '../resource.ts'
import type { AttachedRoute, ListenerState, Working } from '../working.ts'
import { lowerRules, type RuleKind } from './lower-rules.ts'
import { lowerHttpMatch } from './match.ts'
import type { RankedRoute } from './precedence.ts'

const HTTP_RULES: RuleKind<HttpMatch> = {
  protocol: 'http',
  lowerMatch: lowerHttpMatch,
  matchedPath: ([first]) => first?.path.value ?? '/',
}

export const lowerHttpRoute = (
  working: Working,
  listener: ListenerState,
  attached: AttachedRoute,
  route: Resource<HttpRouteValue>,
): readonly RankedRoute[] => lowerRules(working, listener, attached, route, HTTP_RULES)
