// Objects to listeners: pipelines first, then the servers whose paths name them.

import { nearestName } from '../model/nearest-name.ts'
import type { Listener } from '../model/listener.ts'
import type { Place } from '../model/place.ts'
import { Spot, type SourceNode } from '../source/tree.ts'
import { PipelineCheck } from './check-pipeline.ts'
import { httpServer, type HttpServerSpec, type PathSpec } from './http-server-schema.ts'
import type { Loading } from './loading.ts'
import { lowerHttpServer } from './lower-http-server.ts'
import { lowerSteps, type KnownStep } from './lower-pipeline.ts'
import { lowerProxy } from './lower-proxy.ts'
import { FILTER_KINDS } from './lower-filter.ts'
import type { RouteScope } from './lower-route.ts'
import type { ObjectKind, ObjectSource } from './objects.ts'
import { globalFilter, pipelineObject, type PipelineSpec } from './pipeline-schema.ts'
import { readObject } from './read-object.ts'
import { wrapSteps, type GlobalSteps } from './wrap-pipeline.ts'

export function lowerObjects(loading: Loading, objects: readonly ObjectSource[]): readonly Listener[] {
  const of = (kind: ObjectKind): readonly ObjectSource[] => objects.filter((object) => object.kind === kind)
  const check = new PipelineCheck(loading)
  const pipelines = new Map<string, readonly KnownStep[] | undefined>()
  for (const { name, spot } of of('Pipeline')) {
    const spec = readObject(loading, pipelineObject, spot)
    const steps = spec && lowerSteps(loading, spec, spot, name)
    check.of(name, wrapSteps(steps ?? [], undefined), spot.place)
    pipelines.set(name, steps)
  }
  const globals = new Map<string, GlobalSteps | undefined>()
  for (const { name, spot } of of('GlobalFilter')) globals.set(name, lowerGlobal(loading, spot, name))
  const listeners = of('HTTPServer').flatMap(({ spot }) => {
    const spec = readObject(loading, httpServer, spot)
    if (spec === undefined) return []
    checkGlobal(loading, spec, spot, globals)
    return [lowerHttpServer(loading, spec, spot, resolver({ loading, check, pipelines, globals }))]
  })
  if (of('HTTPServer').length === 0 && objects.length > 0 && objects[0] !== undefined)
    loading.warning(objects[0].spot, 'there is no HTTPServer: nothing is accepted')
  checkPorts(loading, listeners)
  return listeners
}

function lowerGlobal(loading: Loading, spot: Spot, name: string): GlobalSteps | undefined {
  const spec = readObject(loading, globalFilter, spot)
  if (spec === undefined) return undefined
  if (spec.beforePipeline === undefined && spec.afterPipeline === undefined)
    loading.error(spot, 'the GlobalFilter has neither beforePipeline nor afterPipeline')
  const steps = (part: PipelineSpec | undefined, field: 'beforePipeline' | 'afterPipeline'): readonly KnownStep[] =>
    part === undefined ? [] : lowerSteps(loading, part, spot.field(field), `${name}/${field}`)
  return {
    before: steps(spec.beforePipeline, 'beforePipeline'),
    after: steps(spec.afterPipeline, 'afterPipeline'),
    fallthroughBefore: spec.fallthrough?.beforePipeline ?? false,
    fallthroughPipeline: spec.fallthrough?.pipeline ?? false,
  }
}

function checkGlobal(
  loading: Loading,
  spec: HttpServerSpec,
  spot: Spot,
  globals: ReadonlyMap<string, GlobalSteps | undefined>,
): void {
  if (!spec.globalFilter || globals.has(spec.globalFilter)) return
  const nearest = nearestName(spec.globalFilter, globals.keys())
  loading.warning(
    spot.field('globalFilter'),
    `there is no GlobalFilter "${spec.globalFilter}": nothing is added to the pipelines`,
    nearest === undefined ? undefined : `did you mean "${nearest}"?`,
  )
}

interface Resolving {
  readonly loading: Loading
  readonly check: PipelineCheck
  readonly pipelines: ReadonlyMap<string, readonly KnownStep[] | undefined>
  readonly globals: ReadonlyMap<string, GlobalSteps | undefined>
}

function resolver({ loading, check, pipelines, globals }: Resolving): RouteScope['pipelines'] {
  const wrapped = (name: string, steps: readonly KnownStep[], server: HttpServerSpec, place: Place) =>
    check.of(name, wrapSteps(steps, globals.get(server.globalFilter ?? '')), place)
  return {
    names: [...pipelines.keys()],
    // A pipeline with faults was reported; its steps do not matter any more.
    named: (name, server, { place }) =>
      pipelines.has(name) ? wrapped(name, pipelines.get(name) ?? [], server, place) : undefined,
    ofPool: (path, spot, name, server) => wrapped(name, poolSteps(loading, path, spot, name), server, spot.place),
  }
}

/** The pipeline of one Proxy that the vendor makes of an inline pool. */
function poolSteps(loading: Loading, { backendPool }: PathSpec, spot: Spot, name: string): readonly KnownStep[] {
  if (backendPool === undefined) return []
  const spec = { kind: 'Proxy', name: 'proxy', pools: [backendPool] }
  const filter = lowerProxy(loading, spec, asPools(spot), `${name}/proxy#proxy`, new Map())
  if (filter === undefined) return []
  const results = FILTER_KINDS.get('Proxy')?.results ?? []
  const step = { name: 'proxy', namespace: 'DEFAULT', filter, jumpIf: new Map<string, string>(), place: spot.place }
  return [{ step, results }]
}

/** The one pool where a Proxy has its list of them. */
function asPools(spot: Spot): Spot {
  const { place, node } = spot
  if (node === undefined) return spot
  const pools: SourceNode = { kind: 'list', place, items: [node] }
  return new Spot(
    { kind: 'map', place, entries: new Map([['pools', { keyPlace: place, value: pools }]]) },
    spot.path,
    place,
  )
}

function checkPorts(loading: Loading, listeners: readonly Listener[]): void {
  const taken = new Map<string, string>()
  for (const { name, addresses } of listeners) {
    for (const address of addresses) {
      if (address.kind !== 'socket' || address.port === 0) continue
      const key = `${address.host}:${address.port}`
      const other = taken.get(key)
      if (other !== undefined) loading.errorAt(address.place, `HTTPServer "${other}" has the same address and port`)
      taken.set(key, name)
    }
  }
}
