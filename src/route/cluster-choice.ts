// Which cluster a forwarding route sends a request to. Envoy: cluster, cluster_header, weighted_clusters.

import type { ClusterChoice, DirectAction, RedirectAction, WeightedCluster } from '../config/model/route.ts'
import { quoted } from './explanation-text.ts'
import type { MatchedHead } from './header-test.ts'

/** The cluster's name and, for weighted clusters, the member; or why there is none. */
export type ChosenCluster =
  | { readonly kind: 'cluster'; readonly name: string; readonly member: WeightedCluster | undefined }
  /** The chosen member answers here. */
  | { readonly kind: 'answer'; readonly action: DirectAction | RedirectAction; readonly member: WeightedCluster }
  | { readonly kind: 'no-cluster'; readonly explanation: string }

/** Chooses. `random` is in [0, 1): draw a fresh one, not the one that routes' fractions were tested with. */
export function chooseCluster(choice: ClusterChoice, head: MatchedHead, random: number): ChosenCluster {
  switch (choice.kind) {
    case 'cluster':
      return { kind: 'cluster', name: choice.name, member: undefined }
    case 'header':
      return byHeader(choice.header, head, undefined)
    case 'first-match':
      return { kind: 'cluster', name: choice.main, member: undefined }
    case 'weighted':
      return byWeight(choice, head, random)
  }
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
