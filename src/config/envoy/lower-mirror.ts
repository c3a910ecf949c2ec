// Copies of requests for other clusters. Envoy: config.route.v3.RouteAction.RequestMirrorPolicy.

import type { MirrorPolicy } from '../model/retry.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { fraction } from './lower-duration.ts'
import { each } from './lower-each.ts'
import { lowerMutationList } from './lower-header-mutation.ts'
import type { RouteAction_RequestMirrorPolicy as Message } from './messages.ts'

/** `checkCluster` says so when a cluster is not known. undefined when there are no mirrors. */
export function lowerMirrors(
  loading: Loading,
  messages: readonly Message[],
  spot: Spot,
  checkCluster: (name: string, spot: Spot) => void,
): readonly MirrorPolicy[] | undefined {
  if (messages.length === 0) return undefined
  return each(messages, spot, (message, at) => lowerMirror(loading, message, at, checkCluster))
}

function lowerMirror(
  loading: Loading,
  message: Message,
  spot: Spot,
  checkCluster: (name: string, spot: Spot) => void,
): MirrorPolicy {
  const { cluster, clusterHeader, runtimeFraction } = message
  if (cluster !== '' && clusterHeader !== '')
    loading.error(
      spot.field('cluster_header'),
      `Only one of cluster '${cluster}' or cluster_header '${clusterHeader}' in request mirror policy can be specified`,
    )
  if (cluster === '' && clusterHeader === '')
    loading.error(spot, 'Exactly one of cluster or cluster_header in request mirror policy need to be specified')
  checkCluster(cluster, spot.field('cluster'))
  const percent = runtimeFraction?.defaultValue
  return {
    cluster:
      clusterHeader === '' ? { kind: 'cluster', name: cluster } : { kind: 'header', name: clusterHeader.toLowerCase() },
    fraction: runtimeFraction === undefined ? 1 : percent === undefined ? 0 : fraction(percent),
    shadowSuffix: !message.disableShadowHostSuffixAppend && message.hostRewriteLiteral === '',
    mutations: lowerMutationList(loading, message.requestHeadersMutations, spot.field('request_headers_mutations')),
    hostRewrite: message.hostRewriteLiteral,
    place: spot.place,
  }
}
