// Endpoints, grouped by priority and locality as Envoy writes them.

import type { Cluster, EndpointConfig } from '../model/cluster.ts'
import { DEFAULT_SPREAD } from '../model/balancing.ts'
import type { FilterMetadata } from '../model/metadata.ts'
import { addressMessage } from './address.ts'
import { fields, type Fields, isJson, type Json, listOf, typed, unless, unlessEmpty } from './json.ts'
import { tlvEntries } from './proxy-protocol.ts'

/** ClusterLoadAssignment; undefined for clusters that dial what is named. */
export function loadAssignment(cluster: Cluster): Fields | undefined {
  if (cluster.discovery === 'original-dst' || cluster.discovery === 'dynamic-forward-proxy') return undefined
  const { spread = DEFAULT_SPREAD } = cluster
  return fields({
    cluster_name: cluster.name,
    endpoints: localities(cluster.endpoints).map(locality),
    policy: unlessEmpty(
      fields({
        overprovisioning_factor:
          spread.overprovisioning === DEFAULT_SPREAD.overprovisioning
            ? undefined
            : Math.round(spread.overprovisioning * 100),
        weighted_priority_health: spread.weightedPriorityHealth === true ? true : undefined,
      }),
    ),
  })
}

/** Endpoints that stand together in one LocalityLbEndpoints, in the order of their first. */
function localities(endpoints: readonly EndpointConfig[]): readonly (readonly EndpointConfig[])[] {
  const groups = new Map<string, EndpointConfig[]>()
  for (const endpoint of endpoints) {
    const { region, zone, subZone } = endpoint.locality
    const key = JSON.stringify([endpoint.priority, region, zone, subZone, endpoint.localityWeight])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [endpoint])
    else group.push(endpoint)
  }
  return [...groups.values()]
}

function locality(endpoints: readonly EndpointConfig[]): Fields {
  const [first] = endpoints
  if (first === undefined) return {}
  const { region, zone, subZone } = first.locality
  return fields({
    locality: unlessEmpty(
      fields({ region: unless(region, ''), zone: unless(zone, ''), sub_zone: unless(subZone, '') }),
    ),
    priority: unless(first.priority, 0),
    load_balancing_weight: first.localityWeight,
    lb_endpoints: endpoints.map(lbEndpoint),
  })
}

const HEALTH = { healthy: undefined, degraded: 'DEGRADED', unhealthy: 'UNHEALTHY', draining: 'DRAINING' } as const

function lbEndpoint(endpoint: EndpointConfig): Fields {
  const { address, hostname, weight, health, healthCheck } = endpoint
  const implied = address.kind === 'socket' ? address.host : ''
  return fields({
    endpoint: fields({
      address: addressMessage(address),
      additional_addresses: listOf(endpoint.additionalAddresses, (other) => ({ address: addressMessage(other) })),
      hostname: hostname === '' || hostname === implied ? undefined : hostname,
      health_check_config:
        healthCheck &&
        unlessEmpty(
          fields({
            port_value: healthCheck.port,
            hostname: unless(healthCheck.hostname, ''),
            disable_active_health_check: unless(healthCheck.disabled, false),
            address:
              healthCheck.address === undefined
                ? undefined
                : { socket_address: { address: healthCheck.address, port_value: healthCheck.port ?? 0 } },
          }),
        ),
    }),
    health_status: HEALTH[health],
    load_balancing_weight: unless(weight, 1),
    metadata: metadata(endpoint.metadata, {
      'envoy.http11_proxy_transport_socket.proxy_address':
        endpoint.httpProxy && typed('envoy.config.core.v3.Address', addressMessage(endpoint.httpProxy)),
      'envoy.transport_sockets.proxy_protocol':
        endpoint.proxyTlvs &&
        typed('envoy.config.core.v3.PerHostConfig', fields({ added_tlvs: tlvEntries(endpoint.proxyTlvs) })),
    }),
  })
}

/** core.v3.Metadata of plain and of typed values; undefined when there is none. */
export function metadata(
  plain: FilterMetadata | undefined,
  typedValues: Readonly<Record<string, Fields | undefined>>,
): Fields | undefined {
  return unlessEmpty(
    fields({
      filter_metadata:
        plain === undefined
          ? undefined
          : Object.fromEntries([...plain].map(([namespace, values]) => [namespace, structOf(values)])),
      typed_filter_metadata: unlessEmpty(fields(typedValues)),
    }),
  )
}

/** What is no text stands in the model as its JSON. */
const structOf = (values: ReadonlyMap<string, string>): Fields =>
  Object.fromEntries([...values].map(([key, value]) => [key, valueOf(value)]))

function valueOf(text: string): Json {
  if (!/^(?:[[{]|true$|false$|null$|-?\d)/.test(text)) return text
  try {
    const value: unknown = JSON.parse(text)
    return isJson(value) && JSON.stringify(value) === text ? value : text
  } catch {
    return text
  }
}
