// Which dynamic-forward-proxy cluster a request will go to, as far as it is decided: of weighted clusters chance chooses
// later, and one that dials names is reason enough to look the name up.

import type { Target } from '../../../cluster/target.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import type { Cluster } from '../../../config/model/cluster.ts'
import type { ClusterChoice } from '../../../config/model/route.ts'
import { chooseCluster } from '../../../route/cluster-choice.ts'
import type { SelectedRoute } from '../../../route/compiled-table.ts'

/** A cluster as this filter sees it. */
export interface ForwardCluster {
  readonly cluster: Cluster
  /** See `ClusterRuntime.refusalOf`. */
  readonly runtime: { refusalOf(target: Target): string | undefined }
}

interface Clusters {
  cluster(name: string): ForwardCluster | undefined
}

/** undefined when the request goes elsewhere. */
export function forwardCluster(
  selected: SelectedRoute | undefined,
  head: RequestHead,
  clusters: Clusters,
): ForwardCluster | undefined {
  const action = selected?.route.action
  if (action?.kind !== 'forward') return undefined
  for (const choice of members(action.cluster)) {
    const chosen = chooseCluster(choice, head, 0)
    const upstream = chosen.kind === 'cluster' ? clusters.cluster(chosen.name) : undefined
    if (upstream?.cluster.discovery === 'dynamic-forward-proxy') return upstream
  }
  return undefined
}

const members = (choice: ClusterChoice): readonly ClusterChoice[] =>
  choice.kind === 'weighted'
    ? choice.clusters.flatMap(({ cluster }) => (cluster.kind === 'answer' ? [] : [cluster]))
    : [choice]
