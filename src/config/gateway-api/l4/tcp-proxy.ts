// The backendRefs of a TLSRoute or a TCPRoute as a TCP proxy with weights.

import type { TcpProxy } from '../../model/tcp-proxy.ts'
import { resolveBackend } from '../backends/resolve.ts'
import type { BackendReference } from '../kinds/field.ts'
import { accessLogsFor } from '../policy/access-log.ts'
import { resourceName, type Resource } from '../resource.ts'
import type { ListenerState, Working } from '../working.ts'

/** Envoy's, and what the Gateway API leaves open. */
const IDLE_TIMEOUT_MS = 3_600_000

/** `protocol`: `tls` when the client's own TLS goes through. undefined = every weight is 0: connections are closed. */
export function lowerBackends(
  working: Working,
  listener: ListenerState,
  route: Resource,
  references: readonly BackendReference[],
  protocol: 'tcp' | 'tls',
): TcpProxy | undefined {
  const spot = route.spot.field('spec').field('rules').at(0).field('backendRefs')
  const { gateway } = listener
  const clusters = references.map((reference, index) => {
    const backend = resolveBackend(working, { gateway, route, reference, spot: spot.at(index), protocol })
    // No cluster has such a name: a connection of this share is closed, and the log tells the name.
    const name = backend.kind === 'cluster' ? backend.name : `unresolved ${reference.kind} ${reference.name}`
    return { name, weight: reference.weight }
  })
  const totalWeight = clusters.reduce((sum, { weight }) => sum + weight, 0)
  if (totalWeight === 0) return undefined
  return {
    kind: 'tcp-proxy',
    statPrefix: `${resourceName(gateway.resource)}/${listener.spec.name}`,
    clusters: clusters.filter(({ weight }) => weight > 0),
    totalWeight,
    tunneling: undefined,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    maxConnectAttempts: 1,
    backoff: undefined,
    maxDurationMs: undefined,
    maxDurationJitterPercent: 0,
    connectMode: 'immediate',
    maxEarlyDataBytes: undefined,
    accessLogs: accessLogsFor(working, gateway),
    accessLogOptions: { flushIntervalMs: undefined, onConnected: false, onStart: false },
    proxyProtocolTlvs: [],
    tlvMerge: 'add-if-absent',
    checkDrainClose: false,
    place: spot.place,
  }
}
