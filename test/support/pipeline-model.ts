// A running proxy with pipelines: an Envoy configuration is loaded, and each of its routes gets a pipeline by name. What a
// dialect would lower is written down here as the model has it.

import type { HttpFilterConfig } from '../../src/config/model/http-filter.ts'
import type { Listener } from '../../src/config/model/listener.ts'
import type { Pipeline, PipelineFilter, PipelineStep, PipelineText } from '../../src/config/model/pipeline.ts'
import { type Place, NOWHERE } from '../../src/config/model/place.ts'
import type { ProxyConfig } from '../../src/config/model/proxy.ts'
import type { ForwardAction, Route, RouteAction } from '../../src/config/model/route.ts'
import { systemClock } from '../../src/core/clock.ts'
import { ApplicationLog } from '../../src/observe/log.ts'
import { loadText } from '../../src/proxy/load-config.ts'
import { Proxy } from '../../src/proxy/proxy.ts'
import { type YamlMap, yamlText } from './envoy-config.ts'

export const place: Place = { file: 'pipeline.yaml', line: 7, column: 1, path: '' }

export interface StepMore {
  readonly namespace?: string
  readonly jumpIf?: Readonly<Record<string, string>>
}

export const step = (
  name: string,
  filter: PipelineFilter,
  { namespace, jumpIf = {} }: StepMore = {},
): PipelineStep => ({
  name,
  namespace: namespace ?? 'DEFAULT',
  filter,
  jumpIf: new Map(Object.entries(jumpIf)),
  place,
})

export const text = (value: string): PipelineText => ({ source: value, parts: [{ kind: 'text', text: value }] })

export const NO_HEADERS = { set: [], add: [], remove: [] }

/** The filters of a pipeline, given the action of the route that it stands on. */
export type MakeSteps = (action: ForwardAction) => readonly PipelineStep[]

export interface PipelineProxy {
  readonly proxy: Proxy
  port(listener: string): number
  stop(): Promise<void>
}

/** Starts `bootstrap`; the route of prefix `/name` runs the pipeline `name`. */
export async function startPipelines(
  bootstrap: YamlMap,
  pipelines: Readonly<Record<string, MakeSteps>>,
  more: Partial<Route> = {},
): Promise<PipelineProxy> {
  const loaded = await loadText(yamlText(bootstrap), 'pipeline.yaml')
  if (loaded.config === undefined) throw new Error(loaded.diagnostics.map(({ message }) => message).join('\n'))
  const config = withPipelines(loaded.config, pipelines, more)
  const proxy = new Proxy(config, new ApplicationLog({ level: 'off' }), { started_ms: systemClock.wallNow() })
  await proxy.start()
  return {
    proxy,
    port: (listener) => Number(/:(\d+)$/.exec(proxy.addresses(listener)[0] ?? '')?.[1]),
    stop: () => proxy.stop(),
  }
}

function withPipelines(
  config: ProxyConfig,
  pipelines: Readonly<Record<string, MakeSteps>>,
  more: Partial<Route>,
): ProxyConfig {
  const known = new Map<string, Pipeline>()
  const listeners = config.listeners.map((listener) =>
    onListener(listener, (route) => onRoute(route, pipelines, known, more)),
  )
  return { ...config, listeners }
}

const FILTER: HttpFilterConfig = {
  kind: 'pipeline',
  name: 'pipeline',
  disabled: false,
  pipeline: undefined,
  place: NOWHERE,
}

function onListener(listener: Listener, change: (route: Route) => Route): Listener {
  const chains = listener.chains.map((chain) => {
    if (chain.filter?.kind !== 'http-connection-manager') return chain
    const { filters, routes } = chain.filter
    const virtualHosts = routes.virtualHosts.map((host) => ({ ...host, routes: host.routes.map(change) }))
    return { ...chain, filter: { ...chain.filter, filters: [FILTER, ...filters], routes: { ...routes, virtualHosts } } }
  })
  return { ...listener, chains }
}

const NOTHING: RouteAction = { kind: 'direct', status: 503, body: Buffer.alloc(0), contentType: 'text/plain' }

function onRoute(
  route: Route,
  pipelines: Readonly<Record<string, MakeSteps>>,
  known: Map<string, Pipeline>,
  more: Partial<Route>,
): Route {
  const name = route.match.path.kind === 'prefix' ? route.match.path.value.slice(1) : ''
  const make = pipelines[name]
  if (make === undefined || route.action.kind !== 'forward') return { ...route, ...more }
  const pipeline = known.get(name) ?? { name, steps: make(route.action), place }
  known.set(name, pipeline)
  const perFilter = new Map([['pipeline', { disabled: false, config: { ...FILTER, pipeline } }]])
  return { ...route, ...more, action: NOTHING, perFilter }
}
