// Makes filter chains of their configurations.

import type { HttpConnectionManager } from '../config/model/http-connection-manager.ts'
import type { HttpFilterConfig } from '../config/model/http-filter.ts'
import type { FilterChainRuntime } from '../connection/runtime.ts'
import { bufferFilter } from '../filter/http/buffer/buffer.ts'
import { corsFilter } from '../filter/http/cors/cors.ts'
import { dynamicForwardProxyFilter } from '../filter/http/dynamic-forward-proxy/dynamic-forward-proxy.ts'
import { headerMutationFilter } from '../filter/http/header-mutation/header-mutation.ts'
import { healthCheckFilter } from '../filter/http/health-check/health-check.ts'
import { pipelineCompiler } from '../filter/http/pipeline/compiled-pipeline.ts'
import { pipelineFilter } from '../filter/http/pipeline/factory.ts'
import type { HttpFilterFactory } from '../filter/http-filter.ts'
import { routerFilter } from '../filter/http/router/factory.ts'
import type { RouterStats } from '../filter/http/router/router-tools.ts'
import { evaluate } from '../format/evaluate.ts'
import { applyMutations } from '../route/header-mutations.ts'
import { compileHeaderMatch } from '../route/header-test.ts'
import type { ClusterUpstream } from '../upstream/cluster-upstream.ts'
import { buildUdpDestination } from './build-udp.ts'
import { openAccessLog } from './open-access-log.ts'
import type { ServerServices, ServerState } from './services.ts'

export interface ChainTools {
  readonly config: HttpConnectionManager
  readonly services: ServerServices
  readonly state: ServerState
  readonly stats: RouterStats
  readonly headerPrefix: string
  readonly bufferLimitBytes: number
  readonly clusters: ReadonlyMap<string, ClusterUpstream>
}

/** Compiles lists of filters, each list once. */
export function chainCompiler(tools: ChainTools): (filters: readonly HttpFilterConfig[]) => FilterChainRuntime {
  const known = new Map<readonly HttpFilterConfig[], FilterChainRuntime>()
  return (filters) => {
    let chain = known.get(filters)
    if (chain === undefined) {
      chain = compileChain(filters, tools)
      known.set(filters, chain)
    }
    return chain
  }
}

function compileChain(filters: readonly HttpFilterConfig[], tools: ChainTools): FilterChainRuntime {
  const router = filters.find((filter) => filter.kind === 'router')
  const { services, config, clusters } = tools
  const terminal = routerFilter({
    clock: services.clock,
    wheel: services.wheel,
    stats: tools.stats,
    suppressEnvoyHeaders: router?.suppressEnvoyHeaders ?? false,
    headerPrefix: tools.headerPrefix,
    serviceTimeHeader: `${tools.headerPrefix}-upstream-service-time`,
    bufferLimitBytes: tools.bufferLimitBytes,
    hasInternal: config.internalAddresses.ranges.length > 0 || config.internalAddresses.unixSockets,
    rejectConnectEarlyData: router?.rejectConnectEarlyData ?? false,
    udpDestination: buildUdpDestination(services),
    schemeTransformation: config.schemeTransformation,
    upstreamLoggers: (router?.upstreamLogs ?? []).map((log) => openAccessLog(log, services.logSinks)),
    cluster: (name) => clusters.get(name),
    random: services.random,
  })
  return { filters: filters.flatMap((filter) => makeFilter(filter, tools)), terminal }
}

const compilers = new WeakMap<ServerServices, ReturnType<typeof pipelineCompiler>>()

/** One compiler for all chains of a server. */
function pipelinesOf(services: ServerServices): ReturnType<typeof pipelineCompiler> {
  const compiler = compilers.get(services) ?? pipelineCompiler(services.clock)
  compilers.set(services, compiler)
  return compiler
}

function makeFilter(config: HttpFilterConfig, tools: ChainTools): HttpFilterFactory[] {
  switch (config.kind) {
    case 'router':
      return []
    case 'pipeline':
      return [pipelineFilter(config, { clock: tools.services.clock, compile: pipelinesOf(tools.services) })]
    case 'cors':
      return [corsFilter(config)]
    case 'buffer':
      return [bufferFilter(config)]
    case 'header-mutation':
      return [
        headerMutationFilter(config, (headers, mutations, facts) => {
          applyMutations(headers, [mutations], (template) => evaluate(template, facts))
        }),
      ]
    case 'dynamic-forward-proxy': {
      const cache = config.cache === undefined ? undefined : tools.services.dnsCaches.get(config.cache)
      return [dynamicForwardProxyFilter(config, { cache, cluster: (name) => tools.clusters.get(name) })]
    }
    case 'health-check': {
      const tests = config.headers.map(compileHeaderMatch)
      const matches = (head: Parameters<(typeof tests)[number]>[0]): boolean => tests.every((test) => test(head))
      return [healthCheckFilter(config, { failing: () => tools.state.failingHealthChecks, matches })]
    }
  }
}
