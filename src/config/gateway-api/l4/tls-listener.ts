// A TLS listener with its TLSRoutes as filter chains by server name.

import type { FilterChain, FilterChainMatch } from '../../model/listener.ts'
import type { DownstreamTls } from '../../model/tls.ts'
import { ANY_HOST, hostOrAny } from '../attach/hostname.ts'
import { isOf } from '../kinds/kind.ts'
import { TLS_ROUTE } from '../kinds/tls-route.ts'
import { resourceName } from '../resource.ts'
import type { ListenerState, Working } from '../working.ts'
import { lowerBackends } from './tcp-proxy.ts'

/**
 * `tls` is set for mode Terminate. Backends come from backends/resolve.ts. A server name of the listener that no route takes
 * is closed, not left to a listener with a wider name.
 */
export function lowerTlsListener(
  working: Working,
  listener: ListenerState,
  tls: DownstreamTls | undefined,
): readonly FilterChain[] {
  if (tls === undefined && listener.spec.tls?.mode !== 'Passthrough') return []
  const taken = new Map<string, FilterChain>()
  for (const { route, hostnames } of listener.attached) {
    if (!isOf(TLS_ROUTE, route)) continue
    const references = route.value.spec.rules.flatMap(({ backendRefs }) => backendRefs)
    const protocol = tls === undefined ? 'tls' : 'tcp'
    const filter = lowerBackends(working, listener, route, references, protocol)
    for (const host of hostnames) {
      const older = taken.get(host)
      if (older === undefined) taken.set(host, chainOf(resourceName(route), host, tls, filter, route.spot.place))
      else working.warning(route.spot.field('spec').field('hostnames'), `the older TLSRoute ${older.name} has ${host}`)
    }
  }
  const own = hostOrAny(listener.spec.hostname)
  if (!taken.has(own)) taken.set(own, chainOf('', own, tls, undefined, listener.spot.place))
  return [...taken.values()]
}

const chainOf = (
  name: string,
  host: string,
  tls: DownstreamTls | undefined,
  filter: FilterChain['filter'],
  place: FilterChain['place'],
): FilterChain => ({
  name,
  match: matchOf(host),
  tls,
  transportSocketConnectTimeoutMs: tls === undefined ? undefined : HANDSHAKE_TIMEOUT_MS,
  gates: [],
  filter,
  place,
})

const HANDSHAKE_TIMEOUT_MS = 10_000

/** `*.suffix` covers any number of labels, here as in the Gateway API. */
const matchOf = (host: string): FilterChainMatch => ({
  destinationPort: undefined,
  destinationRanges: [],
  serverNames: host === ANY_HOST ? [] : [host],
  transportProtocol: 'tls',
  applicationProtocols: [],
  directSourceRanges: [],
  sourceType: 'any',
  sourceRanges: [],
  sourcePorts: [],
})
