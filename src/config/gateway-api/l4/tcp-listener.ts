// A TCP listener: the oldest of its TCPRoutes.

import type { FilterChain } from '../../model/listener.ts'
import { isOf } from '../kinds/kind.ts'
import { TCP_ROUTE } from '../kinds/tcp-route.ts'
import { resourceName } from '../resource.ts'
import type { ListenerState, Working } from '../working.ts'
import { lowerBackends } from './tcp-proxy.ts'

/** Backends come from backends/resolve.ts. undefined = no route: connections are closed. */
export function lowerTcpListener(working: Working, listener: ListenerState): FilterChain | undefined {
  let chain: FilterChain | undefined
  for (const { route } of listener.attached) {
    if (!isOf(TCP_ROUTE, route)) continue
    const references = route.value.spec.rules.flatMap(({ backendRefs }) => backendRefs)
    // Also those that lose: their references are judged, although nothing goes there.
    const filter = lowerBackends(working, listener, route, references, 'tcp')
    if (chain !== undefined) {
      const message = `the older TCPRoute ${chain.name} has all connections of the listener ${listener.spec.name}`
      working.warning(route.spot.field('spec'), message)
      continue
    }
    chain = {
      name: resourceName(route),
      match: undefined,
      tls: undefined,
      transportSocketConnectTimeoutMs: undefined,
      gates: [],
      filter,
      place: route.spot.place,
    }
  }
  return chain
}
