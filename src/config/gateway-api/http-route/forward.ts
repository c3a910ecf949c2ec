// What a rule of an HTTPRoute or GRPCRoute does with a request: forward, redirect, or refuse; and with which limits. A
// request timeout ends at the 101, as the data plane has it for every dialect. Gateway API: HTTPRouteTimeouts.

import type { ForwardAction, RouteAction } from '../../model/route.ts'
import type { Spot } from '../../source/tree.ts'
import type { HttpBackend, HttpRetry } from '../kinds/http-route.ts'
import type { SessionPersistence } from '../kinds/session-persistence.ts'
import { lowerBackends } from './backends.ts'
import type { LoweredFilters } from './filters.ts'
import { lowerRetry } from './retry.ts'
import type { RuleContext } from './rule-context.ts'
import { lowerSession } from './session.ts'
import { streamLimits } from './stream-limits.ts'

/** AGC's default for the whole exchange; other classes have none, because the API leaves it open. */
const AGC_REQUEST_TIMEOUT_MS = 60_000

/** What rules of both kinds have in common. */
export interface ForwardingRule {
  readonly backendRefs: readonly HttpBackend[]
  readonly timeouts?:
    { readonly request?: number | undefined; readonly backendRequest?: number | undefined } | undefined
  readonly retry?: HttpRetry | undefined
  readonly sessionPersistence?: SessionPersistence | undefined
}

export function lowerAction(
  context: RuleContext,
  rule: ForwardingRule,
  filters: LoweredFilters,
  spot: Spot,
  matched: string,
): RouteAction {
  if (filters.answer !== undefined) return filters.answer
  const backends = lowerBackends(context, rule.backendRefs, spot.key('backendRefs'), matched)
  if (backends.kind === 'answer') return backends.action
  const affinity =
    rule.sessionPersistence === undefined ? context.policy.affinity : lowerSession(rule.sessionPersistence)
  warnOfUnboundSession(context, rule, spot)
  return {
    kind: 'forward',
    cluster: backends.choice,
    clusterNotFoundStatus: 503,
    pathRewrite: filters.pathRewrite,
    hostRewrite: filters.hostRewrite === '' ? undefined : { kind: 'literal', host: filters.hostRewrite },
    appendForwardedHost: false,
    ...streamLimits(context.working, context.route, context.listener.gateway.resource),
    upgrades: new Map(),
    connect: undefined,
    mirrors: filters.mirrors,
    affinity,
    ...lowerLimits(context, rule, spot),
  }
}

/** A browser forgets a session cookie when it likes; nobody ends it on time. */
function warnOfUnboundSession({ working }: RuleContext, { sessionPersistence }: ForwardingRule, spot: Spot): void {
  const { absoluteTimeout, cookie, cookieConfig } = sessionPersistence ?? {}
  if (absoluteTimeout === undefined || (cookie ?? cookieConfig)?.lifetimeType === 'Permanent') return
  const at = spot.key('sessionPersistence').key('absoluteTimeout')
  working.warning(at, 'ends no session whose cookie is not Permanent', 'set lifetimeType: Permanent beside it')
}

function lowerLimits(
  { listener, policy }: RuleContext,
  { timeouts, retry }: ForwardingRule,
  spot: Spot,
): Pick<ForwardAction, 'timeoutMs' | 'retry' | 'timeoutPlace'> {
  const byClass = listener.gateway.flavour === 'agc' ? AGC_REQUEST_TIMEOUT_MS : 0
  const request = off(timeouts?.request ?? policy.requestTimeoutMs ?? byClass)
  const backendRequest = off(timeouts?.backendRequest ?? 0)
  const at = timeouts === undefined ? spot : spot.key('timeouts')
  if (retry !== undefined)
    return { timeoutMs: request, retry: lowerRetry(retry, backendRequest, spot.key('retry')), timeoutPlace: at.place }
  // Without retries there is one try, and the shorter of the two decides.
  const timeoutMs =
    request === undefined || backendRequest === undefined
      ? (request ?? backendRequest)
      : Math.min(request, backendRequest)
  return { timeoutMs, retry: undefined, timeoutPlace: at.place }
}

/** `0s` disables. */
const off = (ms: number): number | undefined => (ms === 0 ? undefined : ms)
