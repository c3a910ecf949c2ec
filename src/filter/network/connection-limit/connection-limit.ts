// Refuses connections beyond a number that are open at once. Envoy: extensions.filters.network.connection_limit.

import { closeCause } from '../../../core/close-cause.ts'
import type { ConnectionGate } from '../../../config/model/network-filter.ts'
import type { StatRegistry } from '../../../observe/stats/registry.ts'
import type { ConnectionGateFilter } from '../../network-filter.ts'

export type ConnectionLimit = Extract<ConnectionGate, { kind: 'connection-limit' }>

/** One gate per filter chain, with a count of its own. */
export function connectionLimit(config: ConnectionLimit, registry: StatRegistry): ConnectionGateFilter {
  const { statPrefix, maxConnections, delayMs = 0 } = config
  const tag = { name: 'envoy_connection_limit_prefix', value: statPrefix }
  const scope = registry.scope(`connection_limit.${statPrefix}.`, 'connection_limit.', [tag])
  const active = scope.gauge('active_connections')
  const limited = scope.counter('limited_connections')
  const detail = `${maxConnections} connections are open`
  const refused = {
    kind: 'refused',
    cause: closeCause('proxy', 'tcp', 'over_connection_limit', detail),
    delayMs,
  } as const
  // The gauge is shared by the chains of one prefix, the limit is not.
  let open = 0
  const pass = {
    released(): void {
      open--
      active.value--
    },
  }
  return {
    admit(_arrival, decide) {
      // As in Envoy a refused connection counts until it is gone: while it is held back it costs a socket.
      const isOver = open >= maxConnections
      open++
      active.value++
      if (isOver) limited.value++
      decide(isOver ? refused : { kind: 'admitted' })
      return pass
    },
  }
}
