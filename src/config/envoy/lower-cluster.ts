// Clusters. Envoy: config.cluster.v3.Cluster.

import { create, isMessage } from '@bufbuild/protobuf'
import { isIP } from 'node:net'
import type { Balancing, CircuitBreakers, Cluster } from '../model/cluster.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerDiscovery } from './lower-discovery.ts'
import { DNS_FAMILIES } from './lower-dns-family.ts'
import { milliseconds } from './lower-duration.ts'
import { lowerEndpoints } from './lower-endpoint.ts'
import { lowerKeepaliveTime } from './lower-keepalive.ts'
import { checkMetadataKeys, lowerMetadata } from './lower-metadata.ts'
import { lowerProtocolOptions } from './lower-protocol-options.ts'
import { lowerTargetPolicy } from './lower-target-policy.ts'
import { lowerTransportSocket } from './lower-transport-socket.ts'
import {
  Cluster_LbPolicy as Policy,
  RoutingPriority,
  TcpConnectionPoolProtoSchema,
  UpstreamHttpProtocolOptionsSchema,
  type CircuitBreakers_Thresholds,
  type Cluster as Message,
  type UpstreamHttpProtocolOptions,
} from './messages.ts'

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
  const { insecureAllowed, ...discovery } = lowerDiscovery(loading, message, spot)
  const options = lowerProtocolOptions(loading, message, spot)
  const upstream = insecureAllowed ? options.upstream : secured(loading, message, spot, options.upstream)
  const metadata = spot.field('metadata')
  checkMetadataKeys(loading, message.metadata, metadata)
  return {
    name: message.name,
    statName: message.altStatName === '' ? message.name : message.altStatName,
    ...discovery,
    dnsFamily: DNS_FAMILIES[message.dnsLookupFamily],
    dnsRefreshMs: message.dnsRefreshRate === undefined ? 5000 : milliseconds(message.dnsRefreshRate),
    respectDnsTtl: message.respectDnsTtl,
    connectTimeoutMs: message.connectTimeout === undefined ? 5000 : milliseconds(message.connectTimeout),
    bufferLimitBytes: message.perConnectionBufferLimitBytes ?? 1024 * 1024,
    balancing: lowerBalancing(loading, message, spot),
    endpoints: lowerEndpoints(loading, message, spot, discovery.discovery),
    ...options.model,
    ...lowerTransportSocket(loading, message.transportSocket, spot.field('transport_socket'), upstream),
    metadata: lowerMetadata(message.metadata),
    targetPolicy: lowerTargetPolicy(loading, message.metadata, metadata),
    preconnectRatio: message.preconnectPolicy?.perUpstreamPreconnectRatio ?? 1,
    poolPerDownstreamConnection: message.connectionPoolPerDownstreamConnection,
    terminatesConnect: lowerUpstreamConfig(loading, message),
    circuitBreakers: lowerBreakers(message, spot.field('circuit_breakers')),
    keepalive: lowerKeepaliveTime(message.upstreamConnectionOptions?.tcpKeepalive),
    bindAddress: lowerBind(loading, message, spot.field('upstream_bind_config')),
    place: spot.place,
  }
}

/**
 * A dynamic forward proxy takes the server name for TLS from the request and verifies the certificate against it: by
 * itself when the cluster has no HTTP options, else they must say so.
 */
function secured(
  loading: Loading,
  message: Message,
  spot: Spot,
  upstream: UpstreamHttpProtocolOptions | undefined,
): UpstreamHttpProtocolOptions {
  const silent =
    message.upstreamHttpProtocolOptions === undefined && Object.keys(message.typedExtensionProtocolOptions).length === 0
  if (!silent && !(upstream?.autoSni === true && upstream.autoSanValidation)) {
    loading.error(
      spot,
      'dynamic_forward_proxy cluster must have auto_sni and auto_san_validation true unless allow_insecure_cluster_options is set.',
      'add upstream_http_protocol_options: {auto_sni: true, auto_san_validation: true} beside explicit_http_config',
    )
  }
  return create(UpstreamHttpProtocolOptionsSchema, {
    autoSni: true,
    autoSanValidation: true,
    overrideAutoSniHeader: upstream?.overrideAutoSniHeader ?? '',
  })
}

/** Whether CONNECT ends here, because the cluster asks for the TCP pool. The generic one lets the route decide. */
function lowerUpstreamConfig(loading: Loading, message: Message): boolean {
  const config = loading.unpack(message.upstreamConfig?.typedConfig)
  return isMessage(config, TcpConnectionPoolProtoSchema)
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
