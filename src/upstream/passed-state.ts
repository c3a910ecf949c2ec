// What a connection to an internal listener brings along: the client's filter state, and the metadata that the configuration
// names. Envoy: the internal_upstream transport socket, which shares filter state besides passthrough_metadata.

import type { ClusterStats } from '../cluster/cluster-stats.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { Cluster } from '../config/model/cluster.ts'
import { ConnectionState } from '../transport/connection-state.ts'
import type { DownstreamOrigin } from './stream-need.ts'

interface Passing {
  readonly tools: { readonly stats: Pick<ClusterStats, 'internalUpstreamNoMetadata'> }
  readonly cluster: Cluster
  readonly endpoint: Endpoint
  readonly downstream: DownstreamOrigin | undefined
}

/** A copy: what the inner connection learns is its own. Undefined when nothing passes. */
export function passedState({ cluster, endpoint, downstream, tools }: Passing): ConnectionState | undefined {
  const { internalPassthrough } = cluster
  if (internalPassthrough === undefined) return undefined
  const passed = new ConnectionState()
  for (const [key, value] of downstream?.info.state?.filterState ?? []) passed.filterState.set(key, value)
  for (const { from, namespace } of internalPassthrough) {
    const values = (from === 'host' ? endpoint.config.metadata : cluster.metadata)?.get(namespace)
    if (values === undefined) tools.stats.internalUpstreamNoMetadata.value++
    else for (const [key, value] of values) passed.setMetadata(namespace, key, value)
  }
  return passed
}
