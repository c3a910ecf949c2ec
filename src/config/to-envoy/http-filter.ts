// HTTP filters, on chains and per route.

import type { CorsPolicy } from '../model/cors.ts'
import type { HttpFilterConfig } from '../model/http-filter.ts'
import type { PerFilterConfig } from '../model/route.ts'
import { accessLogs } from './access-log.ts'
import { dnsCacheConfig } from './dns-cache.ts'
import { filterMutations } from './header-mutation.ts'
import { fields, type Fields, listOf, typed, unless, unlessEmpty } from './json.ts'
import { modelPart } from './model-part.ts'
import { headerMatcher, stringMatcher } from './string-match.ts'

const FILTERS = 'envoy.extensions.filters.http.'

/** HttpFilter. */
export const httpFilter = (filter: HttpFilterConfig): Fields =>
  fields({ name: filter.name, typed_config: filterConfig(filter), disabled: unless(filter.disabled, false) })

function filterConfig(filter: HttpFilterConfig): Fields {
  switch (filter.kind) {
    case 'router':
      return typed(
        `${FILTERS}router.v3.Router`,
        fields({
          suppress_envoy_headers: unless(filter.suppressEnvoyHeaders, false),
          upstream_log: accessLogs(filter.upstreamLogs),
          reject_connect_request_early_data: unless(filter.rejectConnectEarlyData, false),
        }),
      )
    case 'buffer':
      return typed(`${FILTERS}buffer.v3.Buffer`, { max_request_bytes: filter.maxRequestBytes })
    case 'header-mutation':
      return typed(`${FILTERS}header_mutation.v3.HeaderMutation`, filterMutations(filter.request, filter.response))
    case 'health-check':
      return typed(
        `${FILTERS}health_check.v3.HealthCheck`,
        fields({ pass_through_mode: filter.passThrough, headers: listOf(filter.headers, headerMatcher) }),
      )
    case 'dynamic-forward-proxy':
      return typed(
        `${FILTERS}dynamic_forward_proxy.v3.FilterConfig`,
        fields({ dns_cache_config: filter.cache && dnsCacheConfig(filter.cache) }),
      )
    case 'cors':
      return typed(`${FILTERS}cors.v3.Cors`)
    case 'pipeline':
      return modelPart({ pipeline: filter.pipeline ?? 'none' }) ?? {}
  }
}

/** typed_per_filter_config. */
export const perFilterConfig = (overrides: PerFilterConfig): Fields | undefined =>
  unlessEmpty(
    Object.fromEntries([...overrides].map(([name, { disabled, config }]) => [name, override(disabled, config)])),
  )

function override(disabled: boolean, config: HttpFilterConfig | undefined): Fields {
  if (disabled) return typed('envoy.config.route.v3.FilterConfig', { disabled: true })
  if (config === undefined) return typed('envoy.config.route.v3.FilterConfig')
  switch (config.kind) {
    case 'buffer':
      return typed(`${FILTERS}buffer.v3.BufferPerRoute`, { buffer: { max_request_bytes: config.maxRequestBytes } })
    case 'header-mutation':
      return typed(
        `${FILTERS}header_mutation.v3.HeaderMutationPerRoute`,
        filterMutations(config.request, config.response),
      )
    case 'dynamic-forward-proxy':
      return typed(
        `${FILTERS}dynamic_forward_proxy.v3.PerRouteConfig`,
        fields({
          host_rewrite_literal: unless(config.hostRewrite, ''),
          host_rewrite_header: unless(config.hostRewriteHeader, ''),
        }),
      )
    case 'cors':
      return typed(`${FILTERS}cors.v3.CorsPolicy`, config.policy === undefined ? {} : corsPolicy(config.policy))
    default:
      return filterConfig(config)
  }
}

const corsPolicy = (policy: CorsPolicy): Fields =>
  fields({
    allow_origin_string_match: listOf(policy.allowOrigins, stringMatcher),
    allow_methods: joined(policy.allowMethods),
    allow_headers: joined(policy.allowHeaders),
    expose_headers: joined(policy.exposeHeaders),
    max_age: policy.maxAge === undefined ? undefined : String(policy.maxAge),
    allow_credentials: unless(policy.allowCredentials, false),
    allow_private_network_access: unless(policy.allowPrivateNetwork, false),
    forward_not_matching_preflights: policy.keepUnmatchedPreflights === true ? false : undefined,
  })

const joined = (list: readonly string[]): string | undefined => (list.length === 0 ? undefined : list.join(','))
