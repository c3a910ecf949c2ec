// What a route does.

import { formatText } from '../model/format-parse.ts'
import type {
  ClusterChoice,
  DirectAction,
  ForwardAction,
  HostRewrite,
  PathRewrite,
  RedirectAction,
  WeightedCluster,
} from '../model/route.ts'
import { hashPolicy, isEnvoysHash } from './hash-policy.ts'
import { messageMutations } from './header-mutation.ts'
import { httpFilter, perFilterConfig } from './http-filter.ts'
import { dataSource, duration, fields, type Fields, type Json, listOf, timeout, unless } from './json.ts'
import { proxyProtocolConfig } from './proxy-protocol.ts'
import { mirrorPolicy, retryPolicy } from './retry-policy.ts'
import { regexRewrite } from './string-match.ts'

type Written = Readonly<Record<string, Json | undefined>>

/** RouteAction. */
export const forwardAction = (action: ForwardAction): Fields =>
  fields({
    ...clusterSpecifier(action.cluster),
    cluster_not_found_response_code:
      action.clusterNotFoundStatus === 404
        ? 'NOT_FOUND'
        : action.clusterNotFoundStatus === 500
          ? 'INTERNAL_SERVER_ERROR'
          : undefined,
    ...pathRewrite(action.pathRewrite),
    ...hostRewrite(action.hostRewrite),
    append_x_forwarded_host: unless(action.appendForwardedHost, false),
    timeout: timeout(action.timeoutMs, 15_000),
    idle_timeout: action.idleTimeoutMs === 'inherit' ? undefined : duration(action.idleTimeoutMs ?? 0),
    max_stream_duration:
      action.maxStreamDurationMs === 'inherit'
        ? undefined
        : { max_stream_duration: duration(action.maxStreamDurationMs ?? 0) },
    upgrade_configs: upgradeConfigs(action),
    priority: action.priority === 'high' ? 'HIGH' : undefined,
    retry_policy: action.retry && retryPolicy(action.retry),
    request_mirror_policies: listOf(action.mirrors, mirrorPolicy),
    hash_policy: listOf(action.hashPolicies?.filter(isEnvoysHash), hashPolicy),
  })

function upgradeConfigs({ upgrades, connect }: ForwardAction): Json | undefined {
  const config = connect && {
    connect_config: fields({
      proxy_protocol_config: connect.proxyProtocol && proxyProtocolConfig(connect.proxyProtocol),
      allow_post: unless(connect.allowPost, false),
    }),
  }
  const types = [...upgrades].map(([type, { enabled, filters }]) =>
    fields({
      upgrade_type: type,
      enabled: unless(enabled, true),
      filters: listOf(filters, httpFilter),
      ...(type === 'connect' || type === 'connect-udp' ? config : {}),
    }),
  )
  return listOf(types, (each) => each)
}

function clusterSpecifier(choice: ClusterChoice): Written {
  switch (choice.kind) {
    case 'cluster':
      return { cluster: choice.name }
    case 'header':
      return { cluster_header: choice.header }
    case 'first-match':
      return { cluster: choice.main }
    case 'weighted':
      return {
        weighted_clusters: fields({
          clusters: choice.clusters.map(weightedCluster),
          header_name: unless(choice.headerName, ''),
        }),
      }
  }
}

/** The cluster that stands for a share which is answered by the proxy itself; there is none of that name. */
export const ANSWER_CLUSTER = 'sluice.answer'

function weightedCluster(member: WeightedCluster): Fields {
  const { cluster } = member
  return fields({
    name: cluster.kind === 'header' ? undefined : cluster.kind === 'cluster' ? cluster.name : ANSWER_CLUSTER,
    cluster_header: cluster.kind === 'header' ? cluster.header : undefined,
    weight: member.weight,
    ...messageMutations(member.mutations),
    host_rewrite_literal: unless(member.hostRewrite, ''),
    typed_per_filter_config: perFilterConfig(member.perFilter),
  })
}

function pathRewrite(rewrite: PathRewrite | undefined): Written {
  switch (rewrite?.kind) {
    case 'prefix':
      return { prefix_rewrite: rewrite.prefix }
    case 'regex':
      return { regex_rewrite: regexRewrite(rewrite.regex, rewrite.substitution) }
    case 'format':
      return { path_rewrite: formatText(rewrite.template) }
    default:
      return {}
  }
}

function hostRewrite(rewrite: HostRewrite | undefined): Written {
  switch (rewrite?.kind) {
    case 'literal':
      return { host_rewrite_literal: rewrite.host }
    case 'auto':
      return { auto_host_rewrite: true }
    case 'header':
      return { host_rewrite_header: rewrite.header }
    case 'path-regex':
      return { host_rewrite_path_regex: regexRewrite(rewrite.regex, rewrite.substitution) }
    case 'format':
      return { host_rewrite: formatText(rewrite.template) }
    case undefined:
      return {}
  }
}

/** What of a forwarding action Envoy has no words for. */
export function actionPart(action: ForwardAction): unknown {
  const { cluster, pathRewrite: path, affinity, websocket, hashPolicies } = action
  const part = {
    cluster: needsPart(cluster) ? cluster : undefined,
    pathRewrite: path?.kind === 'segment-prefix' || path?.kind === 'full' ? path : undefined,
    hashPolicies: hashPolicies?.every(isEnvoysHash) === false ? hashPolicies : undefined,
    retry: action.retry === undefined || action.retry.backoff.kind === 'jittered' ? undefined : action.retry,
    affinity,
    websocket,
  }
  return Object.values(part).some((value) => value !== undefined) ? part : undefined
}

const needsPart = (choice: ClusterChoice): boolean =>
  choice.kind === 'first-match' ||
  (choice.kind === 'weighted' &&
    choice.clusters.some(
      ({ cluster, pathRewrite: path, mirrors }) =>
        cluster.kind === 'answer' || path !== undefined || mirrors !== undefined,
    ))

const REDIRECTS: Readonly<Record<number, string | undefined>> = {
  302: 'FOUND',
  303: 'SEE_OTHER',
  307: 'TEMPORARY_REDIRECT',
  308: 'PERMANENT_REDIRECT',
}

/** RedirectAction. */
export const redirectAction = (action: RedirectAction): Fields =>
  fields({
    scheme_redirect: unless(action.scheme, ''),
    host_redirect: unless(action.host, ''),
    port_redirect: unless(action.port, 0),
    ...redirectPath(action.path),
    response_code: REDIRECTS[action.status],
    strip_query: unless(action.stripQuery, false),
  })

function redirectPath(path: PathRewrite | undefined): Written {
  switch (path?.kind) {
    case 'full':
      return { path_redirect: path.path }
    case 'prefix':
      return { prefix_rewrite: path.prefix }
    case 'regex':
      return { regex_rewrite: regexRewrite(path.regex, path.substitution) }
    default:
      return {}
  }
}

/** DirectResponseAction. */
export function directAction({ status, body, contentType }: DirectAction): Fields {
  const type = unless(contentType, 'text/plain')
  if (!Buffer.isBuffer(body))
    return {
      status,
      body_format: fields({ text_format_source: { inline_string: formatText(body) }, content_type: type }),
    }
  const plain = body.length === 0 ? { status } : { status, body: dataSource(body) }
  if (type === undefined) return plain
  // A content type comes with a format only, in which a percent sign is written twice.
  const text = body.toString('utf8').replaceAll('%', '%%')
  return { status, body_format: { text_format_source: { inline_string: text }, content_type: type } }
}
