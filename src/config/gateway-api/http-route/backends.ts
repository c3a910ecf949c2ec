// The backends of a rule as a choice of clusters: shares by weight, where an unresolved one answers 500 for its share.
// Gateway API: HTTPBackendRef.

import type { DirectAction, WeightedCluster } from '../../model/route.ts'
import type { ClusterChoice } from '../../model/route.ts'
import type { Spot } from '../../source/tree.ts'
import { resolveBackend } from '../backends/resolve.ts'
import type { HttpBackend } from '../kinds/http-route.ts'
import { internalError, lowerFilters } from './filters.ts'
import type { RuleContext } from './rule-context.ts'

/** A choice, or the answer for all. */
export type LoweredBackends =
  | { readonly kind: 'choice'; readonly choice: ClusterChoice }
  | { readonly kind: 'answer'; readonly action: DirectAction }

export function lowerBackends(
  context: RuleContext,
  backends: readonly HttpBackend[],
  spot: Spot,
  matched: string,
): LoweredBackends {
  const members = backends.map((backend, index) => lowerBackend(context, backend, spot.at(index), matched))
  const total = members.reduce((sum, { weight }) => sum + weight, 0)
  if (members.length === 0) return answer('the rule has no backendRefs')
  if (total === 0) return answer('the weights of all backendRefs are 0')
  const [only] = members
  if (members.length === 1 && only?.cluster.kind === 'cluster' && isPlain(backends[0]))
    return { kind: 'choice', choice: { kind: 'cluster', name: only.cluster.name } }
  return { kind: 'choice', choice: { kind: 'weighted', clusters: members, total, headerName: '' } }
}

const answer = (message: string): LoweredBackends => ({ kind: 'answer', action: internalError(message) })

const isPlain = (backend: HttpBackend | undefined): boolean => backend?.filters.length === 0

function lowerBackend(context: RuleContext, backend: HttpBackend, spot: Spot, matched: string): WeightedCluster {
  const { working, listener, route, protocol } = context
  const resolved = resolveBackend(working, { gateway: listener.gateway, route, reference: backend, spot, protocol })
  const filters = lowerFilters(context, backend.filters, spot.key('filters'), matched)
  const refused =
    resolved.kind === 'unresolved' ? internalError(`the backend is not to be had (${resolved.reason})`) : filters.answer
  return {
    cluster:
      resolved.kind === 'cluster' && refused === undefined
        ? { kind: 'cluster', name: resolved.name }
        : { kind: 'answer', action: refused ?? internalError('the backend is not resolved') },
    weight: backend.weight,
    mutations: filters.mutations,
    hostRewrite: filters.hostRewrite,
    pathRewrite: filters.pathRewrite,
    mirrors: filters.mirrors,
    perFilter: filters.perFilter,
    place: spot.place,
  }
}
