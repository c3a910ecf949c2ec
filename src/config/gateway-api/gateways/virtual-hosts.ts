// Route tables of a port. Every host belongs to the most specific listener that covers it, and only that listener's routes
// are asked (listener isolation); on a TLS connection that was opened for another listener such a host gets 421 (RFC 9110
// §15.5.20). Within a listener a host's table has the rules of all its routes, in the API's order.

import { NO_MUTATIONS } from '../../model/header-mutation.ts'
import type { Place } from '../../model/place.ts'
import type { Route, RouteTable, VirtualHost } from '../../model/route.ts'
import { covers, hostOrAny, specificHostFirst } from '../attach/hostname.ts'
import { lowerGrpcRoute } from '../grpc-route/lower.ts'
import { lowerHttpRoute } from '../http-route/lower.ts'
import { firstToMatch, type HostedRoute, type RankedRoute } from '../http-route/precedence.ts'
import { GRPC_ROUTE } from '../kinds/grpc-route.ts'
import { HTTP_ROUTE } from '../kinds/http-route.ts'
import { isOf } from '../kinds/kind.ts'
import type { AttachedRoute, ListenerState, Working } from '../working.ts'

const hostOf = ({ spec }: ListenerState): string => hostOrAny(spec.hostname)

/** The table of an HTTP port, for all its listeners. */
export function sharedTable(
  working: Working,
  name: string,
  listeners: readonly ListenerState[],
  place: Place,
): RouteTable {
  const hosts = new Map<string, VirtualHost>()
  for (const listener of listeners) addHosts(working, hosts, listener, listeners)
  return table(name, [...hosts.values()], place)
}

/** The table of one HTTPS listener beside others on its port. */
export function ownTable(
  working: Working,
  name: string,
  listener: ListenerState,
  neighbours: readonly ListenerState[],
): RouteTable {
  const hosts = new Map<string, VirtualHost>()
  addHosts(working, hosts, listener, neighbours)
  for (const other of neighbours) {
    const host = hostOf(other)
    if (!hosts.has(host)) hosts.set(host, virtualHost(host, [misdirected(other)], other.spot.place))
  }
  return table(name, [...hosts.values()], listener.spot.place)
}

/** The listener's own host, even without a route, and those of its routes that no other listener takes. */
function addHosts(
  working: Working,
  hosts: Map<string, VirtualHost>,
  listener: ListenerState,
  neighbours: readonly ListenerState[],
): void {
  const lowered = listener.attached.map((attached) => ({ attached, routes: lowerRoute(working, listener, attached) }))
  const wanted = new Set([hostOf(listener), ...listener.attached.flatMap(({ hostnames }) => hostnames)])
  for (const host of wanted) {
    if (hosts.has(host) || ownerOf(host, neighbours) !== hostOf(listener)) continue
    const routes = lowered.flatMap(({ attached, routes: own }) => hosted(host, attached, own)).sort(firstToMatch)
    hosts.set(
      host,
      virtualHost(
        host,
        routes.map(({ route }) => route),
        listener.spot.place,
      ),
    )
  }
}

/** The most specific of the listeners' hosts that covers it all. */
const ownerOf = (host: string, listeners: readonly ListenerState[]): string | undefined =>
  listeners
    .map(hostOf)
    .filter((each) => covers(each, host))
    .sort(specificHostFirst)[0]

function lowerRoute(working: Working, listener: ListenerState, attached: AttachedRoute): readonly RankedRoute[] {
  const { route } = attached
  if (isOf(HTTP_ROUTE, route)) return lowerHttpRoute(working, listener, attached, route)
  return isOf(GRPC_ROUTE, route) ? lowerGrpcRoute(working, listener, attached, route) : []
}

/** The rules of a route on a host, under the most specific of its hostnames that covers it. */
function hosted(host: string, { hostnames }: AttachedRoute, routes: readonly RankedRoute[]): readonly HostedRoute[] {
  const [under] = hostnames.filter((each) => covers(each, host)).sort(specificHostFirst)
  return under === undefined ? [] : routes.map((route) => ({ ...route, host: under }))
}

const misdirected = ({ spec, spot }: ListenerState): Route => ({
  name: '',
  match: {
    path: { kind: 'prefix', value: '/', caseSensitive: true },
    headers: [],
    query: [],
    grpcOnly: false,
    fraction: undefined,
    tls: undefined,
  },
  action: {
    kind: 'direct',
    status: 421,
    body: Buffer.from(`this connection was not opened for the hosts of the listener ${spec.name}\n`),
    contentType: 'text/plain',
  },
  mutations: NO_MUTATIONS,
  perFilter: new Map(),
  place: spot.place,
})

const virtualHost = (host: string, routes: readonly Route[], place: Place): VirtualHost => ({
  name: host,
  domains: [host],
  routes,
  requireTls: 'none',
  mutations: NO_MUTATIONS,
  perFilter: new Map(),
  place,
})

const table = (name: string, virtualHosts: readonly VirtualHost[], place: Place): RouteTable => ({
  name,
  virtualHosts,
  // What the connection manager tells beside x-forwarded-for; controllers of the Gateway API do not.
  mutations: { request: { add: [], remove: ['x-envoy-external-address'] }, response: { add: [], remove: [] } },
  // A backendRef's filters have the last word.
  mostSpecificMutationsWin: true,
  ignorePortInHostMatching: true,
  ignorePathParameters: false,
  internalOnlyHeaders: [],
  place,
})
