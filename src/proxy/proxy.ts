// A server with its services, admin and signals, from start to stop. The command line, the demo and embedders use it.

import { startAdmin, type AdminServer } from '../admin/server.ts'
import type { AdminActions, ServerFacts } from '../admin/context.ts'
import { DnsCaches } from '../cluster/dns-cache/dns-caches.ts'
import { OwnListeners } from '../cluster/own-listeners.ts'
import { systemResolver } from '../cluster/discovery/dns-resolver.ts'
import { systemClock, type Timer } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import { TimerWheel } from '../core/timer-wheel.ts'
import { addressText } from '../config/model/address.ts'
import { placeText } from '../config/model/place.ts'
import type { ProxyConfig } from '../config/model/proxy.ts'
import { LogSinks } from '../observe/access-log/sinks.ts'
import { Ledger } from '../observe/ledger/ledger.ts'
import type { ApplicationLog, ComponentLog } from '../observe/log.ts'
import { StatRegistry } from '../observe/stats/registry.ts'
import { openAccessLog } from '../server/open-access-log.ts'
import { Server } from '../server/server.ts'
import { serverStats, type ServerStats } from '../server/server-stats.ts'
import { ALONE, type Binding, type ServerServices } from '../server/services.ts'
import { StartError, systemReason } from '../server/start-error.ts'
import { onFault } from '../transport/fault.ts'
import { InternalNetwork } from '../transport/internal.ts'
import { endRequest, QuitRequest } from './end-request.ts'
import { adminContext } from './admin-context.ts'
import { version } from './version.ts'

/** How often a drain looks whether the last tunnel has gone, ms. */
const DRAIN_LOOK_MS = 100

export class Proxy {
  readonly server: Server
  readonly services: ServerServices
  readonly #log: ApplicationLog
  readonly #main: ComponentLog
  readonly #stats: ServerStats
  readonly #commandLine: Readonly<Record<string, string | number | boolean>>
  readonly #startedMs = systemClock.now()
  readonly #loadedWallMs = systemClock.wallNow()
  #admin: AdminServer | undefined
  #live = false
  /** Closes the listeners at the end of a graceful drain. */
  #graceful: Timer | undefined
  readonly #drainSeconds: number
  readonly #quit = new QuitRequest()

  constructor(
    config: ProxyConfig,
    log: ApplicationLog,
    commandLine: Readonly<Record<string, string | number | boolean>>,
    binding: Binding = ALONE,
  ) {
    this.#log = log
    this.#main = log.component('main')
    this.#commandLine = commandLine
    this.#drainSeconds = Number.parseInt(String(commandLine['drain_time'] ?? '600'), 10)
    const registry = new StatRegistry()
    const names = { clock: systemClock, random: systemRandom, resolver: systemResolver, registry }
    this.services = {
      ...names,
      wheel: new TimerWheel(systemClock),
      dnsCaches: new DnsCaches(names),
      ownListeners: new OwnListeners(),
      ledger: new Ledger(),
      log,
      binding,
      internal: new InternalNetwork(config.internalBufferBytes),
      logSinks: new LogSinks((target, message) =>
        this.#main.error('access log cannot be written', { target, reason: message }),
      ),
    }
    this.#stats = serverStats(this.services.registry)
    // A fault in one stream's callback resets that stream; the process and all others go on.
    onFault((error) =>
      this.#main.error('fault in a stream; please report it', {
        reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
    )
    this.server = new Server(config, this.services, { draining: false, failingHealthChecks: false })
  }

  /** The admin server's address; undefined when there is none. */
  get adminAddress(): string | undefined {
    return this.#admin?.address
  }

  /** The bound addresses of a listener, such as `127.0.0.1:8080`, with the real port where 0 was asked for. */
  addresses(listener: string): readonly string[] {
    return this.server.addresses(listener).map(({ text }) => text)
  }

  /** Binds everything; rejects with a StartError. */
  async start(): Promise<void> {
    await this.#startAdmin()
    await this.server.start()
    this.#live = true
  }

  /** Waits for SIGTERM, SIGINT or /quitquitquit, drains up to `drainSeconds`, stops. Resolves to what ended it. */
  async ended(drainSeconds: number): Promise<string> {
    const reason = await endRequest(this.#quit, () => this.services.logSinks.reopen())
    await this.shutdown(reason === 'SIGTERM' ? drainSeconds : 0)
    return reason
  }

  /** Drains up to `drainSeconds`, then stops. */
  async shutdown(drainSeconds: number): Promise<void> {
    if (drainSeconds > 0) await this.#drain(drainSeconds)
    await this.stop()
  }

  /** Clusters whose names did not resolve, a sentence each with the place. */
  lookupWarnings(): string[] {
    return [...this.server.clusters.values()].flatMap(({ cluster, runtime }) =>
      runtime.lookupFailures.map(
        (failure) =>
          `${placeText(cluster.place)}: cluster "${cluster.name}" has no address yet: lookup of ${failure}; it is tried again`,
      ),
    )
  }

  async stop(): Promise<void> {
    this.#live = false
    this.#graceful?.cancel()
    await this.server.stop()
    await this.#admin?.close()
    this.services.logSinks.close()
  }

  async #startAdmin(): Promise<void> {
    const { admin } = this.server.config
    if (admin === undefined) return
    const context = adminContext(this.server, this.#log, this.#facts(), this.actions, this.#loadedWallMs)
    const loggers = admin.accessLogs.map((config) => openAccessLog(config, this.services.logSinks))
    const onFault = (error: unknown): void =>
      this.#main.error('fault in an admin page', { reason: error instanceof Error ? error.message : String(error) })
    try {
      this.#admin = await startAdmin({ config: admin, context, loggers, onFault })
      const { bound } = this.#admin
      if (bound.kind === 'socket') this.services.ownListeners.add(bound.host, bound.port)
    } catch (error) {
      throw new StartError(
        admin.place,
        `cannot listen on ${addressText(admin.address)} for admin: ${systemReason(error)}`,
      )
    }
  }

  #leaving(): boolean {
    const { draining, failingHealthChecks } = this.server.state
    return draining || failingHealthChecks
  }

  #facts(): ServerFacts {
    return {
      version: version(),
      startedMs: this.#startedMs,
      commandLine: this.#commandLine,
      state: () => (!this.#live ? 'INITIALIZING' : this.#leaving() ? 'DRAINING' : 'LIVE'),
      pendingTargets: () => (this.#live ? [] : this.server.unresolvedClusters()),
    }
  }

  /** What an operator may make it do. */
  get actions(): AdminActions {
    const { server, services } = this
    return {
      drainListeners: ({ inboundOnly, graceful, skipExit }) => {
        server.announceDrain()
        const close = (): void =>
          void server.drain((listener) => !inboundOnly || listener.trafficDirection === 'inbound')
        if (skipExit) return
        if (graceful) this.#graceful = systemClock.after(this.#drainSeconds * 1000, close)
        else close()
      },
      quit: () => this.#quit.ask('/quitquitquit'),
      failHealthCheck: () => {
        server.state.failingHealthChecks = true
      },
      passHealthCheck: () => {
        server.state.failingHealthChecks = false
      },
      reopenLogs: () => services.logSinks.reopen(),
      refreshStats: () => this.#stats.refresh(server, this.#live, systemClock.now() - this.#startedMs),
    }
  }

  /** Stops accepting and lets tunnels go on until the last one ends, time is over, or a second signal comes. */
  async #drain(seconds: number): Promise<void> {
    const signals = { again: false }
    const stopNow = (): void => {
      signals.again = true
    }
    // From the first moment on: without a listener the second signal would kill the process as it is.
    process.once('SIGTERM', stopNow)
    process.once('SIGINT', stopNow)
    this.server.announceDrain()
    await Promise.race([this.server.drain(), delay(DRAIN_LOOK_MS)])
    const connections = this.server.connections.length
    if (connections > 0) this.#main.info('draining', { tunnels: this.services.ledger.size, connections, seconds })
    const deadline = systemClock.now() + seconds * 1000
    while (!signals.again && this.server.connections.length > 0 && systemClock.now() < deadline)
      await delay(DRAIN_LOOK_MS)
    process.off('SIGTERM', stopNow)
    process.off('SIGINT', stopNow)
  }
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
