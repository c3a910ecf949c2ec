// Gates of a filter chain: connection_limit, local_ratelimit and sni_dynamic_forward_proxy.
// Envoy: extensions.filters.network.

import type { ConnectionGate } from '../model/network-filter.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerDnsCache } from './lower-dns-cache.ts'
import { milliseconds, timeout } from './lower-duration.ts'
import type { ConnectionLimit, LocalRateLimit, RuntimeFeatureFlag, SniDynamicForwardProxy } from './messages.ts'

/** undefined when it is switched off. */
export function lowerConnectionLimit(
  loading: Loading,
  message: ConnectionLimit,
  spot: Spot,
): ConnectionGate | undefined {
  if (message.maxConnections === undefined) loading.error(spot.field('max_connections'), 'is required')
  if (!enabled(message.runtimeEnabled)) return undefined
  return {
    kind: 'connection-limit',
    statPrefix: message.statPrefix,
    maxConnections: safeNumber(message.maxConnections ?? 1n),
    delayMs: timeout(message.delay, undefined),
    place: spot.place,
  }
}

/** Envoy's shortest time between fills. */
const MIN_FILL_INTERVAL = 50

/** undefined when it is switched off. */
export function lowerLocalRateLimit(loading: Loading, message: LocalRateLimit, spot: Spot): ConnectionGate | undefined {
  const bucket = message.tokenBucket
  const interval = bucket?.fillInterval === undefined ? MIN_FILL_INTERVAL : milliseconds(bucket.fillInterval)
  if (interval < MIN_FILL_INTERVAL)
    loading.error(
      spot.field('token_bucket').field('fill_interval'),
      'local rate limit token bucket fill timer must be >= 50ms',
    )
  if (!enabled(message.runtimeEnabled)) return undefined
  return {
    kind: 'local-rate-limit',
    statPrefix: message.statPrefix,
    maxTokens: bucket?.maxTokens ?? 1,
    tokensPerFill: bucket?.tokensPerFill ?? 1,
    fillIntervalMs: interval,
    shareKey: message.shareKey,
    place: spot.place,
  }
}

/** undefined without a cache, which the rules refuse. */
export function lowerSniForward(
  loading: Loading,
  message: SniDynamicForwardProxy,
  spot: Spot,
): ConnectionGate | undefined {
  if (message.dnsCacheConfig === undefined) return undefined
  return {
    kind: 'sni-dynamic-forward-proxy',
    port: message.portSpecifier.case === 'portValue' ? message.portSpecifier.value : 443,
    cache: lowerDnsCache(loading, message.dnsCacheConfig, spot.field('dns_cache_config')),
    place: spot.place,
  }
}

const enabled = (flag: RuntimeFeatureFlag | undefined): boolean => flag?.defaultValue ?? true

/** A limit beyond what a number counts exactly is none. */
const safeNumber = (value: bigint): number =>
  value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value)
