// Refuses connections that come faster than a token bucket fills. Envoy: extensions.filters.network.local_ratelimit.

import { closeCause } from '../../../core/close-cause.ts'
import type { Clock } from '../../../core/clock.ts'
import type { ConnectionGate } from '../../../config/model/network-filter.ts'
import type { StatRegistry } from '../../../observe/stats/registry.ts'
import type { ConnectionGateFilter } from '../../network-filter.ts'
import { TokenBucket } from './token-bucket.ts'

export type LocalRateLimit = Extract<ConnectionGate, { kind: 'local-rate-limit' }>

/** Buckets that several filter chains share; it belongs to whoever builds the chains. */
export class SharedBuckets {
  readonly #buckets = new Map<string, TokenBucket>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The bucket of a chain; chains with the same non-empty key and the same limits get the same one, as in Envoy. */
  of(config: LocalRateLimit): TokenBucket {
    if (config.shareKey === '') return new TokenBucket(config, this.#clock)
    const { shareKey, maxTokens, tokensPerFill, fillIntervalMs } = config
    const key = `${maxTokens}/${tokensPerFill}/${fillIntervalMs}/${shareKey}`
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) {
      bucket = new TokenBucket(config, this.#clock)
      this.#buckets.set(key, bucket)
    }
    return bucket
  }
}

export function localRateLimit(
  config: LocalRateLimit,
  buckets: SharedBuckets,
  registry: StatRegistry,
): ConnectionGateFilter {
  const { statPrefix, maxTokens, tokensPerFill, fillIntervalMs } = config
  const tag = { name: 'envoy_local_network_ratelimit_prefix', value: statPrefix }
  const limited = registry.scope(`local_rate_limit.${statPrefix}.`, 'local_rate_limit.', [tag]).counter('rate_limited')
  const bucket = buckets.of(config)
  const detail = `the bucket of ${maxTokens} that gets ${tokensPerFill} each ${fillIntervalMs} ms is empty`
  const cause = closeCause('proxy', 'tcp', 'connection_rate_limited', detail)
  return {
    admit(_arrival, decide) {
      if (bucket.take()) decide({ kind: 'admitted' })
      else {
        limited.value++
        decide({ kind: 'refused', cause, delayMs: 0 })
      }
      return undefined
    },
  }
}
