// Network filters of a chain: gates and the terminal one.

import type { ConnectionGate, NetworkFilter } from '../model/network-filter.ts'
import type { RbacCondition, RbacRules } from '../model/network-rbac.ts'
import { cidrRange } from './address.ts'
import { dnsCacheConfig } from './dns-cache.ts'
import { connectionManager } from './connection-manager.ts'
import { dataSource, duration, extension, fields, type Fields, optional, unless } from './json.ts'
import { stringMatcher } from './string-match.ts'
import { tcpProxy } from './tcp-proxy.ts'

const FILTERS = 'envoy.extensions.filters.network.'

/** config.listener.v3.Filter of the terminal filter; `clusters` are the names that exist. */
export function terminalFilter(filter: NetworkFilter, clusters: ReadonlySet<string>): Fields {
  switch (filter.kind) {
    case 'http-connection-manager':
      return extension(
        'envoy.filters.network.http_connection_manager',
        `${FILTERS}http_connection_manager.v3.HttpConnectionManager`,
        connectionManager(filter, clusters),
      )
    case 'tcp-proxy':
      return extension('envoy.filters.network.tcp_proxy', `${FILTERS}tcp_proxy.v3.TcpProxy`, tcpProxy(filter))
    case 'echo':
      return extension('envoy.filters.network.echo', `${FILTERS}echo.v3.Echo`)
    case 'direct-response':
      return extension('envoy.filters.network.direct_response', `${FILTERS}direct_response.v3.Config`, {
        response: dataSource(filter.response),
      })
  }
}

/** config.listener.v3.Filter of a gate. */
export function gateFilter(gate: ConnectionGate): Fields {
  switch (gate.kind) {
    case 'connection-limit':
      return extension(
        'envoy.filters.network.connection_limit',
        `${FILTERS}connection_limit.v3.ConnectionLimit`,
        fields({ stat_prefix: gate.statPrefix, max_connections: gate.maxConnections, delay: optional(gate.delayMs) }),
      )
    case 'local-rate-limit':
      return extension(
        'envoy.filters.network.local_ratelimit',
        `${FILTERS}local_ratelimit.v3.LocalRateLimit`,
        fields({
          stat_prefix: gate.statPrefix,
          token_bucket: {
            max_tokens: gate.maxTokens,
            tokens_per_fill: gate.tokensPerFill,
            fill_interval: duration(gate.fillIntervalMs),
          },
          share_key: unless(gate.shareKey, ''),
        }),
      )
    case 'rbac':
      return extension(
        'envoy.filters.network.rbac',
        `${FILTERS}rbac.v3.RBAC`,
        fields({
          stat_prefix: gate.statPrefix,
          rules: gate.rules && rbacRules(gate.rules),
          shadow_rules: gate.shadowRules && rbacRules(gate.shadowRules),
          shadow_rules_stat_prefix: unless(gate.shadowStatPrefix, ''),
          enforcement_type: gate.enforcement === 'every-read' ? 'CONTINUOUS' : undefined,
          delay_deny: optional(gate.delayDenyMs),
        }),
      )
    case 'sni-dynamic-forward-proxy':
      return extension(
        'envoy.filters.network.sni_dynamic_forward_proxy',
        `${FILTERS}sni_dynamic_forward_proxy.v3.FilterConfig`,
        { dns_cache_config: dnsCacheConfig(gate.cache), port_value: gate.port },
      )
  }
}

const rbacRules = ({ action, policies }: RbacRules): Fields => ({
  action: action.toUpperCase(),
  policies: Object.fromEntries(
    policies.map(({ name, permissions, principals }) => [
      name,
      { permissions: permissions.map(permission), principals: principals.map(principal) },
    ]),
  ),
})

function permission(condition: RbacCondition): Fields {
  switch (condition.kind) {
    case 'all-of':
      return { and_rules: { rules: condition.conditions.map(permission) } }
    case 'any-of':
      return { or_rules: { rules: condition.conditions.map(permission) } }
    case 'not':
      return { not_rule: permission(condition.condition) }
    case 'destination-ip':
      return { destination_ip: cidrRange(condition.range) }
    case 'destination-port':
      return { destination_port_range: { start: condition.from, end: condition.to } }
    case 'server-name':
      return { requested_server_name: stringMatcher(condition.match) }
    default:
      return { any: true }
  }
}

function principal(condition: RbacCondition): Fields {
  switch (condition.kind) {
    case 'all-of':
      return { and_ids: { ids: condition.conditions.map(principal) } }
    case 'any-of':
      return { or_ids: { ids: condition.conditions.map(principal) } }
    case 'not':
      return { not_id: principal(condition.condition) }
    case 'direct-remote-ip':
      return { direct_remote_ip: cidrRange(condition.range) }
    case 'remote-ip':
      return { remote_ip: cidrRange(condition.range) }
    case 'authenticated':
      return {
        authenticated: fields({ principal_name: condition.match && stringMatcher(condition.match) }),
      }
    default:
      return { any: true }
  }
}
