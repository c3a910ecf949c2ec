// What a route does with a request. Envoy: config.route.v3.RouteAction, RedirectAction, DirectResponseAction.

import { literalTemplate } from '../model/format-parse.ts'
import type { FormatTemplate } from '../model/format-template.ts'
import type { LocalReplyFormat } from '../model/http-connection-manager.ts'
import { nearestName } from '../model/nearest-name.ts'
import type {
  ClusterChoice,
  ForwardAction,
  HostRewrite,
  PathRewrite,
  RedirectAction,
  RouteAction,
  WeightedCluster,
} from '../model/route.ts'
import type { MirrorPolicy, RetryPolicy } from '../model/retry.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerConnectTermination } from './lower-connect-termination.ts'
import { loadData } from './lower-data-source.ts'
import { timeout } from './lower-duration.ts'
import { each } from './lower-each.ts'
import { lowerReplyFormat, lowerTemplate } from './lower-format.ts'
import { lowerHashPolicies } from './lower-hash-policy.ts'
import { lowerMutations } from './lower-header-mutation.ts'
import { lowerMirrors } from './lower-mirror.ts'
import { lowerPerFilter } from './lower-http-filter.ts'
import { lowerRetryPolicy } from './lower-retry-policy.ts'
import { lowerRouteUpgrades } from './lower-route-upgrades.ts'
import { lowerRewrite } from './lower-string-match.ts'
import {
  RedirectAction_RedirectResponseCode as Redirect,
  RouteAction_ClusterNotFoundResponseCode as NotFound,
  RoutingPriority,
  type DirectResponseAction,
  type RedirectAction as RedirectMessage,
  type RouteAction as RouteActionMessage,
  type RouteAction_RequestMirrorPolicy,
  type WeightedCluster as WeightedMessage,
  type WeightedCluster_ClusterWeight as WeightMessage,
} from './messages.ts'

/** What the route table tells its routes. */
export interface RouteContext {
  /** An unknown cluster is a load error. */
  readonly validateClusters: boolean
  readonly maxDirectResponseBytes: number
  /** Of the virtual host; undefined = none. */
  readonly retry?: RetryPolicy | undefined
  /** Of the virtual host, else of the table. */
  readonly mirrors?: readonly MirrorPolicy[] | undefined
}

const NOT_FOUND = {
  [NotFound.SERVICE_UNAVAILABLE]: 503,
  [NotFound.NOT_FOUND]: 404,
  [NotFound.INTERNAL_SERVER_ERROR]: 500,
}

/** Envoy's route timeout when none is set. */
const DEFAULT_TIMEOUT = 15_000

export function lowerForward(
  loading: Loading,
  message: RouteActionMessage,
  spot: Spot,
  context: RouteContext,
): ForwardAction {
  const stream = message.maxStreamDuration?.maxStreamDuration
  const timeoutSpot = spot.field('timeout')
  return {
    kind: 'forward',
    cluster: lowerClusterChoice(loading, message, spot, context),
    clusterNotFoundStatus: NOT_FOUND[message.clusterNotFoundResponseCode],
    pathRewrite: lowerPathRewrite(loading, message, spot),
    hostRewrite: lowerHostRewrite(loading, message, spot),
    appendForwardedHost: message.appendXForwardedHost,
    timeoutMs: timeout(message.timeout, DEFAULT_TIMEOUT),
    idleTimeoutMs: message.idleTimeout === undefined ? 'inherit' : timeout(message.idleTimeout, undefined),
    maxStreamDurationMs: stream === undefined ? 'inherit' : timeout(stream, undefined),
    connect: lowerConnectTermination(loading, message.upgradeConfigs, spot.field('upgrade_configs')),
    upgrades: lowerRouteUpgrades(loading, message.upgradeConfigs, spot.field('upgrade_configs')),
    ...withHashPolicies(lowerHashPolicies(loading, message.hashPolicy, spot.field('hash_policy'))),
    ...lowerResilience(loading, message, spot, context),
    timeoutPlace: timeoutSpot.place,
  }
}

/** What is not set stays away, so that a model that is printed has it only where it is. */
function lowerResilience(
  loading: Loading,
  message: RouteActionMessage,
  spot: Spot,
  context: RouteContext,
): Pick<ForwardAction, 'priority' | 'retry' | 'mirrors'> {
  // Policies are not merged: the route's is taken as a whole, or the virtual host's.
  const retry = lowerRetryPolicy(loading, message.retryPolicy, spot.field('retry_policy')) ?? context.retry
  const mirrors =
    lowerRouteMirrors(loading, message.requestMirrorPolicies, spot.field('request_mirror_policies'), context) ??
    context.mirrors
  return {
    ...(message.priority === RoutingPriority.HIGH ? { priority: 'high' } : {}),
    ...(retry === undefined ? {} : { retry }),
    ...(mirrors === undefined ? {} : { mirrors }),
  }
}

/** Mirrors of a route, a virtual host or a table. */
export const lowerRouteMirrors = (
  loading: Loading,
  messages: readonly RouteAction_RequestMirrorPolicy[],
  spot: Spot,
  context: RouteContext,
): readonly MirrorPolicy[] | undefined =>
  lowerMirrors(loading, messages, spot, (name, at) => checkCluster(loading, name, at, context, 'shadow cluster'))

const withHashPolicies = (hashPolicies: ForwardAction['hashPolicies']): Pick<ForwardAction, 'hashPolicies'> =>
  hashPolicies === undefined ? {} : { hashPolicies }

function lowerClusterChoice(
  loading: Loading,
  message: RouteActionMessage,
  spot: Spot,
  context: RouteContext,
): ClusterChoice {
  const choice = message.clusterSpecifier
  switch (choice.case) {
    case 'cluster':
      checkCluster(loading, choice.value, spot.field('cluster'), context, 'cluster')
      return { kind: 'cluster', name: choice.value }
    case 'clusterHeader':
      return { kind: 'header', header: choice.value.toLowerCase() }
    case 'weightedClusters':
      return lowerWeighted(loading, choice.value, spot.field('weighted_clusters'), context)
    default:
      return { kind: 'cluster', name: '' }
  }
}

function checkCluster(loading: Loading, name: string, spot: Spot, context: RouteContext, noun: string): void {
  if (!context.validateClusters || name === '' || loading.clusterNames.has(name)) return
  const nearest = nearestName(name, loading.clusterNames)
  loading.error(
    spot,
    `route: unknown ${noun} '${name}'`,
    nearest === undefined ? 'it must stand in static_resources.clusters' : `did you mean "${nearest}"?`,
  )
}

function lowerWeighted(loading: Loading, message: WeightedMessage, spot: Spot, context: RouteContext): ClusterChoice {
  const clusters = each(message.clusters, spot.field('clusters'), (weight, at) =>
    lowerWeight(loading, weight, at, context),
  )
  const total = clusters.reduce((sum, cluster) => sum + cluster.weight, 0)
  if (total === 0)
    loading.error(spot.field('clusters'), 'Sum of weights in the weighted_cluster must be greater than 0.')
  if (total > 0xffffffff)
    loading.error(spot.field('clusters'), 'The sum of weights of all weighted clusters exceeds 4294967295')
  if (message.totalWeight !== undefined && message.totalWeight !== total) {
    loading.error(
      spot.field('total_weight'),
      `Sum of weights in the weighted_cluster should be ${message.totalWeight}`,
      `it is ${total}; total_weight is deprecated, leave it out`,
    )
  }
  const headerName =
    message.randomValueSpecifier.case === 'headerName' ? message.randomValueSpecifier.value.toLowerCase() : ''
  return { kind: 'weighted', clusters, total, headerName }
}

function lowerWeight(loading: Loading, message: WeightMessage, spot: Spot, context: RouteContext): WeightedCluster {
  if (message.name !== '' && message.clusterHeader !== '')
    loading.error(spot.field('cluster_header'), 'Only one of name or cluster_header can be specified')
  if (message.name === '' && message.clusterHeader === '')
    loading.error(spot, 'At least one of name or cluster_header need to be specified')
  checkCluster(loading, message.name, spot.field('name'), context, 'weighted cluster')
  return {
    cluster:
      message.clusterHeader === ''
        ? { kind: 'cluster', name: message.name }
        : { kind: 'header', header: message.clusterHeader.toLowerCase() },
    weight: message.weight ?? 0,
    mutations: lowerMutations(loading, message, spot),
    hostRewrite: message.hostRewriteSpecifier.case === 'hostRewriteLiteral' ? message.hostRewriteSpecifier.value : '',
    perFilter: lowerPerFilter(loading, message.typedPerFilterConfig, spot.field('typed_per_filter_config')),
    place: spot.place,
  }
}

const PATH_REWRITES = ['prefix_rewrite', 'regex_rewrite', 'path_rewrite_policy', 'path_rewrite']

function lowerPathRewrite(loading: Loading, message: RouteActionMessage, spot: Spot): PathRewrite | undefined {
  const set = [message.prefixRewrite, message.regexRewrite, message.pathRewritePolicy, message.pathRewrite]
  if (set.filter((rewrite) => rewrite !== undefined && rewrite !== '').length > 1) {
    const second = PATH_REWRITES.filter((name) => spot.has(name))[1] ?? 'regex_rewrite'
    loading.error(spot.field(second), 'Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy')
  }
  if (message.regexRewrite !== undefined) {
    return { kind: 'regex', ...lowerRewrite(loading, message.regexRewrite, spot.field('regex_rewrite')) }
  }
  if (message.pathRewrite !== '')
    return { kind: 'format', template: lowerTemplate(loading, message.pathRewrite, spot.field('path_rewrite')) }
  return message.prefixRewrite === '' ? undefined : { kind: 'prefix', prefix: message.prefixRewrite }
}

function lowerHostRewrite(loading: Loading, message: RouteActionMessage, spot: Spot): HostRewrite | undefined {
  const rewrite = message.hostRewriteSpecifier
  switch (rewrite.case) {
    case 'hostRewriteLiteral':
      return { kind: 'literal', host: rewrite.value }
    case 'autoHostRewrite':
      return rewrite.value.value ? { kind: 'auto' } : undefined
    case 'hostRewriteHeader':
      return { kind: 'header', header: rewrite.value.toLowerCase() }
    case 'hostRewritePathRegex':
      return { kind: 'path-regex', ...lowerRewrite(loading, rewrite.value, spot.field('host_rewrite_path_regex')) }
    case 'hostRewrite':
      return { kind: 'format', template: lowerTemplate(loading, rewrite.value, spot.field('host_rewrite')) }
    case undefined:
      return undefined
  }
}

const REDIRECTS = {
  [Redirect.MOVED_PERMANENTLY]: 301,
  [Redirect.FOUND]: 302,
  [Redirect.SEE_OTHER]: 303,
  [Redirect.TEMPORARY_REDIRECT]: 307,
  [Redirect.PERMANENT_REDIRECT]: 308,
}

export function lowerRedirect(loading: Loading, message: RedirectMessage, spot: Spot): RedirectAction {
  const scheme = message.schemeRewriteSpecifier
  return {
    kind: 'redirect',
    scheme:
      scheme.case === 'schemeRedirect' ? scheme.value : scheme.case === 'httpsRedirect' && scheme.value ? 'https' : '',
    host: message.hostRedirect,
    port: message.portRedirect,
    path: redirectPath(loading, message, spot),
    status: REDIRECTS[message.responseCode],
    stripQuery: message.stripQuery,
  }
}

function redirectPath(loading: Loading, message: RedirectMessage, spot: Spot): PathRewrite | undefined {
  const path = message.pathRewriteSpecifier
  switch (path.case) {
    case 'pathRedirect':
      return { kind: 'full', path: path.value }
    case 'prefixRewrite':
      return { kind: 'prefix', prefix: path.value }
    case 'regexRewrite':
      return { kind: 'regex', ...lowerRewrite(loading, path.value, spot.field('regex_rewrite')) }
    case undefined:
      return undefined
  }
}

export function lowerDirect(
  loading: Loading,
  message: DirectResponseAction,
  spot: Spot,
  context: RouteContext,
): RouteAction {
  const data = loadData(loading, message.body, spot.field('body'))
  const bytes = data?.bytes ?? Buffer.alloc(0)
  if (data !== undefined && bytes.length > context.maxDirectResponseBytes) {
    loading.error(
      data.spot,
      `response body size is ${bytes.length} bytes; maximum is ${context.maxDirectResponseBytes}`,
      'raise max_direct_response_body_size_bytes of the route_config',
    )
  }
  const format = lowerReplyFormat(loading, message.bodyFormat, spot.field('body_format'))
  if (format !== undefined && !isTemplate(format.template)) {
    loading.error(
      spot.field('body_format').field('json_format'),
      'known to Envoy but not supported by Sluice yet',
      'use text_format_source',
    )
  }
  const body = format !== undefined && isTemplate(format.template) ? format.template : bytes
  return { kind: 'direct', status: message.status, body, contentType: format?.contentType ?? 'text/plain' }
}

const isTemplate = (format: LocalReplyFormat['template']): format is FormatTemplate =>
  Array.isArray(format['parts']) && 'source' in format

/** For actions that are refused elsewhere. */
export const REFUSED: RouteAction = {
  kind: 'direct',
  status: 500,
  body: literalTemplate(''),
  contentType: 'text/plain',
}
