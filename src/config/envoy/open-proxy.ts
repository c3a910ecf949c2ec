// Finds the ways by which clients make this proxy dial what they like, and says so. Envoy has no check of what is dialled,
// and its dialect keeps Envoy's behaviour.

import type { Cluster } from '../model/cluster.ts'
import type { Listener } from '../model/listener.ts'
import type { ForwardAction } from '../model/route.ts'
import type { Loading } from './loading.ts'
import { METADATA_KEYS } from './lower-metadata.ts'
import { TargetPolicySchema } from './messages.ts'

/** Warns once for each cluster without a policy that dials what a CONNECT, or with dynamic_forward_proxy any request, names. */
export function warnOfOpenProxies(
  loading: Loading,
  listeners: readonly Listener[],
  clusters: ReadonlyMap<string, Cluster>,
): void {
  const warned = new Set<string>()
  for (const { action, name } of forwards(listeners)) {
    for (const cluster of clustersOf(action, clusters)) {
      const terminated = action.connect !== undefined || cluster.terminatesConnect
      // A metadata service answers a plain GET: a dynamic forward proxy needs no CONNECT to be open.
      const open = terminated || cluster.discovery === 'dynamic-forward-proxy'
      if (!open || !namedByClients(cluster) || cluster.targetPolicy !== undefined || warned.has(cluster.name)) continue
      warned.add(cluster.name)
      loading.warningAt(
        cluster.place,
        `clients choose what is dialled: a ${terminated ? 'CONNECT' : 'request'} to listener '${name}' reaches loopback and private addresses through cluster '${cluster.name}'`,
        `add metadata: {typed_filter_metadata: {${METADATA_KEYS.targetPolicy}: {"@type": type.googleapis.com/${TargetPolicySchema.typeName}}}} to the cluster; allow: ["host:port"] lists exceptions`,
      )
    }
  }
}

const namedByClients = ({ discovery, originalDestination }: Cluster): boolean =>
  discovery === 'dynamic-forward-proxy' || (originalDestination !== undefined && originalDestination.headerName !== '')

interface Forward {
  readonly action: ForwardAction
  /** Of the listener. */
  readonly name: string
}

function* forwards(listeners: readonly Listener[]): Generator<Forward> {
  for (const { chains, defaultChain, name } of listeners) {
    for (const { filter } of defaultChain === undefined ? chains : [...chains, defaultChain]) {
      if (filter?.kind !== 'http-connection-manager') continue
      for (const { routes } of filter.routes.virtualHosts) {
        for (const { action } of routes) if (action.kind === 'forward') yield { action, name }
      }
    }
  }
}

/** A header may name any of them. */
function clustersOf({ cluster: choice }: ForwardAction, clusters: ReadonlyMap<string, Cluster>): readonly Cluster[] {
  const choices = choice.kind === 'weighted' ? choice.clusters.map(({ cluster }) => cluster) : [choice]
  return choices.flatMap((each) => {
    if (each.kind === 'header') return [...clusters.values()]
    if (each.kind !== 'cluster') return []
    const cluster = clusters.get(each.name)
    return cluster === undefined ? [] : [cluster]
  })
}
