// What the admin endpoints see of the server: snapshots to read and actions to take. The server fills it in; endpoints
// know nothing else, so each is a function of a request and this.

import type { Clock } from '../core/clock.ts'
import type { CircuitBreakers } from '../config/model/cluster.ts'
import type { ProxyConfig } from '../config/model/proxy.ts'
import type { TunnelBook } from '../observe/ledger/ledger.ts'
import type { LogLevel } from '../observe/log.ts'
import type { Rates } from '../observe/metrics/rates.ts'
import type { StatRegistry } from '../observe/stats/registry.ts'
import type { StreamAddress } from '../transport/byte-stream.ts'

/** As `/ready` prints it. Only LIVE is ready. */
export type ServerState = 'LIVE' | 'DRAINING' | 'PRE_INITIALIZING' | 'INITIALIZING'

export interface AdminContext {
  readonly clock: Clock
  readonly registry: StatRegistry
  /** Moving averages, for the pages that promise some. */
  readonly rates: Rates
  readonly ledger: TunnelBook
  readonly server: ServerFacts
  readonly levels: LevelControl
  readonly actions: AdminActions
  /** The configuration in force. */
  config(): ProxyConfig
  /** When it was loaded, milliseconds since the epoch. */
  configLoadedWallMs(): number
  clusters(): readonly ClusterStatus[]
  listeners(): readonly ListenerStatus[]
}

export interface ServerFacts {
  readonly version: string
  /** Start of this process in the clock's monotonic milliseconds. */
  readonly startedMs: number
  /** Options of the command line in force, defaults included, under Envoy's snake_case names. */
  readonly commandLine: Readonly<Record<string, string | number | boolean>>
  state(): ServerState
  /** What the start still waits for. */
  pendingTargets(): readonly string[]
}

/** The log's levels; ApplicationLog is one. */
export interface LevelControl {
  levels(): ReadonlyMap<string, LogLevel>
  setLevel(level: LogLevel): void
  setComponentLevel(name: string, level: LogLevel): boolean
}

export interface DrainOptions {
  /** Only listeners with traffic_direction INBOUND. */
  readonly inboundOnly: boolean
  /** Tell clients to go during --drain-time-s before the listeners stop. */
  readonly graceful: boolean
  /** With graceful: never stop the listeners. */
  readonly skipExit: boolean
}

/** What an operator may make the server do. None of them throws. */
export interface AdminActions {
  drainListeners(options: DrainOptions): void
  /** Ends the process cleanly; called after the answer left. */
  quit(): void
  /** Makes health checks fail and answers tell clients to go. */
  failHealthCheck(): void
  passHealthCheck(): void
  reopenLogs(): void
  /** Brings gauges up to date that are computed only when looked at, such as `server.uptime`. */
  refreshStats(): void
}

export interface ClusterStatus {
  readonly name: string
  readonly observabilityName: string
  readonly circuitBreakers: { readonly default: CircuitBreakers; readonly high: CircuitBreakers }
  readonly hosts: readonly HostStatus[]
}

export interface HostStatus {
  readonly address: StreamAddress
  readonly hostname: string
  readonly weight: number
  readonly priority: number
  readonly region: string
  readonly zone: string
  readonly subZone: string
  /** Such as `failed_active_hc`, `failed_eds_health`; empty = healthy. */
  readonly healthFlags: readonly string[]
  readonly cxActive: number
  readonly cxConnectFail: number
  readonly cxTotal: number
  readonly rqActive: number
  readonly rqError: number
  readonly rqSuccess: number
  readonly rqTimeout: number
  readonly rqTotal: number
}

export interface ListenerStatus {
  readonly name: string
  /** Bound addresses, the listener's own first; with the real port where 0 was asked for. */
  readonly addresses: readonly StreamAddress[]
}
