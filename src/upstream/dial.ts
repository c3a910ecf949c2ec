// Opens connections to an endpoint, for a lane or for one owner. What lies between here and there is in dial-attempt.ts.

import type { CloseCause } from '../core/close-cause.ts'
import type { Clock } from '../core/clock.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { ClusterStats } from '../cluster/cluster-stats.ts'
import type { DnsResolver } from '../cluster/discovery/dns-resolver.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { Cluster } from '../config/model/cluster.ts'
import type { Dial } from '../transport/dial.ts'
import type { InternalNetwork } from '../transport/internal.ts'
import type { ReplayableStream } from '../transport/replay.ts'
import { DialAttempt } from './dial-attempt.ts'
import { hopTo } from './proxy-hop.ts'
import type { DownstreamOrigin } from './stream-need.ts'
import { tlsClients } from './tls-clients.ts'

/** How a connection comes to its application protocol. `raw`: it has none that Sluice knows. */
export type DialMode = 'http1' | 'http2' | 'auto' | 'raw'

export interface Dialled {
  readonly stream: ReplayableStream
  /** What ALPN agreed; `http1` without TLS. */
  readonly version: 'http1' | 'http2'
  /** A proxy is at the other end and was not asked to CONNECT: requests name the whole URL (RFC 9112 §3.2.2). */
  readonly toProxy: boolean
}

export interface DialFailure {
  readonly code: ErrorCode
  readonly explanation: string
  readonly transportFailure: string
  readonly cause: CloseCause
}

/** Gets exactly one call per dial, in a later turn; none after `cancel`. */
export interface DialTarget {
  onDialled(dialled: Dialled): void
  onDialFailed(failure: DialFailure): void
}

export interface Dialler {
  dial(target: DialTarget): Dial
}

/** What a connection is dialled for; as much of a DialNeed as the connection depends on. */
export interface DialPurpose {
  /** Whose circuit breakers the connection counts against; undefined = default. */
  readonly priority?: 'default' | 'high'
  /** Server name for TLS when the cluster takes it from the request; '' otherwise. */
  readonly serverName: string
  /** The client's connection, where this one is for that client only. */
  readonly downstream: DownstreamOrigin | undefined
}

export type DiallerFactory = (endpoint: Endpoint, mode: DialMode, purpose: DialPurpose) => Dialler

/** What dialling needs of the server. */
export interface DialTools {
  readonly clock: Clock
  readonly stats: ClusterStats
  /** For endpoints that are internal listeners. */
  readonly internal: InternalNetwork
  /** For proxies that the configuration knows by name. */
  readonly resolver: DnsResolver
}

/** Whose certificate it must be: what the request names, else the endpoint where SNI is taken from it, else the SNI. */
const judgedName = (cluster: Cluster, endpoint: Endpoint, purpose: DialPurpose): string =>
  purpose.serverName || (cluster.tls?.autoHostSni === true ? endpoint.hostname : '') || (cluster.tls?.sni ?? '')

/** Diallers of a cluster; TLS contexts and remembered sessions are shared. */
export function diallerFactory(cluster: Cluster, tools: DialTools): DiallerFactory {
  const tls = cluster.tls === undefined ? undefined : tlsClients(cluster.tls)
  const proxyTls = cluster.httpProxy?.tls === undefined ? undefined : tlsClients(cluster.httpProxy.tls)
  return (endpoint, mode, purpose) => {
    const hop = hopTo(cluster, endpoint, mode, proxyTls)
    const plan = { cluster, tools, endpoint, mode, purpose, hop, tls: tls?.(judgedName(cluster, endpoint, purpose)) }
    return {
      dial(target) {
        const attempt = new DialAttempt(plan, target)
        attempt.start()
        return attempt
      },
    }
  }
}
