// How the names of a cluster are looked up: by the cluster's own fields, or by those of cluster_type envoy.clusters.dns.
// Envoy: config.cluster.v3.Cluster, extensions.clusters.dns.v3.DnsCluster.

import type { Cluster, DnsFamily } from '../model/cluster.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { DNS_FAMILIES } from './lower-dns-family.ts'
import { milliseconds } from './lower-duration.ts'
import { lowerNameServers } from './lower-name-servers.ts'
import { type Cluster as Message, type DnsCluster, DnsLookupFamily } from './messages.ts'

/** The message of a DNS cluster and where it stands. */
export interface DnsClusterAt {
  readonly message: DnsCluster
  readonly spot: Spot
}

type LoweredDns = Pick<
  Cluster,
  'dnsFamily' | 'dnsRefreshMs' | 'dnsFailureBackoff' | 'dnsJitterMs' | 'respectDnsTtl' | 'nameServers'
>

/** Envoy's dns_refresh_rate. */
const REFRESH_MS = 5000

const FAMILIES: { readonly [family in DnsLookupFamily]: DnsFamily } = {
  [DnsLookupFamily.UNSPECIFIED]: 'auto',
  [DnsLookupFamily.AUTO]: 'auto',
  [DnsLookupFamily.V4_ONLY]: 'v4-only',
  [DnsLookupFamily.V6_ONLY]: 'v6-only',
  [DnsLookupFamily.V4_PREFERRED]: 'v4-preferred',
  [DnsLookupFamily.ALL]: 'all',
}

/** Of `own`, when there is one; then the cluster's fields say nothing, as in Envoy. */
export function lowerDns(
  loading: Loading,
  cluster: Message,
  clusterSpot: Spot,
  own: DnsClusterAt | undefined,
): LoweredDns {
  const { message, spot } = own ?? { message: cluster, spot: clusterSpot }
  if (own !== undefined) warnOfUnread(loading, clusterSpot)
  return {
    dnsFamily: own === undefined ? DNS_FAMILIES[cluster.dnsLookupFamily] : FAMILIES[own.message.dnsLookupFamily],
    dnsRefreshMs: message.dnsRefreshRate === undefined ? REFRESH_MS : milliseconds(message.dnsRefreshRate),
    ...lowerWaits(loading, message, spot.field('dns_failure_refresh_rate')),
    respectDnsTtl: message.respectDnsTtl,
    ...lowerNameServers(loading, message.typedDnsResolverConfig, spot.field('typed_dns_resolver_config')),
  }
}

function warnOfUnread(loading: Loading, spot: Spot): void {
  for (const field of [
    'dns_refresh_rate',
    'dns_failure_refresh_rate',
    'respect_dns_ttl',
    'dns_jitter',
    'dns_lookup_family',
    'typed_dns_resolver_config',
  ]) {
    if (spot.has(field))
      loading.warning(spot.field(field), 'has no effect: cluster_type has a field of that name', 'move it there')
  }
}

/** Waits beside dns_refresh_rate. */
function lowerWaits(
  loading: Loading,
  { dnsFailureRefreshRate: failure, dnsJitter }: Message | DnsCluster,
  spot: Spot,
): Pick<Cluster, 'dnsFailureBackoff' | 'dnsJitterMs'> {
  const jitterMs = dnsJitter === undefined ? 0 : milliseconds(dnsJitter)
  const jitter = jitterMs > 0 ? { dnsJitterMs: jitterMs } : {}
  if (failure?.baseInterval === undefined) return jitter
  const baseMs = milliseconds(failure.baseInterval)
  const maxMs = failure.maxInterval === undefined ? baseMs * 10 : milliseconds(failure.maxInterval)
  if (maxMs < baseMs)
    loading.error(
      spot.field('max_interval'),
      'dns_failure_refresh_rate must have max_interval greater than or equal to the base_interval',
      'leave max_interval out for ten times base_interval',
    )
  return { ...jitter, dnsFailureBackoff: { baseMs, maxMs } }
}
