// Chooses the destination of a forwarded request and makes its head what the upstream shall see.

import { targetFrom } from '../../../cluster/target.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import type {
  DirectAction,
  ForwardAction,
  PoolOverride,
  RedirectAction,
  WeightedCluster,
} from '../../../config/model/route.ts'
import { evaluate } from '../../../format/evaluate.ts'
import { chooseCluster } from '../../../route/cluster-choice.ts'
import type { SelectedRoute } from '../../../route/compiled-table.ts'
import { requestChoice, type ChoiceRules, type EndpointChoice } from '../../../route/endpoint-choice.ts'
import { rewriteHostForEndpoint, rewriteRequest, type RequestRewrite } from '../../../route/request-rewrite.ts'
import type { ClusterUpstream } from '../../../upstream/cluster-upstream.ts'
import type { TerminalSink } from '../../http-filter.ts'
import { takeWishes } from './caller-wishes.ts'
import { planRetries, type RetryPlan } from './retry-plan.ts'
import type { RouterTools } from './router-tools.ts'

export interface Destination {
  readonly kind: 'cluster'
  readonly upstream: ClusterUpstream
  readonly member: WeightedCluster | undefined
  /** TLS server name when the cluster takes it from the request; ''. */
  readonly serverName: string
  readonly priority: 'default' | 'high'
  /** `host:port` that the request names, for a cluster that dials what is named; as the client sent it, before rewriting. */
  readonly target: string | undefined
  /** Which endpoint the request wants. */
  readonly choice: EndpointChoice
  /** undefined = one try without limits of its own. */
  readonly plan: RetryPlan | undefined
  /** For all tries together; undefined = off. */
  readonly timeoutMs: number | undefined
  readonly rewrite: RequestRewrite
}

export interface NoDestination {
  readonly kind: 'missing'
  readonly explanation: string
}

/** This share of the route's requests is answered here. */
export interface AnswerHere {
  readonly kind: 'answer'
  readonly action: DirectAction | RedirectAction
  readonly member: WeightedCluster
}

/** The cluster of `action` for this request. */
export function chooseDestination(
  sink: TerminalSink,
  head: RequestHead,
  selected: SelectedRoute,
  routeAction: ForwardAction,
  tools: RouterTools,
): Destination | AnswerHere | NoDestination {
  const { facts } = sink
  const chosen = chooseCluster(routeAction.cluster, head, tools.random(), facts.downstreamRemoteIp)
  if (chosen.kind === 'no-cluster') return { kind: 'missing', explanation: chosen.explanation }
  if (chosen.kind === 'answer') return chosen
  const upstream = tools.cluster(chosen.name)
  if (upstream === undefined)
    return { kind: 'missing', explanation: `the route names cluster "${chosen.name}", which does not exist` }
  const action = chosen.pool === undefined ? routeAction : ofPool(routeAction, chosen.pool)
  const rewrite: RequestRewrite = {
    selected,
    action,
    member: chosen.member,
    headerPrefix: tools.suppressEnvoyHeaders ? '' : tools.headerPrefix,
    evaluate: (template) => evaluate(template, facts),
  }
  const { plan, timeoutMs } = limits(head, action, upstream, tools)
  return {
    kind: 'cluster',
    upstream,
    member: chosen.member,
    serverName: upstream.serverNameFor(head),
    priority: action.priority ?? 'default',
    target: targetFrom(upstream.cluster, head),
    choice: requestChoice(choiceRules(action, upstream), head, facts, upstream.endpoints),
    plan,
    timeoutMs,
    rewrite,
  }
}

/** What the cluster says of hashes wins over the route. */
function choiceRules(action: ForwardAction, { cluster }: ClusterUpstream): ChoiceRules {
  if (cluster.hashPolicies === undefined) return action
  return { hashPolicies: cluster.hashPolicies, affinity: action.affinity }
}

const poolActions = new WeakMap<PoolOverride, ForwardAction>()

/** The action in one of its pools. A pool belongs to one action, so this is made once. */
function ofPool(action: ForwardAction, pool: PoolOverride): ForwardAction {
  let known = poolActions.get(pool)
  if (known === undefined) {
    known = {
      ...action,
      timeoutMs: pool.timeoutMs ?? action.timeoutMs,
      retry: pool.retry ?? action.retry,
      hashPolicies: pool.hashPolicies ?? action.hashPolicies,
      affinity: pool.affinity ?? action.affinity,
      websocket: pool.websocket ?? action.websocket,
    }
    poolActions.set(pool, known)
  }
  return known
}

interface Limits {
  readonly plan: RetryPlan | undefined
  readonly timeoutMs: number | undefined
}

function limits(head: RequestHead, action: ForwardAction, { cluster }: ClusterUpstream, tools: RouterTools): Limits {
  const trusted = tools.hasInternal && head.headers.get(`${tools.headerPrefix}-internal`) === 'true'
  const wishes = trusted ? takeWishes(head.headers, tools.headerPrefix) : undefined
  const policy = cluster.retry ?? action.retry
  const asked = wishes?.timeoutMs
  const timeoutMs = asked === undefined ? action.timeoutMs : asked === 0 ? undefined : asked
  if (policy === undefined && wishes === undefined) return { plan: undefined, timeoutMs }
  const plan = planRetries(policy, wishes, head, action.timeoutPlace)
  if (plan?.perTryTimeoutMs === undefined) return { plan, timeoutMs }
  // As in Envoy: the whole request's limit makes a longer one for each try useless, and 0 is none.
  const useless = plan.perTryTimeoutMs === 0 || (timeoutMs !== undefined && plan.perTryTimeoutMs >= timeoutMs)
  return { plan: useless ? { ...plan, perTryTimeoutMs: undefined } : plan, timeoutMs }
}

/** Rewrites `head` for the upstream. */
export function prepareRequest(head: RequestHead, destination: Destination, tools: RouterTools): void {
  const { rewrite, upstream, timeoutMs, plan } = destination
  rewriteRequest(head, rewrite)
  const expectedMs = plan?.perTryTimeoutMs ?? timeoutMs
  if (expectedMs !== undefined && !tools.suppressEnvoyHeaders) {
    head.headers.set(`${tools.headerPrefix}-expected-rq-timeout-ms`, String(expectedMs))
  }
  if (tools.schemeTransformation === 'match-upstream') head.scheme = upstream.secure ? 'https' : 'http'
  else if (tools.schemeTransformation !== '') head.scheme = tools.schemeTransformation
}

/** The part of the rewriting that waits for the endpoint. */
export function prepareForEndpoint(head: RequestHead, destination: Destination, hostname: string): void {
  if (hostname !== '') rewriteHostForEndpoint(head, destination.rewrite, hostname)
}
