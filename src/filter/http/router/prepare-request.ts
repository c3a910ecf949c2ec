// Chooses the destination of a forwarded request and makes its head what the upstream shall see.

import { targetFrom } from '../../../cluster/target.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import type { ForwardAction, WeightedCluster } from '../../../config/model/route.ts'
import { evaluate } from '../../../format/evaluate.ts'
import { chooseCluster } from '../../../route/cluster-choice.ts'
import type { SelectedRoute } from '../../../route/compiled-table.ts'
import { rewriteHostForEndpoint, rewriteRequest, type RequestRewrite } from '../../../route/request-rewrite.ts'
import type { ClusterUpstream } from '../../../upstream/cluster-upstream.ts'
import type { TerminalSink } from '../../http-filter.ts'
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
  readonly rewrite: RequestRewrite
}

export interface NoDestination {
  readonly kind: 'missing'
  readonly explanation: string
}

/** The cluster of `action` for this request. */
export function chooseDestination(
  sink: TerminalSink,
  head: RequestHead,
  selected: SelectedRoute,
  action: ForwardAction,
  tools: RouterTools,
): Destination | NoDestination {
  const chosen = chooseCluster(action.cluster, head, tools.random())
  if (chosen.kind === 'no-cluster') return { kind: 'missing', explanation: chosen.explanation }
  if (chosen.kind === 'answer') return { kind: 'missing', explanation: 'this share of the route is answered here' }
  const upstream = tools.cluster(chosen.name)
  if (upstream === undefined)
    return { kind: 'missing', explanation: `the route names cluster "${chosen.name}", which does not exist` }
  const { facts } = sink
  const rewrite: RequestRewrite = {
    selected,
    action,
    member: chosen.member,
    headerPrefix: tools.suppressEnvoyHeaders ? '' : tools.headerPrefix,
    evaluate: (template) => evaluate(template, facts),
  }
  return {
    kind: 'cluster',
    upstream,
    member: chosen.member,
    serverName: upstream.serverNameFor(head),
    priority: 'default',
    target: targetFrom(upstream.cluster, head),
    rewrite,
  }
}

/** Rewrites `head` for the upstream. */
export function prepareRequest(head: RequestHead, destination: Destination, tools: RouterTools): void {
  const { rewrite, upstream } = destination
  rewriteRequest(head, rewrite)
  const { timeoutMs } = rewrite.action
  if (timeoutMs !== undefined && !tools.suppressEnvoyHeaders) {
    head.headers.set(`${tools.headerPrefix}-expected-rq-timeout-ms`, String(timeoutMs))
  }
  if (tools.schemeTransformation === 'match-upstream') head.scheme = upstream.secure ? 'https' : 'http'
  else if (tools.schemeTransformation !== '') head.scheme = tools.schemeTransformation
}

/** The part of the rewriting that waits for the endpoint. */
export function prepareForEndpoint(head: RequestHead, destination: Destination, hostname: string): void {
  if (hostname !== '') rewriteHostForEndpoint(head, destination.rewrite, hostname)
}
