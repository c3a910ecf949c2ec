// Makes the network filters of a chain: its gates and the terminal filter.

import type { FilterChain, Listener } from '../config/model/listener.ts'
import type { ConnectionGate } from '../config/model/network-filter.ts'
import type { ProxyConfig } from '../config/model/proxy.ts'
import { hcmFilter } from '../connection/terminal-filter.ts'
import { connectionLimit } from '../filter/network/connection-limit/connection-limit.ts'
import { directResponse } from '../filter/network/direct-response/direct-response.ts'
import { echo } from '../filter/network/echo/echo.ts'
import { localRateLimit, SharedBuckets } from '../filter/network/local-rate-limit/local-rate-limit.ts'
import { networkRbac } from '../filter/network/rbac/rbac.ts'
import { sniDynamicForwardProxy } from '../filter/network/sni-dynamic-forward-proxy/sni-dynamic-forward-proxy.ts'
import { tcpProxyFilter } from '../filter/network/tcp-proxy/tcp-proxy.ts'
import type { ConnectionGateFilter, TerminalNetworkFilter } from '../filter/network-filter.ts'
import type { ClusterUpstream } from '../upstream/cluster-upstream.ts'
import { buildHcm } from './build-hcm.ts'
import { buildTcpProxy } from './build-tcp-proxy.ts'
import type { ServerServices, ServerState } from './services.ts'

export interface NetworkFilterParts {
  readonly proxy: ProxyConfig
  readonly listener: Listener
  readonly chain: FilterChain
  readonly clusters: ReadonlyMap<string, ClusterUpstream>
  readonly services: ServerServices
  readonly state: ServerState
}

/** The terminal filter of `parts.chain`; undefined when it has none. */
export function buildTerminal(parts: NetworkFilterParts): TerminalNetworkFilter | undefined {
  const { filter } = parts.chain
  switch (filter?.kind) {
    case undefined:
      return undefined
    case 'http-connection-manager':
      return hcmFilter(buildHcm({ ...parts, hcm: filter }))
    case 'echo':
      return echo
    case 'direct-response':
      return directResponse(filter)
    case 'tcp-proxy':
      return tcpProxyFilter(buildTcpProxy(filter, parts))
  }
}

/** A gate at work, and whether it can decide before the TLS handshake. */
export interface BuiltGate {
  readonly gate: ConnectionGateFilter
  readonly early: boolean
}

export function buildGate(config: ConnectionGate, parts: NetworkFilterParts): BuiltGate {
  const { services } = parts
  switch (config.kind) {
    case 'connection-limit':
      return { gate: connectionLimit(config, services.registry), early: true }
    case 'local-rate-limit':
      return { gate: localRateLimit(config, sharedBuckets(services), services.registry), early: true }
    case 'rbac':
      return { gate: networkRbac(config, services.registry), early: false }
    case 'sni-dynamic-forward-proxy':
      return { gate: sniDynamicForwardProxy(config.port, services.dnsCaches.get(config.cache)), early: false }
  }
}

/** Buckets live as long as the server, so that a new configuration goes on with those that are half empty. */
const buckets = new WeakMap<ServerServices, SharedBuckets>()

function sharedBuckets(services: ServerServices): SharedBuckets {
  let shared = buckets.get(services)
  if (shared === undefined) {
    shared = new SharedBuckets(services.clock)
    buckets.set(services, shared)
  }
  return shared
}
