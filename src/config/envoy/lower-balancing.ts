// How a cluster chooses endpoints, by lb_policy and the blocks beside it, or by load_balancing_policy. Envoy:
// config.cluster.v3.Cluster, CommonLbConfig; config.endpoint.v3.ClusterLoadAssignment.Policy.

import { DEFAULT_SPREAD, type Balancing, type LoadSpread } from '../model/balancing.ts'
import type { Cluster } from '../model/cluster.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerExtensionPolicy, type PolicyParts } from './lower-lb-policy.ts'
import { lowerMaglev, lowerRing, lowerSlowStart } from './lower-lb-tables.ts'
import {
  Cluster_LbPolicy as Policy,
  Cluster_RingHashLbConfig_HashFunction as HashFunction,
  type Cluster as Message,
} from './messages.ts'

/** The parts of the model that this file is about. */
export function lowerBalancing(
  loading: Loading,
  message: Message,
  spot: Spot,
): Pick<Cluster, 'balancing' | 'spread' | 'hashPolicies'> {
  const { balancing, localityWeighted, failInPanic, hashPolicies } = lowerPolicy(loading, message, spot)
  const common = lowerCommon(message)
  const spread = {
    ...common,
    localityWeighted: localityWeighted ?? common.localityWeighted,
    failInPanic: failInPanic ?? common.failInPanic,
  }
  return { balancing, ...(isDefault(spread) ? {} : { spread }), ...(hashPolicies && { hashPolicies }) }
}

const isDefault = (spread: LoadSpread): boolean =>
  spread.overprovisioning === DEFAULT_SPREAD.overprovisioning &&
  spread.panicThreshold === DEFAULT_SPREAD.panicThreshold &&
  spread.failInPanic === DEFAULT_SPREAD.failInPanic &&
  spread.localityWeighted === DEFAULT_SPREAD.localityWeighted &&
  spread.weightedPriorityHealth !== true

/** load_balancing_policy wins over lb_policy. */
function lowerPolicy(loading: Loading, message: Message, spot: Spot): PolicyParts {
  const extension = message.loadBalancingPolicy
  if (extension !== undefined) return lowerExtensionPolicy(loading, extension, spot.field('load_balancing_policy'))
  checkBlock(loading, message, spot)
  return { balancing: byEnum(loading, message, spot) }
}

const BLOCKS = {
  ringHashLbConfig: { policy: Policy.RING_HASH, field: 'ring_hash_lb_config' },
  maglevLbConfig: { policy: Policy.MAGLEV, field: 'maglev_lb_config' },
  leastRequestLbConfig: { policy: Policy.LEAST_REQUEST, field: 'least_request_lb_config' },
  roundRobinLbConfig: { policy: Policy.ROUND_ROBIN, field: 'round_robin_lb_config' },
} as const

/** A block of another policy does nothing. */
function checkBlock(loading: Loading, { lbConfig, lbPolicy }: Message, spot: Spot): void {
  const block =
    lbConfig.case === undefined || lbConfig.case === 'originalDstLbConfig' ? undefined : BLOCKS[lbConfig.case]
  if (block !== undefined && block.policy !== lbPolicy)
    loading.warning(spot.field(block.field), `has no effect with lb_policy ${Policy[lbPolicy]}`)
}

function byEnum(loading: Loading, { lbPolicy, lbConfig }: Message, spot: Spot): Balancing {
  switch (lbPolicy) {
    case Policy.RANDOM:
      return { kind: 'random' }
    case Policy.RING_HASH: {
      const ring = lbConfig.case === 'ringHashLbConfig' ? lbConfig.value : undefined
      const murmur = ring?.hashFunction === HashFunction.MURMUR_HASH_2
      return lowerRing(loading, { ...ring, murmur }, spot.field('ring_hash_lb_config'))
    }
    case Policy.MAGLEV: {
      const maglev = lbConfig.case === 'maglevLbConfig' ? lbConfig.value : undefined
      return lowerMaglev(loading, maglev?.tableSize, spot.field('maglev_lb_config').field('table_size'))
    }
    case Policy.LEAST_REQUEST: {
      const least = lbConfig.case === 'leastRequestLbConfig' ? lbConfig.value : undefined
      return {
        kind: 'least-request',
        choices: least?.choiceCount ?? 2,
        activeRequestBias: least?.activeRequestBias?.defaultValue ?? 1,
        ...lowerSlowStart(least?.slowStartConfig),
      }
    }
    default: {
      const turns = lbConfig.case === 'roundRobinLbConfig' ? lbConfig.value : undefined
      return { kind: 'round-robin', ...lowerSlowStart(turns?.slowStartConfig) }
    }
  }
}

function lowerCommon({ commonLbConfig: common, loadAssignment }: Message): LoadSpread {
  const policy = loadAssignment?.policy
  const locality = common?.localityConfigSpecifier
  return {
    overprovisioning: (policy?.overprovisioningFactor ?? 140) / 100,
    panicThreshold: (common?.healthyPanicThreshold?.value ?? 50) / 100,
    failInPanic: locality?.case === 'zoneAwareLbConfig' && locality.value.failTrafficOnPanic,
    localityWeighted: locality?.case === 'localityWeightedLbConfig',
    ...(policy?.weightedPriorityHealth === true ? { weightedPriorityHealth: true } : {}),
  }
}
