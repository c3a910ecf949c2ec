// A GRPCRoute on a listener: like an HTTPRoute, to backends that are spoken to in HTTP/2. Gateway API: GRPCRouteRule.

import { lowerRules, type RuleKind } from '../http-route/lower-rules.ts'
import type { RankedRoute } from '../http-route/precedence.ts'
import type { GrpcMatch, GrpcRouteValue } from '../kinds/grpc-route.ts'
import type { Resource } from '../resource.ts'
import type { AttachedRoute, ListenerState, Working } from '../working.ts'
import { lowerGrpcMatch } from './match.ts'

const GRPC_RULES: RuleKind<GrpcMatch> = { protocol: 'grpc', lowerMatch: lowerGrpcMatch, matchedPath: () => '/' }

export const lowerGrpcRoute = (
  working: Working,
  listener: ListenerState,
  attached: AttachedRoute,
  route: Resource<GrpcRouteValue>,
): readonly RankedRoute[] => lowerRules(working, listener, attached, route, GRPC_RULES)
