// load_balancing_policy: the balancing as an extension. Envoy: config.cluster.v3.LoadBalancingPolicy and
// extensions.load_balancing_policies.

import { isMessage, type Message } from '@bufbuild/protobuf'
import type { Balancing } from '../model/balancing.ts'
import type { HashPolicy } from '../model/hash-policy.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerHashPolicies } from './lower-hash-policy.ts'
import { lowerMaglev, lowerRing, lowerSlowStart } from './lower-lb-tables.ts'
import {
  ClusterProvidedPolicySchema,
  LeastRequestPolicySchema,
  MaglevPolicySchema,
  RandomPolicySchema,
  RingHashPolicySchema,
  RingHash_HashFunction as HashFunction,
  RoundRobinPolicySchema,
  type ConsistentHashingLbConfig,
  type LoadBalancingPolicy,
  type LocalityLbConfig,
} from './messages.ts'

/** undefined = as common_lb_config says. */
export interface PolicyParts {
  readonly balancing: Balancing
  readonly localityWeighted?: boolean
  readonly failInPanic?: boolean
  readonly hashPolicies?: readonly HashPolicy[] | undefined
}

/** The first of the list is taken, for all that are not known are refused by name. */
export function lowerExtensionPolicy(loading: Loading, message: LoadBalancingPolicy, spot: Spot): PolicyParts {
  for (const [index, policy] of message.policies.entries()) {
    const at = spot.field('policies').at(index).field('typed_extension_config').field('typed_config')
    const config = loading.unpack(policy.typedExtensionConfig?.typedConfig)
    const parts = config && lowerPolicy(loading, config, at)
    if (parts !== undefined) return parts
  }
  const names = message.policies.map((policy) => policy.typedExtensionConfig?.name ?? '').join(', ')
  loading.error(spot, `cluster: didn't find a registered load balancer factory with names from ${names}`)
  return { balancing: { kind: 'round-robin' } }
}

function lowerPolicy(loading: Loading, config: Message, spot: Spot): PolicyParts | undefined {
  if (isMessage(config, RoundRobinPolicySchema)) {
    const balancing: Balancing = { kind: 'round-robin', ...lowerSlowStart(config.slowStartConfig) }
    return { balancing, ...lowerLocality(config.localityLbConfig) }
  }
  if (isMessage(config, LeastRequestPolicySchema)) {
    const balancing: Balancing = {
      kind: 'least-request',
      choices: config.choiceCount ?? 2,
      activeRequestBias: config.activeRequestBias?.defaultValue ?? 1,
      ...lowerSlowStart(config.slowStartConfig),
    }
    return { balancing, ...lowerLocality(config.localityLbConfig) }
  }
  if (isMessage(config, RandomPolicySchema))
    return { balancing: { kind: 'random' }, ...lowerLocality(config.localityLbConfig) }
  if (isMessage(config, RingHashPolicySchema)) {
    const murmur = config.hashFunction === HashFunction.MURMUR_HASH_2
    const localityWeighted = config.localityWeightedLbConfig !== undefined
    const balancing = lowerRing(loading, { ...config, murmur }, spot)
    return { balancing, localityWeighted, ...lowerHashing(loading, config.consistentHashingLbConfig, spot) }
  }
  if (isMessage(config, MaglevPolicySchema)) {
    const localityWeighted = config.localityWeightedLbConfig !== undefined
    const balancing = lowerMaglev(loading, config.tableSize, spot.field('table_size'))
    return { balancing, localityWeighted, ...lowerHashing(loading, config.consistentHashingLbConfig, spot) }
  }
  return isMessage(config, ClusterProvidedPolicySchema) ? { balancing: { kind: 'round-robin' } } : undefined
}

function lowerLocality(message: LocalityLbConfig | undefined): Omit<PolicyParts, 'balancing'> {
  const locality = message?.localityConfigSpecifier
  return {
    localityWeighted: locality?.case === 'localityWeightedLbConfig',
    failInPanic: locality?.case === 'zoneAwareLbConfig' && locality.value.failTrafficOnPanic,
  }
}

/** The policy's own hash policies win over the route's. */
function lowerHashing(
  loading: Loading,
  message: ConsistentHashingLbConfig | undefined,
  spot: Spot,
): Pick<PolicyParts, 'hashPolicies'> {
  const at = spot.field('consistent_hashing_lb_config').field('hash_policy')
  return { hashPolicies: message && lowerHashPolicies(loading, message.hashPolicy, at) }
}
