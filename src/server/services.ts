// What the whole server shares: time, chance, names, statistics, the ledger, logs.

import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import type { TimerWheel } from '../core/timer-wheel.ts'
import type { DnsResolver } from '../cluster/discovery/dns-resolver.ts'
import type { LogSinks } from '../observe/access-log/sinks.ts'
import type { Ledger } from '../observe/ledger/ledger.ts'
import type { ApplicationLog } from '../observe/log.ts'
import type { StatRegistry } from '../observe/stats/registry.ts'

export interface ServerServices {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly random: Random
  readonly resolver: DnsResolver
  readonly registry: StatRegistry
  readonly ledger: Ledger
  readonly log: ApplicationLog
  readonly logSinks: LogSinks
}

/** Flags that the data plane reads while it runs. */
export interface ServerState {
  /** True while the server drains. */
  draining: boolean
  /** POST /healthcheck/fail was called. */
  failingHealthChecks: boolean
}
