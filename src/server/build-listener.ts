// Makes a listener's runtime: statistics, filter chains with their TLS and connection managers.

import { listenerStats } from '../listener/listener-stats.ts'
import { type ChainRuntime, ListenerRuntime } from '../listener/listener-runtime.ts'
import { tlsAcceptor } from '../listener/tls-acceptor.ts'
import type { FilterChain, Listener } from '../config/model/listener.ts'
import type { DownstreamTls } from '../config/model/tls.ts'
import type { ProxyConfig } from '../config/model/proxy.ts'
import type { ClusterUpstream } from '../upstream/cluster-upstream.ts'
import { openAccessLog } from './open-access-log.ts'
import { buildListenerFilter } from './build-listener-filter.ts'
import { buildGate, buildTerminal } from './build-network-filter.ts'
import type { ServerServices, ServerState } from './services.ts'

export interface ListenerParts {
  readonly proxy: ProxyConfig
  readonly listener: Listener
  readonly clusters: ReadonlyMap<string, ClusterUpstream>
  readonly services: ServerServices
  readonly state: ServerState
}

export function buildListener(parts: ListenerParts): ListenerRuntime {
  const { listener, services } = parts
  const chains = new Map<FilterChain, ChainRuntime>()
  for (const chain of [...listener.chains, ...(listener.defaultChain === undefined ? [] : [listener.defaultChain])]) {
    chains.set(chain, buildChain(chain, parts))
  }
  const log = services.log.component('connection')
  return new ListenerRuntime(listener, {
    clock: services.clock,
    wheel: services.wheel,
    stats: listenerStats(services.registry, listener.statPrefix),
    loggers: listener.accessLogs.map((config) => openAccessLog(config, services.logSinks)),
    filters: listener.filters.map((filter) => buildListenerFilter(filter, listener, services)),
    chain: (chain) => chains.get(chain) ?? buildChain(chain, parts),
    onAcceptError: (error) =>
      log.error('cannot accept a connection', { listener: listener.name, reason: error.message }),
  })
}

function buildChain(chain: FilterChain, parts: ListenerParts): ChainRuntime {
  const network = { ...parts, chain }
  const gates = chain.gates.map((gate) => buildGate(gate, network))
  return {
    chain,
    earlyGates: gates.filter(({ early }) => early).map(({ gate }) => gate),
    gates: gates.filter(({ early }) => !early).map(({ gate }) => gate),
    terminal: buildTerminal(network),
    tls:
      chain.tls === undefined
        ? undefined
        : tlsAcceptor(withTicketKey(chain.tls, parts), chain.transportSocketConnectTimeoutMs, parts.services.clock),
  }
}

/** Keys of the configuration win; workers without them share one, so that a session resumes in any of them. */
function withTicketKey(tls: DownstreamTls, { services }: ListenerParts): DownstreamTls {
  const { ticketKey } = services.binding
  return ticketKey === undefined || tls.sessionTicketKeys.length > 0 ? tls : { ...tls, sessionTicketKeys: [ticketKey] }
}
