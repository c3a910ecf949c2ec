// Clusters. Envoy: config.cluster.v3.Cluster.

import { create, isMessage } from '@bufbuild/protobuf'
import { isIP } from 'node:net'
import type { Cluster } from '../model/cluster.ts'
import { PART_KEYS } from '../model/model-part.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerBalancing } from './lower-balancing.ts'
import { lowerCircuitBreakers } from './lower-circuit-breakers.ts'
import { lowerDiscovery } from './lower-discovery.ts'
import { lowerDns } from './lower-dns.ts'
import { milliseconds } from './lower-duration.ts'
import { lowerEndpoints } from './lower-endpoint.ts'
import { lowerHealthChecks } from './lower-health-check.ts'
import { lowerKeepaliveTime } from './lower-keepalive.ts'
import { metadataPart } from './lower-model-part.ts'
import { checkMetadataKeys, lowerMetadata } from './lower-metadata.ts'
import { lowerOutlierDetection } from './lower-outlier-detection.ts'
import { lowerProtocolOptions } from './lower-protocol-options.ts'
import { lowerTargetPolicy } from './lower-target-policy.ts'
import { lowerTransportSocket } from './lower-transport-socket.ts'
import {
  TcpConnectionPoolProtoSchema,
  UpstreamConnectionOptions_FirstAddressFamilyVersion as FirstFamily,
  UpstreamHttpProtocolOptionsSchema,
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
  const { insecureAllowed, dnsCluster, ...discovery } = lowerDiscovery(loading, message, spot)
  const dns = lowerDns(loading, message, spot, dnsCluster)
  const options = lowerProtocolOptions(loading, message, spot)
  const upstream = insecureAllowed ? options.upstream : secured(loading, message, spot, options.upstream)
  const metadata = spot.field('metadata')
  checkMetadataKeys(loading, message.metadata, metadata)
  return {
    name: message.name,
    statName: message.altStatName === '' ? message.name : message.altStatName,
    ...discovery,
    ...dns,
    connectTimeoutMs: message.connectTimeout === undefined ? 5000 : milliseconds(message.connectTimeout),
    bufferLimitBytes: message.perConnectionBufferLimitBytes ?? 1024 * 1024,
    endpoints: lowerEndpoints(loading, message, spot, discovery.discovery),
    ...options.model,
    ...lowerBalancing(loading, message, spot),
    ...lowerTransportSocket(loading, message.transportSocket, spot.field('transport_socket'), upstream),
    metadata: lowerMetadata(message.metadata),
    targetPolicy: lowerTargetPolicy(loading, message.metadata, metadata),
    preconnectRatio: message.preconnectPolicy?.perUpstreamPreconnectRatio ?? 1,
    poolPerDownstreamConnection: message.connectionPoolPerDownstreamConnection,
    terminatesConnect: lowerUpstreamConfig(loading, message),
    circuitBreakers: lowerCircuitBreakers(loading, message.circuitBreakers, spot.field('circuit_breakers')),
    healthChecks: lowerHealthChecks(loading, message, spot, { ...discovery, ...options.model }),
    closeConnectionsOnHealthFailure: message.closeConnectionsOnHostHealthFailure,
    ignoreHealthOnRemoval: message.ignoreHealthOnHostRemoval,
    outlierDetection: lowerOutlierDetection(loading, message.outlierDetection, spot.field('outlier_detection')),
    ...lowerAddressOrder(message),
    keepalive: lowerKeepaliveTime(message.upstreamConnectionOptions?.tcpKeepalive),
    bindAddress: lowerBind(loading, message, spot.field('upstream_bind_config')),
    ...metadataPart<Cluster>(loading, message.metadata, metadata, PART_KEYS.cluster),
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

/** undefined = Envoy's defaults. */
function lowerAddressOrder({ upstreamConnectionOptions: options }: Message): Pick<Cluster, 'addressOrder'> {
  const eyeballs = options?.happyEyeballsConfig
  if (eyeballs === undefined) return {}
  return {
    addressOrder: {
      first: FIRST_FAMILY[eyeballs.firstAddressFamilyVersion],
      count: eyeballs.firstAddressFamilyCount ?? 1,
    },
  }
}

const FIRST_FAMILY = { [FirstFamily.DEFAULT]: undefined, [FirstFamily.V4]: 4, [FirstFamily.V6]: 6 } as const

/** Whether CONNECT ends here, because the cluster asks for the TCP pool. The generic one lets the route decide. */
function lowerUpstreamConfig(loading: Loading, message: Message): boolean {
  const config = loading.unpack(message.upstreamConfig?.typedConfig)
  return isMessage(config, TcpConnectionPoolProtoSchema)
}

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
