// How a cluster spreads work over its endpoints. Envoy: lb_policy, load_balancing_policy, common_lb_config,
// ClusterLoadAssignment.policy. The last two kinds are what Easegress has beyond that.

export type Balancing =
  | {
      readonly kind: 'round-robin'
      readonly slowStart?: SlowStart | undefined
      /** Begins with the first endpoint rather than anywhere. Easegress. */
      readonly fromFirst?: boolean
    }
  | {
      readonly kind: 'least-request'
      readonly choices: number
      readonly activeRequestBias: number
      readonly slowStart?: SlowStart | undefined
    }
  /** Even chances, whatever the weights. */
  | { readonly kind: 'random' }
  | {
      readonly kind: 'ring-hash'
      readonly minimumRingSize: number
      readonly maximumRingSize: number
      readonly hash: 'xxhash' | 'murmur2'
    }
  /** `tableSize` is a prime. */
  | { readonly kind: 'maglev'; readonly tableSize: number }
  /** Chances in proportion to the weights. Easegress: weightedRandom. */
  | { readonly kind: 'weighted-random' }
  /** The hash modulo the number of healthy endpoints, in the order of the configuration. Easegress: ipHash and the like. */
  | { readonly kind: 'hash-modulo' }

/** A new or recovered endpoint gets its share little by little. Envoy: SlowStartConfig. */
export interface SlowStart {
  readonly windowMs: number
  /** Weight grows with (time / window) ^ (1 / aggression). */
  readonly aggression: number
  /** Least share of the weight, 0..1. */
  readonly minimumWeight: number
}

/** Between priorities and localities, before the policy of the cluster picks. */
export interface LoadSpread {
  /** Envoy's overprovisioning_factor / 100: a priority counts as whole while this × its healthy share is 1 or more. */
  readonly overprovisioning: number
  /** Share of usable endpoints, 0..1, below which health is ignored; 0 = never. */
  readonly panicThreshold: number
  /** In panic nobody gets traffic rather than everybody. Envoy: fail_traffic_on_panic. */
  readonly failInPanic: boolean
  /** Localities share by their weight. Envoy: locality_weighted_lb_config. */
  readonly localityWeighted: boolean
  /** Health of a priority is counted in weights rather than in endpoints. Envoy: weighted_priority_health. */
  readonly weightedPriorityHealth?: boolean
}

/** Envoy's. */
export const DEFAULT_SPREAD: LoadSpread = {
  overprovisioning: 1.4,
  panicThreshold: 0.5,
  failInPanic: false,
  localityWeighted: false,
}
