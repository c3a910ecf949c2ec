// Route tables and virtual hosts. Envoy: config.route.v3.RouteConfiguration, VirtualHost.

import { PART_KEYS } from '../model/model-part.ts'
import type { PerFilterConfig, RouteTable, VirtualHost } from '../model/route.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { each } from './lower-each.ts'
import { lowerMutations } from './lower-header-mutation.ts'
import { metadataPart } from './lower-model-part.ts'
import { lowerPerFilter } from './lower-http-filter.ts'
import { lowerRetryPolicy } from './lower-retry-policy.ts'
import { lowerRouteMirrors, type RouteContext } from './lower-route-action.ts'
import { lowerRoute } from './lower-route.ts'
import {
  VirtualHost_TlsRequirementType as Requirement,
  type RouteConfiguration,
  type VirtualHost as HostMessage,
} from './messages.ts'

/** An inline route_config; unknown clusters are load errors unless validate_clusters is false. */
export function lowerRouteTable(loading: Loading, message: RouteConfiguration, spot: Spot): RouteTable {
  const plain: RouteContext = {
    validateClusters: message.validateClusters ?? true,
    maxDirectResponseBytes: message.maxDirectResponseBodySizeBytes ?? 4096,
  }
  const mirrors = lowerRouteMirrors(
    loading,
    message.requestMirrorPolicies,
    spot.field('request_mirror_policies'),
    plain,
  )
  const context = { ...plain, mirrors }
  const shared = lowerPerFilter(loading, message.typedPerFilterConfig, spot.field('typed_per_filter_config'))
  checkDomains(loading, message, spot.field('virtual_hosts'))
  return {
    name: message.name,
    virtualHosts: each(message.virtualHosts, spot.field('virtual_hosts'), (host, at) =>
      lowerHost(loading, host, at, context, shared),
    ),
    mutations: lowerMutations(loading, message, spot),
    mostSpecificMutationsWin: message.mostSpecificHeaderMutationsWins,
    ignorePortInHostMatching: message.ignorePortInHostMatching,
    ignorePathParameters: message.ignorePathParametersInPathMatching,
    internalOnlyHeaders: message.internalOnlyHeaders.map((name) => name.toLowerCase()),
    ...metadataPart<RouteTable>(loading, message.metadata, spot.field('metadata'), PART_KEYS.table),
    place: spot.place,
  }
}

const REQUIREMENTS: { readonly [requirement in Requirement]: VirtualHost['requireTls'] } = {
  [Requirement.NONE]: 'none',
  [Requirement.EXTERNAL_ONLY]: 'external-only',
  [Requirement.ALL]: 'all',
}

function lowerHost(
  loading: Loading,
  message: HostMessage,
  spot: Spot,
  table: RouteContext,
  shared: PerFilterConfig,
): VirtualHost {
  const context: RouteContext = {
    ...table,
    retry: lowerRetryPolicy(loading, message.retryPolicy, spot.field('retry_policy')),
    mirrors:
      lowerRouteMirrors(loading, message.requestMirrorPolicies, spot.field('request_mirror_policies'), table) ??
      table.mirrors,
  }
  const own = lowerPerFilter(loading, message.typedPerFilterConfig, spot.field('typed_per_filter_config'))
  return {
    name: message.name,
    domains: message.domains.map((domain) => domain.toLowerCase()),
    routes: each(message.routes, spot.field('routes'), (route, at) => lowerRoute(loading, route, at, context)),
    requireTls: REQUIREMENTS[message.requireTls],
    mutations: lowerMutations(loading, message, spot),
    ...(message.includeRequestAttemptCount ? { attemptCountInRequest: true } : {}),
    ...(message.includeAttemptCountInResponse ? { attemptCountInResponse: true } : {}),
    // What the table says about filters holds for every host that does not say otherwise.
    perFilter: new Map([...shared, ...own]),
    place: spot.place,
  }
}

/** A domain may stand once in a table, compared without regard to case; virtual hosts have names of their own. */
function checkDomains(loading: Loading, message: RouteConfiguration, spot: Spot): void {
  const seen = new Set<string>()
  const names = new Set<string>()
  for (const [index, host] of message.virtualHosts.entries()) {
    if (names.has(host.name)) {
      loading.error(
        spot.at(index).field('name'),
        `Only unique names for virtual hosts are permitted. Duplicate entry of virtual host ${host.name}`,
      )
    }
    names.add(host.name)
    for (const [position, written] of host.domains.entries()) {
      const domain = written.toLowerCase()
      const at = spot.at(index).field('domains').at(position)
      if (seen.has(domain)) loading.error(at, duplicateSentence(domain, message.name))
      seen.add(domain)
      if (domain !== '*' && domain.slice(1, -1).includes('*'))
        loading.warning(at, 'a * inside is taken literally', 'wildcards are *, *.suffix and prefix.*')
    }
  }
}

const duplicateSentence = (domain: string, table: string): string =>
  domain === '*'
    ? `Only a single wildcard domain is permitted in route ${table}`
    : `Only unique values for domains are permitted. Duplicate entry of domain ${domain} in route ${table}`
