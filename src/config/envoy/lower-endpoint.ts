// Endpoints of a cluster. Envoy: config.endpoint.v3.

import { isIP } from 'node:net'
import type { Discovery, EndpointConfig } from '../model/cluster.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerAddress, lowerIpAddress } from './lower-address.ts'
import { each } from './lower-each.ts'
import { HealthStatus, type Cluster, type LbEndpoint, type LocalityLbEndpoints } from './messages.ts'

export function lowerEndpoints(
  loading: Loading,
  message: Cluster,
  spot: Spot,
  discovery: Discovery,
): readonly EndpointConfig[] {
  const localities = message.loadAssignment?.endpoints ?? []
  const at = spot.field('load_assignment').field('endpoints')
  const endpoints = each(localities, at, (locality, place) => lowerLocality(loading, locality, place, discovery)).flat()
  const count = localities.reduce((sum, locality) => sum + locality.lbEndpoints.length, 0)
  if (discovery === 'logical-dns' && count !== 1) {
    loading.error(
      spot.field('load_assignment'),
      'LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint',
      'STRICT_DNS takes several names',
    )
  }
  return endpoints
}

function lowerLocality(
  loading: Loading,
  message: LocalityLbEndpoints,
  spot: Spot,
  discovery: Discovery,
): readonly EndpointConfig[] {
  const { region = '', zone = '', subZone = '' } = message.locality ?? {}
  return each(message.lbEndpoints, spot.field('lb_endpoints'), (endpoint, at) =>
    lowerEndpoint(loading, endpoint, at, discovery, {
      priority: message.priority,
      locality: { region, zone, subZone },
    }),
  ).filter((endpoint) => endpoint !== undefined)
}

const HEALTH: { readonly [status in HealthStatus]: EndpointConfig['health'] } = {
  [HealthStatus.UNKNOWN]: 'healthy',
  [HealthStatus.HEALTHY]: 'healthy',
  [HealthStatus.UNHEALTHY]: 'unhealthy',
  [HealthStatus.DRAINING]: 'draining',
  [HealthStatus.TIMEOUT]: 'unhealthy',
  [HealthStatus.DEGRADED]: 'degraded',
}

function lowerEndpoint(
  loading: Loading,
  message: LbEndpoint,
  spot: Spot,
  discovery: Discovery,
  where: Pick<EndpointConfig, 'priority' | 'locality'>,
): EndpointConfig | undefined {
  const endpoint = message.hostIdentifier.case === 'endpoint' ? message.hostIdentifier.value : undefined
  const at = spot.field('endpoint').field('address')
  const address =
    discovery === 'static'
      ? lowerIpAddress(
          loading,
          endpoint?.address,
          at,
          "a name needs the cluster's type to be STRICT_DNS or LOGICAL_DNS",
        )
      : lowerAddress(endpoint?.address, at)
  if (address === undefined) return undefined
  if (address.kind === 'pipe' && discovery !== 'static')
    loading.error(at, 'a DNS cluster takes socket addresses only', 'use type STATIC for a pipe')
  if (address.kind === 'socket' && address.port === 0) loading.error(at.field('socket_address'), 'needs port_value')
  const name = address.kind === 'socket' && isIP(address.host) === 0 ? address.host : ''
  return {
    address,
    hostname: endpoint === undefined || endpoint.hostname === '' ? name : endpoint.hostname,
    weight: message.loadBalancingWeight ?? 1,
    ...where,
    health: HEALTH[message.healthStatus],
    place: spot.place,
  }
}
