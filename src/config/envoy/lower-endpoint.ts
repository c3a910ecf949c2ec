// Endpoints of a cluster. Envoy: config.endpoint.v3.

import { isIP } from 'node:net'
import type { Address } from '../model/address.ts'
import type { Discovery, EndpointConfig } from '../model/cluster.ts'
import { nearestName } from '../model/nearest-name.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerAddress, lowerIpAddress } from './lower-address.ts'
import { each } from './lower-each.ts'
import { lowerEndpointCheck } from './lower-health-check.ts'
import { checkMetadataKeys, lowerMetadata, METADATA_KEYS, typedMetadata } from './lower-metadata.ts'
import { lowerTlvs } from './lower-proxy-protocol.ts'
import {
  AddressSchema,
  HealthStatus,
  PerHostConfigSchema,
  type Cluster,
  type Endpoint,
  type LbEndpoint,
  type LocalityLbEndpoints,
  type Metadata,
} from './messages.ts'

export function lowerEndpoints(
  loading: Loading,
  message: Cluster,
  spot: Spot,
  discovery: Discovery,
): readonly EndpointConfig[] {
  if (discovery === 'original-dst' || discovery === 'dynamic-forward-proxy') return []
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
  const metadata = spot.field('metadata')
  checkMetadataKeys(loading, message.metadata, metadata)
  const httpProxy = lowerProxyAddress(loading, message.metadata, metadata)
  return each(message.lbEndpoints, spot.field('lb_endpoints'), (endpoint, at) =>
    lowerEndpoint(loading, endpoint, at, discovery, {
      priority: message.priority,
      locality: { region, zone, subZone },
      httpProxy,
      ...(message.loadBalancingWeight === undefined ? {} : { localityWeight: message.loadBalancingWeight }),
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
  where: Pick<EndpointConfig, 'priority' | 'locality' | 'localityWeight' | 'httpProxy'>,
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
  if (address.kind !== 'socket' && discovery !== 'static')
    loading.error(
      at,
      'a DNS cluster takes socket addresses only',
      `use type STATIC for ${address.kind === 'pipe' ? 'a pipe' : 'an internal listener'}`,
    )
  checkInternalTarget(loading, address, at)
  if (address.kind === 'socket' && address.port === 0) loading.error(at.field('socket_address'), 'needs port_value')
  const name = address.kind === 'socket' && isIP(address.host) === 0 ? address.host : ''
  return {
    address,
    ...lowerAdditional(loading, endpoint, spot.field('endpoint').field('additional_addresses'), discovery),
    hostname: endpoint === undefined || endpoint.hostname === '' ? name : endpoint.hostname,
    weight: message.loadBalancingWeight ?? 1,
    ...where,
    ...lowerEndpointMetadata(loading, message.metadata, spot.field('metadata'), where.httpProxy),
    health: HEALTH[message.healthStatus],
    healthCheck: lowerEndpointCheck(
      loading,
      endpoint?.healthCheckConfig,
      spot.field('endpoint').field('health_check_config'),
    ),
    place: spot.place,
  }
}

/** Envoy takes them for static clusters only. */
function lowerAdditional(
  loading: Loading,
  endpoint: Endpoint | undefined,
  spot: Spot,
  discovery: Discovery,
): Pick<EndpointConfig, 'additionalAddresses'> {
  const messages = endpoint?.additionalAddresses ?? []
  if (messages.length === 0) return {}
  if (discovery !== 'static')
    loading.error(
      spot,
      'go with clusters of type STATIC only',
      'dns_lookup_family: ALL of a LOGICAL_DNS cluster tries all addresses of its name',
    )
  const addresses = each(messages, spot, ({ address }, at) => {
    const lowered = lowerIpAddress(loading, address, at.field('address'), 'it is dialled without DNS')
    if (lowered?.kind !== 'socket')
      loading.error(at.field('address'), 'additional_addresses only supports socket_address')
    return lowered
  })
  return { additionalAddresses: addresses.filter((address) => address !== undefined) }
}

/** Envoy dials by name at run time, so a wrong name shows as failing connections only. */
function checkInternalTarget(loading: Loading, address: Address, spot: Spot): void {
  if (address.kind !== 'internal' || loading.internalListeners.has(address.listener)) return
  const nearest = nearestName(address.listener, loading.internalListeners)
  loading.warning(
    spot.field('envoy_internal_address').field('server_listener_name'),
    `no internal listener is named '${address.listener}': connections to it will fail`,
    nearest === undefined ? 'a listener with that name and internal_listener: {}' : `did you mean "${nearest}"?`,
  )
}

/** The endpoint's own HTTP proxy wins over its locality's. */
function lowerEndpointMetadata(
  loading: Loading,
  message: Metadata | undefined,
  spot: Spot,
  localityProxy: Address | undefined,
): Pick<EndpointConfig, 'httpProxy' | 'proxyTlvs' | 'metadata'> {
  checkMetadataKeys(loading, message, spot)
  const tlvs = typedMetadata(loading, message, spot, { key: METADATA_KEYS.proxyProtocol, schema: PerHostConfigSchema })
  return {
    httpProxy: lowerProxyAddress(loading, message, spot) ?? localityProxy,
    proxyTlvs: tlvs && lowerTlvs(loading, tlvs.message.addedTlvs, tlvs.spot.field('added_tlvs')),
    metadata: lowerMetadata(message),
  }
}

function lowerProxyAddress(loading: Loading, message: Metadata | undefined, spot: Spot): Address | undefined {
  const found = typedMetadata(loading, message, spot, { key: METADATA_KEYS.httpProxy, schema: AddressSchema })
  return found && lowerIpAddress(loading, found.message, found.spot, 'the proxy is given by its IP address')
}
