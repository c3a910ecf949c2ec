// Makes the network filters of a chain: its gates and the terminal filter.

import type { FilterChain, Listener } from '../config/model/listener.ts'
import type { ConnectionGate } from '../config/model/network-filter.ts'
import type { ProxyConfig } from '../config/model/proxy.ts'
import { hcmFilter } from '../connection/terminal-filter.ts'
import type { ConnectionGateFilter, TerminalNetworkFilter } from '../filter/network-filter.ts'
import type { ClusterUpstream } from '../upstream/cluster-upstream.ts'
import { buildHcm } from './build-hcm.ts'
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
    case 'tcp-proxy':
    case 'echo':
    case 'direct-response':
      throw new Error(`network filter ${filter.kind} is not built yet`)
  }
}

/** A gate at work, and whether it can decide before the TLS handshake. */
export interface BuiltGate {
  readonly gate: ConnectionGateFilter
  readonly early: boolean
}

export function buildGate(config: ConnectionGate, parts: NetworkFilterParts): BuiltGate {
  throw new Error(`network filter ${config.kind} of ${parts.listener.name} is not built yet`)
}
