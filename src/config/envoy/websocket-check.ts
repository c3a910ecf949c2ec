// Finds the most common wrong health check: an HTTP check of a cluster to which only WebSocket handshakes go. A server that
// speaks only WebSocket refuses it, and would count as unhealthy while it is well.

import type { Cluster } from '../model/cluster.ts'
import type { HealthCheck } from '../model/health-check.ts'
import type { Listener } from '../model/listener.ts'
import type { Route } from '../model/route.ts'
import type { Loading } from './loading.ts'
import { WebSocketHealthCheckSchema } from './messages.ts'

/** Warns once for each HTTP check of a cluster whose routes all match on `upgrade: websocket`. */
export function warnOfHttpChecksOfWebSockets(
  loading: Loading,
  listeners: readonly Listener[],
  clusters: ReadonlyMap<string, Cluster>,
): void {
  const sockets = webSocketClusters(listeners)
  for (const { name, healthChecks = [] } of clusters.values()) {
    if (!sockets.has(name)) continue
    for (const check of healthChecks) {
      if (!isPlain(check)) continue
      loading.warningAt(
        check.place,
        `only WebSocket handshakes go to cluster '${name}', but its health check is a plain HTTP request: a server that speaks only WebSocket refuses it and counts as unhealthy`,
        `use tcp_health_check, or custom_health_check with "@type": type.googleapis.com/${WebSocketHealthCheckSchema.typeName}`,
      )
    }
  }
}

/** Whoever expects the refusal knows what is there. */
const isPlain = ({ probe }: HealthCheck): boolean =>
  probe.kind === 'http' && probe.expected.every(({ first, last }) => last < 400 || first > 426)

/** Clusters with routes, all of which want the upgrade. */
function webSocketClusters(listeners: readonly Listener[]): ReadonlySet<string> {
  const only = new Map<string, boolean>()
  for (const route of routesOf(listeners)) {
    if (route.action.kind !== 'forward') continue
    const { cluster } = route.action
    const members = cluster.kind === 'weighted' ? cluster.clusters.map((member) => member.cluster) : [cluster]
    for (const member of members) {
      if (member.kind === 'cluster') only.set(member.name, (only.get(member.name) ?? true) && wantsWebSocket(route))
    }
  }
  return new Set([...only].filter(([, all]) => all).map(([name]) => name))
}

const wantsWebSocket = ({ match }: Route): boolean =>
  match.headers.some(
    ({ name, test, invert }) =>
      name === 'upgrade' &&
      !invert &&
      test.kind === 'string' &&
      test.match.kind !== 'regex' &&
      test.match.value.toLowerCase() === 'websocket',
  )

function* routesOf(listeners: readonly Listener[]): Generator<Route> {
  for (const { chains, defaultChain } of listeners) {
    for (const { filter } of defaultChain === undefined ? chains : [...chains, defaultChain]) {
      if (filter?.kind !== 'http-connection-manager') continue
      for (const { routes } of filter.routes.virtualHosts) yield* routes
    }
  }
}
