// Route tables, virtual hosts and routes.

import { PART_KEYS } from '../model/model-part.ts'
import type { ClusterChoice, Route, RouteTable, VirtualHost } from '../model/route.ts'
import { messageMutations } from './header-mutation.ts'
import { perFilterConfig } from './http-filter.ts'
import { fields, type Fields, type Json, listOf, unless } from './json.ts'
import { partMetadata } from './model-part.ts'
import { ANSWER_CLUSTER, actionPart, directAction, forwardAction, redirectAction } from './route-action.ts'
import { matchPart, routeMatch } from './route-match.ts'

/** RouteConfiguration. Bodies of direct responses may be of any size: the model has accepted them. */
export const routeConfiguration = (table: RouteTable, clusters: ReadonlySet<string>): Fields =>
  fields({
    name: unless(table.name, ''),
    virtual_hosts: listOf(table.virtualHosts, virtualHost),
    ...messageMutations(table.mutations),
    most_specific_header_mutations_wins: unless(table.mostSpecificMutationsWin, false),
    ignore_port_in_host_matching: unless(table.ignorePortInHostMatching, false),
    ignore_path_parameters_in_path_matching: unless(table.ignorePathParameters, false),
    internal_only_headers: listOf(table.internalOnlyHeaders, (name) => name),
    validate_clusters: unless(namesKnown(table, clusters), true),
    max_direct_response_body_size_bytes: unless(largestBody(table), undefined),
    metadata: partMetadata(PART_KEYS.table, { refusal: table.refusal }),
  })

function* routes({ virtualHosts }: RouteTable): Generator<Route> {
  for (const host of virtualHosts) yield* host.routes
}

/** Whether all clusters that are named exist; members that answer here name one that does not. */
const namesKnown = (table: RouteTable, clusters: ReadonlySet<string>): boolean =>
  [...routes(table)].every(
    ({ action }) => action.kind !== 'forward' || clusterNames(action.cluster).every((name) => clusters.has(name)),
  )

function clusterNames(choice: ClusterChoice): readonly string[] {
  switch (choice.kind) {
    case 'cluster':
      return [choice.name]
    case 'first-match':
      return [choice.main]
    case 'header':
      return []
    case 'weighted':
      return choice.clusters.flatMap(({ cluster }) =>
        cluster.kind === 'cluster' ? [cluster.name] : cluster.kind === 'answer' ? [ANSWER_CLUSTER] : [],
      )
  }
}

/** undefined while Envoy's limit is enough. */
function largestBody(table: RouteTable): number | undefined {
  let largest = 4096
  for (const { action } of routes(table))
    if (action.kind === 'direct' && Buffer.isBuffer(action.body)) largest = Math.max(largest, action.body.length)
  return largest === 4096 ? undefined : largest
}

const REQUIREMENTS = { none: undefined, 'external-only': 'EXTERNAL_ONLY', all: 'ALL' } as const

const virtualHost = (host: VirtualHost): Fields =>
  fields({
    name: host.name,
    domains: [...host.domains],
    routes: listOf(host.routes, route),
    require_tls: REQUIREMENTS[host.requireTls],
    include_request_attempt_count: unless(host.attemptCountInRequest, false),
    include_attempt_count_in_response: unless(host.attemptCountInResponse, false),
    ...messageMutations(host.mutations),
    typed_per_filter_config: perFilterConfig(host.perFilter),
  })

function route(it: Route): Fields {
  return fields({
    name: unless(it.name, ''),
    match: routeMatch(it.match),
    ...action(it),
    ...messageMutations(it.mutations),
    typed_per_filter_config: perFilterConfig(it.perFilter),
    metadata: partMetadata(PART_KEYS.route, {
      maxRequestBodyBytes: it.maxRequestBodyBytes,
      match: matchPart(it.match),
      action: it.action.kind === 'forward' ? actionPart(it.action) : redirectPart(it.action),
    }),
  })
}

function action({ action: it }: Route): Readonly<Record<string, Json | undefined>> {
  switch (it.kind) {
    case 'forward':
      return { route: forwardAction(it) }
    case 'redirect':
      return { redirect: redirectAction(it) }
    case 'direct':
      return { direct_response: directAction(it) }
  }
}

/** Replacing whole segments and leaving ports out are Gateway API's. */
function redirectPart(it: Exclude<Route['action'], { kind: 'forward' }>): unknown {
  if (it.kind !== 'redirect') return undefined
  const path = it.path?.kind === 'segment-prefix' ? it.path : undefined
  const omitDefaultPort = it.omitDefaultPort
  return path === undefined && omitDefaultPort === undefined ? undefined : { path, omitDefaultPort }
}
