// What policies say of a route: AGC's RoutePolicy.

import type { EndpointAffinity } from '../../model/hash-policy.ts'
import { ROUTE_POLICY, type RoutePolicyConfig, type RoutePolicyValue } from '../kinds/route-policy.ts'
import type { Resource } from '../resource.ts'
import type { GatewayState, Working } from '../working.ts'
import { type Fault, judgeKind, overrideFault, policyFor, sectionClaims, targetFault } from './alb-policy.ts'

export interface RoutePolicySettings {
  /** Holds where the route's rule says none; 0 = off; undefined = the class's default. */
  readonly requestTimeoutMs?: number | undefined
  /** Holds where the rule has no sessionPersistence. */
  readonly affinity?: EndpointAffinity | undefined
}

const INVALID = 'InvalidRoutePolicy'
const RULE = { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', missing: 'InvalidHTTPRoute' }

/** The vendor's name and life of the cookie that it manages. */
const MANAGED_COOKIE = 'AGCAffinity'
const MANAGED_COOKIE_MS = 86_400_000

/** Conditions of all of them. */
export const judgeRoutePolicies = (working: Working): void =>
  judgeKind(working, ROUTE_POLICY, routePolicyFault, (policy) => sectionClaims(policy, policy.value.spec.targetRef))

/** Called per route and Gateway. */
export function routePolicyFor(working: Working, route: Resource, gateway: GatewayState): RoutePolicySettings {
  const policy = policyFor(
    working,
    ROUTE_POLICY,
    (each) => each.value.spec.targetRef,
    route,
    undefined,
    gateway.resource.namespace,
  )
  if (policy === undefined || routePolicyFault(working, policy) !== undefined) return {}
  const { timeouts, sessionAffinity } = policy.value.spec.default ?? {}
  return {
    ...(timeouts?.routeTimeout === undefined ? {} : { requestTimeoutMs: timeouts.routeTimeout }),
    ...(sessionAffinity === undefined ? {} : { affinity: lowerAffinity(sessionAffinity) }),
  }
}

function routePolicyFault(working: Working, policy: Resource<RoutePolicyValue>): Fault | undefined {
  const { targetRef: target, default: config, override } = policy.value.spec
  const spec = policy.spot.field('spec')
  if (override !== undefined) return overrideFault(policy, INVALID)
  const wrong = targetFault(working, policy, target, RULE, spec.field('targetRef'))
  if (wrong !== undefined) return wrong
  const fault = (field: string, message: string): Fault => ({
    reason: INVALID,
    message,
    reference: false,
    spot: spec.field('default').field(field),
  })
  if (target.sectionNames.length > 0)
    return {
      reason: INVALID,
      message: 'a RoutePolicy is for the whole route; sectionNames have no meaning',
      reference: false,
      spot: spec.field('targetRef').field('sectionNames'),
    }
  if ((config?.timeouts?.routeTimeout ?? 0) < 0) return fault('timeouts', 'routeTimeout must not be negative')
  const problem = affinityProblem(config?.sessionAffinity)
  return problem === undefined ? undefined : fault('sessionAffinity', problem)
}

type Affinity = NonNullable<RoutePolicyConfig['sessionAffinity']>

function affinityProblem(affinity: Affinity | undefined): string | undefined {
  if (affinity === undefined) return undefined
  const { affinityType, cookieName, cookieDuration } = affinity
  if (affinityType === 'managed-cookie')
    return cookieName === undefined && cookieDuration === undefined
      ? undefined
      : 'cookieName and cookieDuration belong to application-cookie; a managed cookie has its own'
  if (cookieName === undefined || cookieDuration === undefined)
    return 'application-cookie needs cookieName and cookieDuration'
  if (!TOKEN.test(cookieName)) return `"${cookieName}" cannot be the name of a cookie`
  return cookieDuration >= 0 ? undefined : 'cookieDuration must not be negative'
}

/** RFC 6265 §4.1.1: a cookie's name is a token. */
const TOKEN = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/

const lowerAffinity = ({ affinityType, cookieName = '', cookieDuration = 0 }: Affinity): EndpointAffinity => ({
  carrier: {
    kind: 'cookie',
    name: affinityType === 'managed-cookie' ? MANAGED_COOKIE : cookieName,
    ttlMs: affinityType === 'managed-cookie' ? MANAGED_COOKIE_MS : cookieDuration,
    // Path=/ always: without it browsers return the cookie only below the path of the first request.
    attributes: { path: '/', secure: false, httpOnly: true, sameSite: '' },
  },
  onlyWithCookie: undefined,
  key: undefined,
  strict: false,
})
