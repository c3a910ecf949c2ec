// The main process of `--concurrency N`: starts N workers on shared ports, replaces one that dies, serves the admin pages
// over all of them, and ends them together. It carries no traffic itself.

import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { AdminActions } from '../../admin/context.ts'
import { startAdmin, type AdminServer } from '../../admin/server.ts'
import { systemClock } from '../../core/clock.ts'
import { addressText } from '../../config/model/address.ts'
import type { ProxyConfig } from '../../config/model/proxy.ts'
import { accessLogger } from '../../observe/access-log/access-logger.ts'
import { LogSinks } from '../../observe/access-log/sinks.ts'
import { Rates } from '../../observe/metrics/rates.ts'
import type { ApplicationLog, ComponentLog, LogLevel } from '../../observe/log.ts'
import { StartError, systemReason } from '../../server/start-error.ts'
import { endRequest, QuitRequest } from '../end-request.ts'
import { version } from '../version.ts'
import { MergedView } from './merged-view.ts'
import type { ToWorker, WorkerListener, WorkerSnapshot } from './messages.ts'
import { WorkerProcess } from './worker-process.ts'

/** Pause before a worker that died is replaced, ms; doubles while they keep dying. */
const RESPAWN_MS = 1000
const LONGEST_RESPAWN_MS = 30_000
/** What a stopping worker gets beyond its drain time before it is killed, ms. */
const STOP_GRACE_MS = 10_000

export class Fleet {
  readonly #config: ProxyConfig
  readonly #log: ApplicationLog
  readonly #main: ComponentLog
  readonly #commandLine: Readonly<Record<string, string | number | boolean>>
  readonly #size: number
  readonly #workers = new Map<number, WorkerProcess>()
  readonly #view = new MergedView((worker, id) => this.#workers.get(worker)?.tell({ kind: 'close-tunnel', id }))
  readonly #sinks: LogSinks
  readonly #ticketKey = randomBytes(80).toString('base64')
  readonly #quit = new QuitRequest()
  readonly #startedMs = systemClock.now()
  readonly #loadedWallMs = systemClock.wallNow()
  #listeners: readonly WorkerListener[] = []
  #admin: AdminServer | undefined
  #state: 'INITIALIZING' | 'LIVE' | 'DRAINING' = 'INITIALIZING'
  #stopping = false
  /** Fulfilled by what asks for the end. Heard from the start on: the first worker has clients while others still start. */
  readonly #asked: Promise<string>

  constructor(
    config: ProxyConfig,
    log: ApplicationLog,
    commandLine: Readonly<Record<string, string | number | boolean>>,
    size: number,
  ) {
    this.#config = config
    this.#log = log
    this.#main = log.component('main')
    this.#commandLine = commandLine
    this.#size = size
    this.#sinks = new LogSinks((target, message) =>
      this.#main.error('access log cannot be written', { target, reason: message }),
    )
    this.#asked = endRequest(this.#quit, () => this.#tellAll({ kind: 'reopen-logs' }))
  }

  get adminAddress(): string | undefined {
    return this.#admin?.address
  }

  get listeners(): readonly WorkerListener[] {
    return this.#listeners
  }

  /**
   * Starts admin and workers; the first one tells which ports it got. Rejects with a sentence that names the place. Does
   * not wait for workers once the end is asked for.
   */
  async start(): Promise<readonly string[]> {
    const ending = this.#asked.then((): readonly string[] => {
      this.#stopping = true
      return []
    })
    await this.#startAdmin()
    return Promise.race([this.#startWorkers(), ending])
  }

  /** Waits for a signal or /quitquitquit, drains, stops. Resolves to what ended it. */
  async ended(drainSeconds: number): Promise<string> {
    const reason = await this.#asked
    this.#state = 'DRAINING'
    const again = new QuitRequest()
    void endRequest(again, () => undefined).then(() => this.#tellAll({ kind: 'stop', drainSeconds: 0 }))
    await this.stop(reason === 'SIGTERM' ? drainSeconds : 0)
    again.ask('stopped')
    return reason
  }

  async stop(drainSeconds: number): Promise<void> {
    this.#stopping = true
    const workers = [...this.#workers.values()]
    this.#tellAll({ kind: 'stop', drainSeconds })
    const limit = new AbortController()
    const all = Promise.all(workers.map(({ exited }) => exited))
    const late = delay(drainSeconds * 1000 + STOP_GRACE_MS, undefined, { signal: limit.signal }).then(
      () => workers.forEach((worker) => worker.kill()),
      () => undefined,
    )
    await all
    limit.abort()
    await late
    await this.#admin?.close()
    this.#sinks.close()
    // After a start that failed nobody has asked, and the wait for it must not keep the process.
    this.#quit.ask('stopped')
  }

  async #startWorkers(): Promise<readonly string[]> {
    const first = await this.#spawn(0)
    this.#listeners = first.listeners
    if (this.#stopping) return first.warnings
    await Promise.all(Array.from({ length: this.#size - 1 }, (_, index) => this.#spawn(index + 1)))
    if (this.#state === 'INITIALIZING') this.#state = 'LIVE'
    return first.warnings
  }

  async #spawn(index: number): Promise<{ listeners: readonly WorkerListener[]; warnings: readonly string[] }> {
    const worker = new WorkerProcess(index)
    this.#workers.set(index, worker)
    void worker.exited.then(() => this.#onExit(worker))
    const bound = this.#admin?.bound
    return worker.start({
      kind: 'start',
      ports: this.#ports(),
      bindPipes: index === 0,
      ticketKey: this.#ticketKey,
      admin: bound?.kind === 'socket' ? { host: bound.host, port: bound.port } : undefined,
    })
  }

  /** The ports of the first worker, for the addresses that ask for any. */
  #ports(): Record<string, number> {
    const ports: Record<string, number> = {}
    for (const { name, addresses } of this.#listeners)
      addresses.forEach(({ port }, index) => (ports[`${name}#${index}`] = port))
    return ports
  }

  #onExit(worker: WorkerProcess): void {
    if (this.#stopping || this.#state === 'INITIALIZING' || this.#workers.get(worker.index) !== worker) return
    this.#main.critical('a worker died and is replaced; its tunnels are lost', { worker: worker.index })
    void this.#replace(worker.index)
  }

  async #replace(index: number): Promise<void> {
    for (let pause = RESPAWN_MS; !this.#stopping; pause = Math.min(pause * 2, LONGEST_RESPAWN_MS)) {
      await delay(pause)
      if (this.#stopping) return
      try {
        await this.#spawn(index)
        return
      } catch (error) {
        this.#main.error('a worker could not be replaced', {
          worker: index,
          reason: error instanceof Error ? error.message : String(error),
        })
      }
    }
  }

  #tellAll(message: ToWorker): void {
    for (const worker of this.#workers.values()) worker.tell(message)
  }

  async #refresh(): Promise<void> {
    const snapshots = new Map<number, WorkerSnapshot>()
    await Promise.all(
      [...this.#workers].map(async ([index, worker]) => {
        const snapshot = await worker.snapshot()
        if (snapshot !== undefined) snapshots.set(index, snapshot)
      }),
    )
    this.#view.update(snapshots)
    this.#view.registry.gauge('server.concurrency').value = this.#size
  }

  async #startAdmin(): Promise<void> {
    const { admin } = this.#config
    if (admin === undefined) return
    const onFault = (error: unknown): void => this.#main.error('fault in an admin page', { reason: String(error) })
    const loggers = admin.accessLogs.map((config) => accessLogger(config, this.#sinks))
    try {
      this.#admin = await startAdmin({
        config: admin,
        context: this.#context(),
        loggers,
        onFault,
        refresh: () => this.#refresh(),
      })
    } catch (error) {
      throw new StartError(
        admin.place,
        `cannot listen on ${addressText(admin.address)} for admin: ${systemReason(error)}`,
      )
    }
  }

  #context(): Parameters<typeof startAdmin>[0]['context'] {
    const view = this.#view
    return {
      clock: systemClock,
      registry: view.registry,
      rates: new Rates(),
      ledger: view,
      server: {
        version: version(),
        startedMs: this.#startedMs,
        commandLine: this.#commandLine,
        state: () => this.#state,
        pendingTargets: () => [],
      },
      levels: {
        levels: () => this.#log.levels(),
        setLevel: (level) => this.#setLevel(level, undefined),
        setComponentLevel: (component, level) => this.#setLevel(level, component),
      },
      actions: this.#actions(),
      config: () => this.#config,
      configLoadedWallMs: () => this.#loadedWallMs,
      clusters: () => view.clusters(this.#config),
      listeners: () => this.#listeners,
    }
  }

  #setLevel(level: LogLevel, component: string | undefined): boolean {
    this.#tellAll({ kind: 'log-level', level, component })
    if (component !== undefined) return this.#log.setComponentLevel(component, level)
    this.#log.setLevel(level)
    return true
  }

  #actions(): AdminActions {
    return {
      drainListeners: ({ inboundOnly, skipExit }) => {
        this.#state = 'DRAINING'
        this.#tellAll({ kind: 'drain', inboundOnly, skipExit })
      },
      quit: () => this.#quit.ask('/quitquitquit'),
      failHealthCheck: () => {
        this.#state = 'DRAINING'
        this.#tellAll({ kind: 'health', failing: true })
      },
      passHealthCheck: () => {
        this.#state = 'LIVE'
        this.#tellAll({ kind: 'health', failing: false })
      },
      reopenLogs: () => {
        this.#sinks.reopen()
        this.#tellAll({ kind: 'reopen-logs' })
      },
      refreshStats: () => undefined,
    }
  }
}
