// Which cluster a forwarding route sends a request to. Envoy: cluster, cluster_header, weighted_clusters. Easegress: the
// candidate pools of a proxy, tried in order, and its main pool.

import type {
  ClusterChoice,
  DirectAction,
  PoolOverride,
  RedirectAction,
  WeightedCluster,
} from '../config/model/route.ts'
import { quoted } from './explanation-text.ts'
import type { MatchedHead } from './header-test.ts'
import { poolMatches } from './pool-match.ts'

/** The cluster's name and what else comes with the choice; or why there is none. */
export type ChosenCluster =
  | {
      readonly kind: 'cluster'
      readonly name: string
      /** Of weighted clusters. */
      readonly member: WeightedCluster | undefined
      /** What differs from the route's action in this pool. */
      readonly pool?: PoolOverride | undefined
    }
  /** The chosen member answers here. */
  | { readonly kind: 'answer'; readonly action: DirectAction | RedirectAction; readonly member: WeightedCluster }
  | { readonly kind: 'no-cluster'; readonly explanation: string }

/**
 * Chooses. `random` is in [0, 1): draw a fresh one, not the one that routes' fractions were tested with. `clientIp`: for
 * pools that are chosen by it.
 */
export function chooseCluster(choice: ClusterChoice, head: MatchedHead, random: number, clientIp = ''): ChosenCluster {
  switch (choice.kind) {
    case 'cluster':
      return { kind: 'cluster', name: choice.name, member: undefined }
    case 'header':
      return byHeader(choice.header, head, undefined)
    case 'first-match':
      return firstMatch(choice, head, random, clientIp)
    case 'weighted':
      return byWeight(choice, head, random)
  }
}

type PoolChoice = Extract<ClusterChoice, { kind: 'first-match' }>

function firstMatch(choice: PoolChoice, head: MatchedHead, random: number, clientIp: string): ChosenCluster {
  const chosen = (name: string): ChosenCluster => ({
    kind: 'cluster',
    name,
    member: undefined,
    pool: choice.pools.get(name),
  })
  let left = random
  for (const { match, pool } of choice.candidates) {
    if (poolMatches(match, head, { random: left, clientIp })) return chosen(pool)
    // What is left of the chance is as good as a fresh number, so that each candidate has its own.
    if (match.kind === 'random' && match.permil < 1000) left = (left - match.permil / 1000) / (1 - match.permil / 1000)
  }
  return chosen(choice.main)
}

function byHeader(header: string, head: MatchedHead, member: WeightedCluster | undefined): ChosenCluster {
  const name = header === ':authority' || header === 'host' ? head.authority : head.headers.get(header)
  if (name !== undefined && name !== '') return { kind: 'cluster', name, member }
  return {
    kind: 'no-cluster',
    explanation: `the route takes its cluster from header ${quoted(header)}, which the request does not have`,
  }
}

type WeightedChoice = Extract<ClusterChoice, { kind: 'weighted' }>

function byWeight(choice: WeightedChoice, head: MatchedHead, random: number): ChosenCluster {
  const given = choice.headerName === '' ? undefined : head.headers.get(choice.headerName)
  let left = given === undefined ? undefined : remainder(given, choice.total)
  left ??= Math.floor(random * choice.total)
  for (const member of choice.clusters) {
    if (left < member.weight) return chosen(member, head)
    left -= member.weight
  }
  return { kind: 'no-cluster', explanation: 'the weights of the weighted clusters are all zero' }
}

function chosen(member: WeightedCluster, head: MatchedHead): ChosenCluster {
  const { cluster } = member
  switch (cluster.kind) {
    case 'cluster':
      return { kind: 'cluster', name: cluster.name, member }
    case 'header':
      return byHeader(cluster.header, head, member)
    case 'answer':
      return { kind: 'answer', action: cluster.action, member }
  }
}

const UINT64_MAX = 18446744073709551615n

/** `value mod total` of an unsigned 64-bit decimal number; undefined for anything else, so that chance decides. */
function remainder(value: string, total: number): number | undefined {
  if (total <= 0 || !/^\d{1,20}$/.test(value)) return undefined
  const number = BigInt(value)
  return number > UINT64_MAX ? undefined : Number(number % BigInt(total))
}
