// A server with its services, admin and signals, from start to stop. The command line, the demo and embedders use it.

import { startAdmin, type AdminServer } from '../admin/server.ts'
import type { AdminActions, ServerFacts } from '../admin/context.ts'
import { systemResolver } from '../cluster/discovery/dns-resolver.ts'
import { systemClock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import { TimerWheel } from '../core/timer-wheel.ts'
import { addressText } from '../config/model/address.ts'
import type { ProxyConfig } from '../config/model/proxy.ts'
import { accessLogger } from '../observe/access-log/access-logger.ts'
import { LogSinks } from '../observe/access-log/sinks.ts'
import { Ledger } from '../observe/ledger/ledger.ts'
import type { ApplicationLog, ComponentLog } from '../observe/log.ts'
import { StatRegistry } from '../observe/stats/registry.ts'
import { Server } from '../server/server.ts'
import { serverStats, type ServerStats } from '../server/server-stats.ts'
import type { ServerServices } from '../server/services.ts'
import { StartError, systemReason } from '../server/start-error.ts'
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
  #quit: (reason: string) => void = () => undefined

  constructor(config: ProxyConfig, log: ApplicationLog, commandLine: Readonly<Record<string, string | number | boolean>>) {
    this.#log = log
    this.#main = log.component('main')
    this.#commandLine = commandLine
    this.services = {
      clock: systemClock,
      wheel: new TimerWheel(systemClock),
      random: systemRandom,
      resolver: systemResolver,
      registry: new StatRegistry(),
      ledger: new Ledger(),
      log,
      logSinks: new LogSinks((target, message) => this.#main.error('access log cannot be written', { target, reason: message })),
    }
    this.#stats = serverStats(this.services.registry)
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
    const reason = await this.#endRequest()
    if (reason === 'SIGTERM') await this.#drain(drainSeconds)
    await this.stop()
    return reason
  }

  async stop(): Promise<void> {
    this.#live = false
    await this.server.stop()
    await this.#admin?.close()
    this.services.logSinks.close()
  }

  async #startAdmin(): Promise<void> {
    const { admin } = this.server.config
    if (admin === undefined) return
    const context = adminContext(this.server, this.#log, this.#facts(), this.#actions(), this.#loadedWallMs)
    const loggers = admin.accessLogs.map((config) => accessLogger(config, this.services.logSinks))
    const onFault = (error: unknown): void => this.#main.error('fault in an admin page', { reason: error instanceof Error ? error.message : String(error) })
    try {
      this.#admin = await startAdmin({ config: admin, context, loggers, onFault })
    } catch (error) {
      throw new StartError(admin.place, `cannot listen on ${addressText(admin.address)} for admin: ${systemReason(error)}`)
    }
  }

  #facts(): ServerFacts {
    return {
      version: version(),
      startedMs: this.#startedMs,
      commandLine: this.#commandLine,
      state: () => (!this.#live ? 'INITIALIZING' : this.server.state.draining ? 'DRAINING' : 'LIVE'),
      pendingTargets: () => (this.#live ? [] : this.server.unresolvedClusters()),
    }
  }

  #actions(): AdminActions {
    const { server, services } = this
    return {
      drainListeners: ({ inboundOnly, skipExit }) => {
        server.announceDrain()
        if (!skipExit) void server.drain((listener) => !inboundOnly || listener.trafficDirection === 'inbound')
      },
      quit: () => this.#quit('/quitquitquit'),
      failHealthCheck: () => {
        server.state.failingHealthChecks = true
        server.announceDrain()
      },
      passHealthCheck: () => {
        server.state.failingHealthChecks = false
        server.state.draining = false
      },
      reopenLogs: () => services.logSinks.reopen(),
      refreshStats: () => this.#stats.refresh(server, this.#live, systemClock.now() - this.#startedMs),
    }
  }

  #endRequest(): Promise<string> {
    return new Promise((resolve) => {
      const onTerm = (): void => finish('SIGTERM')
      const onInt = (): void => finish('SIGINT')
      const onReopen = (): void => this.services.logSinks.reopen()
      // Keeps the process alive when every listener has closed but a drain or an operator is still expected.
      const alive = setInterval(() => undefined, 60_000)
      const finish = (reason: string): void => {
        clearInterval(alive)
        process.off('SIGTERM', onTerm)
        process.off('SIGINT', onInt)
        process.off('SIGUSR1', onReopen)
        resolve(reason)
      }
      this.#quit = finish
      process.on('SIGTERM', onTerm)
      process.on('SIGINT', onInt)
      process.on('SIGUSR1', onReopen)
    })
  }

  /** Stops accepting and lets tunnels go on until the last one ends, time is over, or a second signal comes. */
  async #drain(seconds: number): Promise<void> {
    const { ledger } = this.services
    this.server.announceDrain()
    await Promise.race([this.server.drain(), delay(DRAIN_LOOK_MS)])
    if (this.server.connections.length === 0 || seconds === 0) return
    this.#main.info('draining', { tunnels: ledger.size, connections: this.server.connections.length, seconds })
    const signals = { again: false }
    const stopNow = (): void => {
      signals.again = true
    }
    process.once('SIGTERM', stopNow)
    process.once('SIGINT', stopNow)
    const deadline = systemClock.now() + seconds * 1000
    while (!signals.again && this.server.connections.length > 0 && systemClock.now() < deadline) await delay(DRAIN_LOOK_MS)
    process.off('SIGTERM', stopNow)
    process.off('SIGINT', stopNow)
  }
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
