// `/clusters`: limits and endpoints of each cluster, as `name::field::value` lines or JSON. Envoy: admin.v3.Clusters.

import type { CircuitBreakers } from '../../config/model/cluster.ts'
import { parseNameFilter } from '../../observe/metrics/selection.ts'
import { addressJson } from '../address-json.ts'
import type { ClusterStatus, HostStatus } from '../context.ts'
import { type Endpoint, formatOf, json, refused, text } from '../endpoint.ts'

export const CLUSTERS: Endpoint = {
  path: '/clusters',
  summary: 'clusters with their limits and endpoints',
  mutates: false,
  parameters: [
    { name: 'format', summary: 'one of text, json' },
    { name: 'filter', summary: 'regular expression (RE2) to find in the name' },
  ],
  handle({ query }, context) {
    const format = formatOf(query, ['text', 'json'])
    if (format === undefined) return refused('usage: /clusters?format=(text|json)')
    const parsed = parseNameFilter(query.get('filter') ?? '')
    if (parsed.kind === 'refused') return refused(parsed.reason)
    const clusters = context.clusters().filter(({ name }) => parsed.filter?.(name) ?? true)
    if (format === 'json') return json({ cluster_statuses: clusters.map(clusterJson) })
    return text(clusters.map(clusterText).join(''))
  },
}

function clusterText(cluster: ClusterStatus): string {
  const { name } = cluster
  const lines = [
    `observability_name::${cluster.observabilityName}`,
    ...limitLines('default_priority', cluster.circuitBreakers.default),
    ...limitLines('high_priority', cluster.circuitBreakers.high),
    'added_via_api::false',
    ...cluster.hosts.flatMap((host) =>
      hostFields(host).map(([field, value]) => `${host.address.text}::${field}::${value}`),
    ),
  ]
  return lines.map((line) => `${name}::${line}\n`).join('')
}

const limitLines = (priority: string, limits: CircuitBreakers): string[] => [
  `${priority}::max_connections::${limits.maxConnections}`,
  `${priority}::max_pending_requests::${limits.maxPendingRequests}`,
  `${priority}::max_requests::${limits.maxRequests}`,
  `${priority}::max_retries::${limits.maxRetries}`,
]

const hostFields = (host: HostStatus): (readonly [string, string | number])[] => [
  ...COUNTERS.map(([name, read]) => [name, read(host)] as const),
  ...GAUGES.map(([name, read]) => [name, read(host)] as const),
  ['hostname', host.hostname],
  ['health_flags', host.healthFlags.length === 0 ? 'healthy' : host.healthFlags.map((flag) => `/${flag}`).join('')],
  ['weight', host.weight],
  ['region', host.region],
  ['zone', host.zone],
  ['sub_zone', host.subZone],
  ['canary', 'false'],
  ['priority', host.priority],
  ['success_rate', '-1'],
  ['local_origin_success_rate', '-1'],
]

const COUNTERS: readonly (readonly [string, (host: HostStatus) => number])[] = [
  ['cx_connect_fail', (host) => host.cxConnectFail],
  ['cx_total', (host) => host.cxTotal],
  ['rq_error', (host) => host.rqError],
  ['rq_success', (host) => host.rqSuccess],
  ['rq_timeout', (host) => host.rqTimeout],
  ['rq_total', (host) => host.rqTotal],
]

const GAUGES: readonly (readonly [string, (host: HostStatus) => number])[] = [
  ['cx_active', (host) => host.cxActive],
  ['rq_active', (host) => host.rqActive],
]

const clusterJson = (cluster: ClusterStatus): unknown => ({
  name: cluster.name,
  observability_name: cluster.observabilityName,
  added_via_api: false,
  circuit_breakers: {
    thresholds: [
      limitsJson('DEFAULT', cluster.circuitBreakers.default),
      limitsJson('HIGH', cluster.circuitBreakers.high),
    ],
  },
  host_statuses: cluster.hosts.map(hostJson),
})

const limitsJson = (priority: string, limits: CircuitBreakers): unknown => ({
  priority,
  max_connections: limits.maxConnections,
  max_pending_requests: limits.maxPendingRequests,
  max_requests: limits.maxRequests,
  max_retries: limits.maxRetries,
})

/** What the configuration says of the endpoint's health. */
function edsHealth({ healthFlags }: HostStatus): string {
  if (healthFlags.includes('failed_eds_health')) return 'UNHEALTHY'
  return healthFlags.includes('degraded_eds_health') ? 'DEGRADED' : 'HEALTHY'
}

/** Flags and their fields in HostHealthStatus. */
const HEALTH_FIELDS: readonly (readonly [flag: string, field: string])[] = [
  ['failed_active_hc', 'failed_active_health_check'],
  ['failed_outlier_check', 'failed_outlier_check'],
  ['degraded_active_hc', 'failed_active_degraded_check'],
  ['pending_active_hc', 'pending_active_hc'],
  ['active_hc_timeout', 'active_hc_timeout'],
]

/** 64-bit numbers are text in Envoy's JSON. */
const hostJson = (host: HostStatus): unknown => ({
  address: addressJson(host.address),
  stats: [
    ...COUNTERS.map(([name, read]) => ({ type: 'COUNTER', name, value: String(read(host)) })),
    ...GAUGES.map(([name, read]) => ({ type: 'GAUGE', name, value: String(read(host)) })),
  ],
  health_status: {
    eds_health_status: edsHealth(host),
    ...Object.fromEntries(
      HEALTH_FIELDS.flatMap(([flag, field]) => (host.healthFlags.includes(flag) ? [[field, true]] : [])),
    ),
  },
  weight: host.weight,
  hostname: host.hostname,
  priority: host.priority,
  locality: { region: host.region, zone: host.zone, sub_zone: host.subZone },
})
