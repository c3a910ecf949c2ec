// Makes the shared runtime of one HTTP connection manager.

import type { FilterChain, Listener } from '../config/model/listener.ts'
import type { HttpConnectionManager } from '../config/model/http-connection-manager.ts'
import type { ProxyConfig } from '../config/model/proxy.ts'
import { Forwarder } from '../connection/forwarded.ts'
import { hcmStats } from '../connection/hcm-stats.ts'
import { localReplyRewriter } from '../connection/local-reply-config.ts'
import type { HcmRuntime } from '../connection/runtime.ts'
import { serverCodecs } from '../connection/server-codecs.ts'
import { compileRouteTable } from '../route/compiled-table.ts'
import type { ClusterUpstream } from '../upstream/cluster-upstream.ts'
import { openAccessLog } from './open-access-log.ts'
import { chainCompiler } from './build-filters.ts'
import { codecCounters } from './codec-counters.ts'
import { replyTools } from './reply-tools.ts'
import type { ServerServices, ServerState } from './services.ts'

export interface HcmParts {
  readonly proxy: ProxyConfig
  readonly listener: Listener
  readonly chain: FilterChain
  readonly hcm: HttpConnectionManager
  readonly clusters: ReadonlyMap<string, ClusterUpstream>
  readonly services: ServerServices
  readonly state: ServerState
}

export function buildHcm({ proxy, listener, chain, hcm, clusters, services, state }: HcmParts): HcmRuntime {
  const { clock, wheel, random, registry, ledger } = services
  const stats = hcmStats(registry, hcm.statPrefix)
  const tools = {
    config: hcm,
    services,
    state,
    stats,
    headerPrefix: proxy.headerPrefix,
    bufferLimitBytes: listener.bufferLimitBytes,
    clusters,
  }
  return {
    config: hcm,
    routes: compileRouteTable(hcm.routes),
    stats,
    codecs: serverCodecs(hcm, clock, codecCounters(stats.scope)),
    forwarder: new Forwarder(hcm, proxy.headerPrefix, proxy.node.cluster),
    localReplies: localReplyRewriter(hcm, replyTools),
    loggers: hcm.accessLogs.map((log) => openAccessLog(log, services.logSinks)),
    clock,
    wheel,
    ledger,
    listenerName: listener.name,
    filterChainName: chain.name,
    internalHeader: `${proxy.headerPrefix}-internal`,
    bufferLimitBytes: listener.bufferLimitBytes,
    chain: chainCompiler(tools),
    drain: {
      get active() {
        return state.draining || state.failingHealthChecks
      },
    },
    random,
  }
}
