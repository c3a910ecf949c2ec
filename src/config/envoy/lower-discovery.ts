// How a cluster finds its endpoints, with Envoy's checks of what goes with what. Envoy: Cluster.type, cluster_type,
// lb_policy, original_dst_lb_config.

import { isMessage } from '@bufbuild/protobuf'
import type { Cluster, Discovery, OriginalDestination } from '../model/cluster.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import type { DnsClusterAt } from './lower-dns.ts'
import { lowerDnsCache } from './lower-dns-cache.ts'
import { milliseconds } from './lower-duration.ts'
import {
  Cluster_DiscoveryType as Type,
  Cluster_LbPolicy as Policy,
  DnsClusterSchema,
  DynamicForwardClusterSchema,
  type Cluster as Message,
  type Cluster_CustomClusterType,
  type DnsCluster,
  type DynamicForwardCluster,
} from './messages.ts'

const DISCOVERY: { readonly [type in Type]?: Discovery } = {
  [Type.STATIC]: 'static',
  [Type.STRICT_DNS]: 'strict-dns',
  [Type.LOGICAL_DNS]: 'logical-dns',
  [Type.ORIGINAL_DST]: 'original-dst',
}

export type LoweredDiscovery = Pick<Cluster, 'discovery' | 'originalDestination' | 'dnsCache'> & {
  /** Of a dynamic forward proxy: SNI and the certificate's name need not come from the request. */
  readonly insecureAllowed: boolean
  /** Of cluster_type envoy.clusters.dns, which has the settings of DNS of its own. */
  readonly dnsCluster?: DnsClusterAt
}

export function lowerDiscovery(loading: Loading, message: Message, spot: Spot): LoweredDiscovery {
  const lowered = lowerKind(loading, message, spot)
  if (!isRefused(message, lowered)) checkPolicy(loading, message, spot, lowered.discovery)
  if (lowered.discovery !== 'original-dst') {
    for (const field of ['original_dst_lb_config', 'cleanup_interval']) {
      if (spot.has(field)) loading.warning(spot.field(field), 'has an effect with type ORIGINAL_DST only')
    }
  }
  return lowered
}

/** Of types that are not there nothing more is said. */
const isRefused = ({ clusterDiscoveryType: type }: Message, { discovery, dnsCluster }: LoweredDiscovery): boolean =>
  type.case === 'clusterType'
    ? discovery !== 'dynamic-forward-proxy' && dnsCluster === undefined
    : DISCOVERY[type.value ?? Type.STATIC] === undefined

function lowerKind(loading: Loading, message: Message, spot: Spot): LoweredDiscovery {
  const type = message.clusterDiscoveryType
  const plain = { originalDestination: undefined, dnsCache: undefined, insecureAllowed: true }
  if (type.case === undefined) return { ...plain, discovery: 'static' }
  if (type.case === 'clusterType') {
    const at = spot.field('cluster_type')
    const custom = customType(loading, type.value, at)
    if (custom === undefined) return { ...plain, discovery: 'strict-dns' }
    if (isMessage(custom, DynamicForwardClusterSchema))
      return lowerForward(loading, custom, spot, message.loadAssignment !== undefined)
    const discovery = custom.allAddressesInSingleEndpoint ? 'logical-dns' : 'strict-dns'
    return { ...plain, discovery, dnsCluster: { message: custom, spot: at.field('typed_config') } }
  }
  // Types that are not there yet are refused by the table of supported fields.
  const discovery = DISCOVERY[type.value] ?? 'strict-dns'
  if (discovery !== 'original-dst') return { ...plain, discovery }
  return { ...plain, discovery, originalDestination: lowerOriginalDestination(loading, message, spot) }
}

/** The `@type` decides, not the name. */
function customType(
  loading: Loading,
  message: Cluster_CustomClusterType,
  spot: Spot,
): DynamicForwardCluster | DnsCluster | undefined {
  const config = loading.unpack(message.typedConfig)
  if (isMessage(config, DynamicForwardClusterSchema) || isMessage(config, DnsClusterSchema)) return config
  if (config === undefined)
    loading.error(
      spot,
      `cluster type "${message.name}" needs typed_config`,
      `"@type": type.googleapis.com/${DynamicForwardClusterSchema.typeName}`,
    )
  return undefined
}

function lowerForward(
  loading: Loading,
  message: DynamicForwardCluster,
  spot: Spot,
  hasEndpoints: boolean,
): LoweredDiscovery {
  const at = spot.field('cluster_type').field('typed_config')
  if (hasEndpoints)
    loading.warning(spot.field('load_assignment'), 'has no effect: requests name the hosts of this cluster')
  const specifier = message.clusterImplementationSpecifier
  const cache = specifier.case === 'dnsCacheConfig' ? specifier.value : undefined
  if (specifier.case === undefined)
    loading.error(at, 'needs dns_cache_config', 'the one of the dynamic_forward_proxy filter, with the same name')
  return {
    discovery: 'dynamic-forward-proxy',
    originalDestination: undefined,
    dnsCache: cache && lowerDnsCache(loading, cache, at.field('dns_cache_config')),
    insecureAllowed: message.allowInsecureClusterOptions,
  }
}

/** Envoy's header when none is named. */
const HEADER = 'x-envoy-original-dst-host'

/** Envoy's time after which an unused address is forgotten. */
const CLEANUP = 5000

function lowerOriginalDestination(loading: Loading, message: Message, spot: Spot): OriginalDestination {
  if (message.loadAssignment !== undefined)
    loading.error(
      spot.field('load_assignment'),
      'ORIGINAL_DST clusters must have no load assignment configured',
      'connections and requests say where they go',
    )
  const config = message.lbConfig.case === 'originalDstLbConfig' ? message.lbConfig.value : undefined
  const written = config?.httpHeaderName ?? ''
  if (config !== undefined && !config.useHttpHeader && written !== '')
    loading.error(
      spot.field('original_dst_lb_config').field('http_header_name'),
      `ORIGINAL_DST cluster: invalid config http_header_name=${written} and use_http_header is false. ` +
        'Set use_http_header to true if http_header_name is desired.',
    )
  const name = written === '' ? HEADER : written.toLowerCase()
  return {
    headerName: config?.useHttpHeader === true ? name : '',
    portOverride: config?.upstreamPortOverride,
    cleanupMs: message.cleanupInterval === undefined ? CLEANUP : milliseconds(message.cleanupInterval),
  }
}

function checkPolicy(loading: Loading, message: Message, spot: Spot, discovery: Discovery): void {
  const provided = message.lbPolicy === Policy.CLUSTER_PROVIDED
  const at = spot.field('lb_policy')
  if (discovery === 'original-dst' && !provided) {
    loading.error(
      at,
      `cluster: LB policy ${Policy[message.lbPolicy]} is not valid for Cluster type ORIGINAL_DST. ` +
        "Only 'CLUSTER_PROVIDED' is allowed with cluster type 'ORIGINAL_DST'",
      'lb_policy: CLUSTER_PROVIDED',
    )
  }
  if (discovery === 'dynamic-forward-proxy' && !provided) {
    loading.error(
      at,
      `cluster manager: cluster provided LB not specified but cluster '${message.name}' provided one. Check cluster documentation.`,
      'lb_policy: CLUSTER_PROVIDED',
    )
  }
  if (provided && discovery !== 'original-dst' && discovery !== 'dynamic-forward-proxy') {
    loading.error(
      at,
      `cluster manager: cluster provided LB specified but cluster '${message.name}' did not provide one. Check cluster documentation.`,
      'it goes with type ORIGINAL_DST and with dynamic_forward_proxy; leave it out for ROUND_ROBIN',
    )
  }
}
