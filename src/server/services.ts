// What the whole server shares: time, chance, names, statistics, the ledger, logs.

import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import type { TimerWheel } from '../core/timer-wheel.ts'
import type { DnsResolver } from '../cluster/discovery/dns-resolver.ts'
import type { DnsCaches } from '../cluster/dns-cache/dns-caches.ts'
import type { OwnListeners } from '../cluster/own-listeners.ts'
import type { LogSinks } from '../observe/access-log/sinks.ts'
import type { Ledger } from '../observe/ledger/ledger.ts'
import type { ApplicationLog } from '../observe/log.ts'
import type { StatRegistry } from '../observe/stats/registry.ts'
import type { InternalNetwork } from '../transport/internal.ts'

export interface ServerServices {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly random: Random
  readonly resolver: DnsResolver
  readonly registry: StatRegistry
  readonly ledger: Ledger
  readonly log: ApplicationLog
  readonly logSinks: LogSinks
  readonly binding: Binding
  /** Internal listeners by name, for clusters to dial. */
  readonly internal: InternalNetwork
  /** Names that clients chose, shared by clusters and filters. */
  readonly dnsCaches: DnsCaches
  /** Where this server listens, for target policies. */
  readonly ownListeners: OwnListeners
}

/** How listening sockets are bound. */
export interface Binding {
  /** Several processes share each TCP port. */
  readonly reusePort: boolean
  /** Ports for addresses that ask for port 0, by `listener name#address index`. */
  readonly ports: Readonly<Record<string, number>>
  /** False in all processes but one, because a socket file has one owner. */
  readonly bindPipes: boolean
  /** 80 bytes that processes share, so that a TLS session resumes in any of them; undefined = own. */
  readonly ticketKey: Buffer | undefined
}

/** One process, which owns everything it binds. */
export const ALONE: Binding = { reusePort: false, ports: {}, bindPipes: true, ticketKey: undefined }

/** Flags that the data plane reads while it runs. */
export interface ServerState {
  /** True while the server drains. */
  draining: boolean
  /** POST /healthcheck/fail was called. */
  failingHealthChecks: boolean
}
