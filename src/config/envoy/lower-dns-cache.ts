// Caches of the names that clients choose; those of the same name are one. Envoy: DnsCacheConfig v3.

import { equals } from '@bufbuild/protobuf'
import type { DnsCacheConfig } from '../model/dns-cache.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { DNS_FAMILIES } from './lower-dns-family.ts'
import { milliseconds } from './lower-duration.ts'
import { lowerNameServers } from './lower-name-servers.ts'
import { DnsCacheConfigSchema, type DnsCacheConfig as Message } from './messages.ts'

/** The cache of that name; the same name with other settings is an error. */
export function lowerDnsCache(loading: Loading, message: Message, spot: Spot): DnsCacheConfig {
  const known = loading.dnsCaches.get(message.name)
  if (known === undefined) {
    const config = lowerSettings(loading, message, spot)
    loading.dnsCaches.set(message.name, { message, config })
    return config
  }
  if (!equals(DnsCacheConfigSchema, message, known.message)) {
    loading.error(
      spot,
      `config specified DNS cache '${message.name}' with different settings`,
      `the other one stands at line ${known.config.place.line}; repeat it word for word, or give this one another name`,
    )
  }
  return known.config
}

function lowerSettings(loading: Loading, message: Message, spot: Spot): DnsCacheConfig {
  const ms = (duration: Message['hostTtl'], unset: number): number =>
    duration === undefined ? unset : milliseconds(duration)
  return {
    name: message.name,
    family: DNS_FAMILIES[message.dnsLookupFamily],
    refreshMs: ms(message.dnsRefreshRate, 60_000),
    minRefreshMs: ms(message.dnsMinRefreshRate, 5000),
    hostTtlMs: ms(message.hostTtl, 300_000),
    maxHosts: message.maxHosts ?? 1024,
    queryTimeoutMs: ms(message.dnsQueryTimeout, 5000),
    ...lowerNameServers(loading, message.typedDnsResolverConfig, spot.field('typed_dns_resolver_config')),
    preresolve: message.preresolveHostnames.map(({ address, portSpecifier }) => ({
      host: address,
      port: portSpecifier.case === 'portValue' ? portSpecifier.value : 0,
    })),
    maxPendingRequests: message.dnsCacheCircuitBreaker?.maxPendingRequests ?? 1024,
    place: spot.place,
  }
}
