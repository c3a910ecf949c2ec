// The cache of names that clients choose.

import type { DnsCacheConfig, DnsFamily } from '../model/dns-cache.ts'
import type { NameServers } from '../model/name-servers.ts'
import { duration, extension, fields, type Fields, listOf, unless } from './json.ts'

/** Cluster.DnsLookupFamily. */
export const DNS_FAMILY: Readonly<Record<DnsFamily, string>> = {
  auto: 'AUTO',
  'v4-only': 'V4_ONLY',
  'v6-only': 'V6_ONLY',
  'v4-preferred': 'V4_PREFERRED',
  all: 'ALL',
}

/** CaresDnsResolverConfig; undefined = the machine's resolver. */
export const dnsResolver = (nameServers: NameServers | undefined): Fields | undefined =>
  nameServers &&
  extension(
    'envoy.network.dns_resolver.cares',
    'envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
    fields({
      resolvers: nameServers.servers.map(serverAddress),
      query_timeout_seconds: nameServers.queryTimeoutMs === undefined ? undefined : nameServers.queryTimeoutMs / 1000,
      query_tries: nameServers.tries,
    }),
  )

function serverAddress(server: string): Fields {
  const colon = server.lastIndexOf(':')
  const address = server.slice(0, colon).replace(/^\[|\]$/g, '')
  return { socket_address: { address, port_value: Number(server.slice(colon + 1)) } }
}

/** DnsCacheConfig. */
export const dnsCacheConfig = (cache: DnsCacheConfig): Fields =>
  fields({
    name: cache.name,
    dns_lookup_family: DNS_FAMILY[cache.family],
    dns_refresh_rate: duration(cache.refreshMs),
    dns_min_refresh_rate: duration(cache.minRefreshMs),
    host_ttl: duration(cache.hostTtlMs),
    max_hosts: cache.maxHosts,
    dns_query_timeout: duration(cache.queryTimeoutMs),
    typed_dns_resolver_config: dnsResolver(cache.nameServers),
    preresolve_hostnames: listOf(cache.preresolve, ({ host, port }) => ({ address: host, port_value: port })),
    dns_cache_circuit_breaker:
      unless(cache.maxPendingRequests, 1024) === undefined
        ? undefined
        : { max_pending_requests: cache.maxPendingRequests },
  })
