// Clusters. Envoy: config.cluster.v3.Cluster.

import { isMessage } from '@bufbuild/protobuf'
import { isIP } from 'node:net'
import type { Balancing, CircuitBreakers, Cluster, Discovery, DnsFamily } from '../model/cluster.ts'
import type { UpstreamTls } from '../model/tls.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { milliseconds } from './lower-duration.ts'
import { lowerEndpoints } from './lower-endpoint.ts'
import { lowerKeepaliveTime } from './lower-keepalive.ts'
import { lowerProtocolOptions } from './lower-protocol-options.ts'
import { lowerUpstreamTls } from './lower-tls.ts'
import {
  Cluster_DiscoveryType as Type,
  Cluster_DnsLookupFamily as Family,
  Cluster_LbPolicy as Policy,
  DownstreamTlsContextSchema,
  RoutingPriority,
  UpstreamTlsContextSchema,
  type CircuitBreakers_Thresholds,
  type Cluster as Message,
  type UpstreamHttpProtocolOptions,
} from './messages.ts'

const DISCOVERY: { readonly [type in Type]?: Discovery } = {
  [Type.STATIC]: 'static',
  [Type.STRICT_DNS]: 'strict-dns',
  [Type.LOGICAL_DNS]: 'logical-dns',
}

const FAMILIES: { readonly [family in Family]: DnsFamily } = {
  [Family.AUTO]: 'auto',
  [Family.V4_ONLY]: 'v4-only',
  [Family.V6_ONLY]: 'v6-only',
  [Family.V4_PREFERRED]: 'v4-preferred',
  [Family.ALL]: 'all',
}

/** All clusters by name. */
export function lowerClusters(
  loading: Loading,
  messages: readonly Message[],
  spot: Spot,
): ReadonlyMap<string, Cluster> {
  const clusters = new Map<string, Cluster>()
  for (const [index, message] of messages.entries()) {
    const at = spot.at(index)
    if (clusters.has(message.name))
      loading.error(at.field('name'), `cluster manager: duplicate cluster '${message.name}'`)
    clusters.set(message.name, lowerCluster(loading, message, at))
  }
  return clusters
}

function lowerCluster(loading: Loading, message: Message, spot: Spot): Cluster {
  const type = message.clusterDiscoveryType
  // Custom types and the ones not built yet are refused by the table of supported fields.
  const discovery =
    (type.case === 'type' ? DISCOVERY[type.value] : undefined) ?? (type.case === undefined ? 'static' : 'strict-dns')
  const { model, upstream } = lowerProtocolOptions(loading, message, spot)
  return {
    name: message.name,
    statName: message.altStatName === '' ? message.name : message.altStatName,
    discovery,
    dnsFamily: FAMILIES[message.dnsLookupFamily],
    dnsRefreshMs: message.dnsRefreshRate === undefined ? 5000 : milliseconds(message.dnsRefreshRate),
    respectDnsTtl: message.respectDnsTtl,
    connectTimeoutMs: message.connectTimeout === undefined ? 5000 : milliseconds(message.connectTimeout),
    bufferLimitBytes: message.perConnectionBufferLimitBytes ?? 1024 * 1024,
    balancing: lowerBalancing(loading, message, spot),
    endpoints: lowerEndpoints(loading, message, spot, discovery),
    ...model,
    tls: lowerTransport(loading, message, spot.field('transport_socket'), upstream),
    proxyProtocol: undefined,
    httpProxy: undefined,
    originalDestination: undefined,
    dnsCache: undefined,
    targetPolicy: undefined,
    preconnectRatio: 1,
    poolPerDownstreamConnection: false,
    terminatesConnect: false,
    circuitBreakers: lowerBreakers(message, spot.field('circuit_breakers')),
    keepalive: lowerKeepaliveTime(message.upstreamConnectionOptions?.tcpKeepalive),
    bindAddress: lowerBind(loading, message, spot.field('upstream_bind_config')),
    place: spot.place,
  }
}

function lowerBalancing(loading: Loading, message: Message, spot: Spot): Balancing {
  const config = message.lbConfig
  const wanted = { leastRequestLbConfig: Policy.LEAST_REQUEST, roundRobinLbConfig: Policy.ROUND_ROBIN }
  if (
    (config.case === 'leastRequestLbConfig' || config.case === 'roundRobinLbConfig') &&
    wanted[config.case] !== message.lbPolicy
  ) {
    const field = config.case === 'leastRequestLbConfig' ? 'least_request_lb_config' : 'round_robin_lb_config'
    loading.warning(spot.field(field), `has no effect with lb_policy ${Policy[message.lbPolicy]}`)
  }
  if (message.lbPolicy === Policy.RANDOM) return { kind: 'random' }
  if (message.lbPolicy !== Policy.LEAST_REQUEST) return { kind: 'round-robin' }
  const least = config.case === 'leastRequestLbConfig' ? config.value : undefined
  return {
    kind: 'least-request',
    choices: least?.choiceCount ?? 2,
    activeRequestBias: least?.activeRequestBias?.defaultValue ?? 1,
  }
}

function lowerTransport(
  loading: Loading,
  message: Message,
  spot: Spot,
  upstream: UpstreamHttpProtocolOptions | undefined,
): UpstreamTls | undefined {
  const socket = message.transportSocket
  const config = socket?.configType.case === 'typedConfig' ? loading.unpack(socket.configType.value) : undefined
  const at = spot.field('typed_config')
  if (isMessage(config, UpstreamTlsContextSchema)) return lowerUpstreamTls(loading, config, at, upstream)
  if (isMessage(config, DownstreamTlsContextSchema)) {
    loading.error(
      at.key('@type'),
      'DownstreamTlsContext is for listeners',
      'a cluster takes envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    )
  } else if (socket !== undefined && config === undefined) {
    loading.error(spot, `transport socket "${socket.name}" needs typed_config`)
  }
  return undefined
}

function lowerBreakers(message: Message, spot: Spot): Cluster['circuitBreakers'] {
  const of = (priority: RoutingPriority): CircuitBreakers => {
    const thresholds = message.circuitBreakers?.thresholds ?? []
    const index = thresholds.findIndex((each) => each.priority === priority)
    return breakers(thresholds[index], index < 0 ? spot : spot.field('thresholds').at(index))
  }
  return { default: of(RoutingPriority.DEFAULT), high: of(RoutingPriority.HIGH) }
}

const breakers = (message: CircuitBreakers_Thresholds | undefined, spot: Spot): CircuitBreakers => ({
  maxConnections: message?.maxConnections ?? 1024,
  maxPendingRequests: message?.maxPendingRequests ?? 1024,
  maxRequests: message?.maxRequests ?? 1024,
  maxRetries: message?.maxRetries ?? 3,
  place: spot.place,
})

function lowerBind(loading: Loading, message: Message, spot: Spot): string | undefined {
  const source = message.upstreamBindConfig?.sourceAddress
  if (source === undefined) return undefined
  if (isIP(source.address) === 0)
    loading.error(spot.field('source_address').field('address'), `malformed IP address: ${source.address}`)
  const port = source.portSpecifier.case === 'portValue' ? source.portSpecifier.value : 0
  if (port !== 0)
    loading.warning(spot.field('source_address').field('port_value'), 'the port of the source address is not used')
  return source.address
}
