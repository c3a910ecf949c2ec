// Makes the shared runtime of one tcp_proxy.

import type { TcpProxy } from '../config/model/tcp-proxy.ts'
import type { TcpProxyRuntime } from '../filter/network/tcp-proxy/runtime.ts'
import { tcpStats } from '../filter/network/tcp-proxy/tcp-stats.ts'
import type { NetworkFilterParts } from './build-network-filter.ts'
import { openAccessLog } from './open-access-log.ts'

export function buildTcpProxy(
  config: TcpProxy,
  { listener, clusters, services, state }: NetworkFilterParts,
): TcpProxyRuntime {
  const { clock, wheel, random, registry, ledger, logSinks, log } = services
  return {
    config,
    stats: tcpStats(registry, config.statPrefix),
    clock,
    wheel,
    random,
    ledger,
    loggers: config.accessLogs.map((accessLog) => openAccessLog(accessLog, logSinks)),
    log: log.component('tcp-proxy'),
    bufferLimitBytes: listener.bufferLimitBytes,
    drain: {
      get active() {
        return state.draining || state.failingHealthChecks
      },
    },
    cluster: (name) => clusters.get(name),
  }
}
