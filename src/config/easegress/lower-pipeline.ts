// Pipeline: the flow of its filters, checked as the vendor checks it and lowered to steps. A GlobalFilter's pipelines are
// read the same way and joined to it.

import { nearestName } from '../model/nearest-name.ts'
import type { PipelineFilter, PipelineStep } from '../model/pipeline.ts'
import { toJson, type Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { FILTER_KINDS, UNSUPPORTED_FILTERS } from './lower-filter.ts'
import { readResilience } from './lower-resilience.ts'
import type { FlowNode, PipelineSpec } from './pipeline-schema.ts'

export const END = 'END'

const DEFAULT_NAMESPACE = 'DEFAULT'

/** A step with every result that its filter can give. */
export interface KnownStep {
  readonly step: PipelineStep
  readonly results: readonly string[]
}

/** The steps in the order of the flow; `pipeline` is what the clusters of its proxies are named after. */
export function lowerSteps(loading: Loading, spec: PipelineSpec, spot: Spot, pipeline: string): readonly KnownStep[] {
  const filters = namedFilters(loading, spec, spot.field('filters'))
  const flow = spec.flow ?? []
  const flowSpot = spot.field('flow')
  const data = spot.field('data').node
  const scope = {
    loading,
    pipeline,
    data: data === undefined ? undefined : toJson(data),
    policies: readResilience(loading, spec.resilience ?? [], spot.field('resilience')),
  }
  const nodes: readonly Node[] =
    flow.length > 0
      ? flow.map((node, index) => ({ node, spot: flowSpot.at(index) }))
      : [...filters].map(([filter, at]) => ({ node: { filter }, spot: at }))
  const lowered = new Map<string, PipelineFilter | undefined>()
  const steps = nodes.flatMap(({ node, spot: at }, index) => {
    const namespace = node.namespace || DEFAULT_NAMESPACE
    const known = knownNode(loading, { node, spot: at }, filters)
    if (known === undefined) return []
    const { results, kind, filter } = known
    const key = `${namespace} ${node.filter}`
    if (kind !== undefined && filter !== undefined && !lowered.has(key))
      lowered.set(key, kind.lower({ ...scope, namespace, filter: node.filter }, filter))
    const made = kind === undefined ? ({ kind: 'end' } as const) : lowered.get(key)
    if (made === undefined) return []
    const name = kind === undefined ? `${END}#${index}` : node.alias || node.filter
    const jumpIf = new Map(Object.entries(node.jumpIf ?? {}))
    return [{ step: { name, namespace, filter: made, jumpIf, place: at.place }, results }]
  })
  checkUnused(loading, filters, nodes, (name, at) =>
    FILTER_KINDS.get(kindOf(at))?.lower({ ...scope, namespace: DEFAULT_NAMESPACE, filter: name }, at),
  )
  checkJumps(loading, nodes, filters)
  return steps
}

interface Node {
  readonly node: FlowNode
  readonly spot: Spot
}

interface KnownNode {
  readonly results: readonly string[]
  readonly kind: NonNullable<ReturnType<(typeof FILTER_KINDS)['get']>> | undefined
  readonly filter: Spot | undefined
}

function knownNode(loading: Loading, { node, spot }: Node, filters: ReadonlyMap<string, Spot>): KnownNode | undefined {
  if (node.filter === END) return { results: [], kind: undefined, filter: undefined }
  const filter = filters.get(node.filter)
  if (filter === undefined) {
    const nearest = nearestName(node.filter, filters.keys())
    const hint = nearest === undefined ? undefined : `did you mean "${nearest}"?`
    loading.error(spot.field('filter'), `the pipeline has no filter "${node.filter}"`, hint)
    return undefined
  }
  const kind = FILTER_KINDS.get(kindOf(filter))
  return kind && { results: kind.results, kind, filter }
}

const kindOf = (spot: Spot): string => {
  const { node } = spot.field('kind')
  return node?.kind === 'scalar' ? node.text : ''
}

/** Where each filter stands, by name. */
function namedFilters(loading: Loading, spec: PipelineSpec, spot: Spot): ReadonlyMap<string, Spot> {
  const named = new Map<string, Spot>()
  for (const [index, { kind, name }] of spec.filters.entries()) {
    const at = spot.at(index)
    checkKind(loading, kind, at.field('kind'))
    if (name === END) loading.error(at.field('name'), `${END} ends a pipeline and is no name for a filter`)
    else if (named.has(name)) loading.error(at.field('name'), `a second filter is named "${name}"`)
    named.set(name, at)
  }
  return named
}

function checkKind(loading: Loading, kind: string, spot: Spot): void {
  if (FILTER_KINDS.has(kind)) return
  const instead = UNSUPPORTED_FILTERS.get(kind)
  if (instead !== undefined) {
    loading.error(spot, `the filter ${kind} is known to Easegress but not supported by Sluice`, instead || undefined)
    return
  }
  const nearest = nearestName(kind, FILTER_KINDS.keys())
  const hint = nearest === undefined ? `known: ${[...FILTER_KINDS.keys()].join(', ')}` : `did you mean ${nearest}?`
  loading.error(spot, `there is no filter "${kind}"`, hint)
}

/** A filter that is not used must be right all the same; its servers are not kept. */
function checkUnused(
  loading: Loading,
  filters: ReadonlyMap<string, Spot>,
  nodes: readonly Node[],
  lower: (name: string, spot: Spot) => void,
): void {
  for (const [name, spot] of filters) {
    if (nodes.some(({ node }) => node.filter === name)) continue
    loading.warning(spot.field('name'), `the flow does not use the filter "${name}"`)
    const before = new Set(loading.clusters.keys())
    lower(name, spot)
    for (const cluster of loading.clusters.keys()) if (!before.has(cluster)) loading.clusters.delete(cluster)
  }
}

/** From the end, so that what lies behind a step is known: only there may it jump. */
function checkJumps(loading: Loading, nodes: readonly Node[], filters: ReadonlyMap<string, Spot>): void {
  const later = new Map<string, number>()
  for (const { node, spot } of nodes.toReversed()) {
    const filter = filters.get(node.filter)
    const results = filter === undefined ? undefined : FILTER_KINDS.get(kindOf(filter))?.results
    for (const [result, target] of Object.entries(node.jumpIf ?? {})) {
      const at = spot.field('jumpIf').key(result)
      if (results !== undefined && result !== '') checkResult(loading, result, results, at)
      checkTarget(loading, target, { later, nodes, spot: at })
    }
    const name = node.alias || node.filter
    if (node.filter !== END) later.set(name, (later.get(name) ?? 0) + 1)
  }
}

function checkResult(loading: Loading, result: string, results: readonly string[], spot: Spot): void {
  if (results.includes(result)) return
  const nearest = nearestName(result, results)
  loading.errorAtKey(
    spot,
    `"${result}" is no result of this filter: it gives ${results.join(', ')}`,
    nearest === undefined ? undefined : `did you mean ${nearest}?`,
  )
}

interface Jump {
  readonly later: ReadonlyMap<string, number>
  readonly nodes: readonly Node[]
  readonly spot: Spot
}

function checkTarget(loading: Loading, target: string, { later, nodes, spot }: Jump): void {
  if (target === END) return
  const count = later.get(target) ?? 0
  if (count === 1) return
  if (count > 1) {
    loading.error(spot, `several later steps are called "${target}"`, 'give them different aliases')
    return
  }
  const earlier = nodes.some(({ node }) => (node.alias || node.filter) === target)
  const nearest = nearestName(target, [...later.keys(), END])
  loading.error(
    spot,
    earlier ? `"${target}" is not behind this step, and jumps go forward only` : `there is no later step "${target}"`,
    nearest === undefined ? undefined : `did you mean "${nearest}"?`,
  )
}
