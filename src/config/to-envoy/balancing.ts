// Load balancing of a cluster.

import type { Balancing, SlowStart } from '../model/balancing.ts'
import { DEFAULT_SPREAD } from '../model/balancing.ts'
import type { Cluster } from '../model/cluster.ts'
import { duration, fields, type Fields, type Json, unless, unlessEmpty } from './json.ts'

type Written = Readonly<Record<string, Json | undefined>>

/** The fields of a cluster that say how it balances. */
export function balancingFields(cluster: Cluster): Written {
  if (cluster.discovery === 'original-dst' || cluster.discovery === 'dynamic-forward-proxy')
    return { lb_policy: 'CLUSTER_PROVIDED' }
  return { ...policy(cluster.balancing), common_lb_config: commonConfig(cluster) }
}

function policy(balancing: Balancing): Written {
  switch (balancing.kind) {
    case 'round-robin': {
      const slow = slowStart(balancing.slowStart)
      return { round_robin_lb_config: slow && { slow_start_config: slow } }
    }
    case 'least-request':
      return {
        lb_policy: 'LEAST_REQUEST',
        least_request_lb_config: unlessEmpty(
          fields({
            choice_count: unless(balancing.choices, 2),
            active_request_bias:
              balancing.activeRequestBias === 1 ? undefined : runtimeDouble(balancing.activeRequestBias),
            slow_start_config: slowStart(balancing.slowStart),
          }),
        ),
      }
    case 'random':
    case 'weighted-random':
      return { lb_policy: 'RANDOM' }
    case 'ring-hash':
      return {
        lb_policy: 'RING_HASH',
        ring_hash_lb_config: unlessEmpty(
          fields({
            minimum_ring_size: unless(balancing.minimumRingSize, 1024),
            maximum_ring_size: unless(balancing.maximumRingSize, 8_388_608),
            hash_function: balancing.hash === 'murmur2' ? 'MURMUR_HASH_2' : undefined,
          }),
        ),
      }
    case 'maglev':
      return {
        lb_policy: 'MAGLEV',
        maglev_lb_config: balancing.tableSize === 65_537 ? undefined : { table_size: balancing.tableSize },
      }
    case 'hash-modulo':
      // Said by the part of Sluice's own; Envoy spreads by its ring.
      return { lb_policy: 'RING_HASH' }
  }
}

const runtimeDouble = (value: number): Fields => ({ default_value: value, runtime_key: 'sluice' })

const slowStart = (slow: SlowStart | undefined): Fields | undefined =>
  slow &&
  fields({
    slow_start_window: duration(slow.windowMs),
    aggression: slow.aggression === 1 ? undefined : runtimeDouble(slow.aggression),
    min_weight_percent: slow.minimumWeight === 0.1 ? undefined : { value: slow.minimumWeight * 100 },
  })

function commonConfig({ spread = DEFAULT_SPREAD }: Cluster): Fields | undefined {
  return unlessEmpty(
    fields({
      healthy_panic_threshold:
        spread.panicThreshold === DEFAULT_SPREAD.panicThreshold ? undefined : { value: spread.panicThreshold * 100 },
      locality_weighted_lb_config: spread.localityWeighted ? {} : undefined,
      zone_aware_lb_config: spread.failInPanic ? { fail_traffic_on_panic: true } : undefined,
    }),
  )
}
