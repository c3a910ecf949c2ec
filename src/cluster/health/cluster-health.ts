// The active checks of a cluster: several per endpoint, all of which must pass. Writes what they find into the health of the
// endpoints, tells the log, and knows when the first round is over.

import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { Cluster } from '../../config/model/cluster.ts'
import type { HealthCheck } from '../../config/model/health-check.ts'
import type { ComponentLog } from '../../observe/log.ts'
import type { StatScope } from '../../observe/stats/registry.ts'
import type { ClusterStats } from '../cluster-stats.ts'
import type { Endpoint } from '../endpoint.ts'
import { type CheckOwner, EndpointCheck, type FailureReason } from './endpoint-check.ts'
import type { HealthEvent, HealthEventKind } from './health-event.ts'
import { healthStats, type HealthStats } from './health-stats.ts'
import type { ProberFactory } from './prober.ts'

/** What the server gives to the checks of a cluster. */
export interface HealthCheckTools {
  readonly probers: ProberFactory
  readonly log: ComponentLog
  /** For the event logs of the checks. */
  readonly onEvent: (event: HealthEvent) => void
}

export interface ClusterHealthParts extends HealthCheckTools {
  readonly clock: Clock
  readonly random: Random
  readonly scope: StatScope
  readonly stats: ClusterStats
  /** A check of the endpoint failed that had passed: all its flags are set by then. */
  readonly onFailed: (endpoint: Endpoint) => void
}

interface Checked {
  readonly endpoint: Endpoint
  readonly checks: readonly EndpointCheck[]
}

export class ClusterHealth implements CheckOwner {
  readonly #cluster: Cluster
  readonly #parts: ClusterHealthParts
  readonly #stats: ReadonlyMap<HealthCheck, HealthStats>
  readonly #checked = new Map<Endpoint, Checked>()
  readonly #endpoints = new Map<EndpointCheck, Checked>()
  #waiting: (() => void)[] = []

  constructor(cluster: Cluster, parts: ClusterHealthParts) {
    this.#cluster = cluster
    this.#parts = parts
    const checks = cluster.healthChecks ?? []
    this.#stats = new Map(checks.map((check) => [check, healthStats(parts.scope, check.name)]))
  }

  /** A new endpoint: marks what is assumed of it before its first check, and begins to check it. */
  add(endpoint: Endpoint): void {
    if (endpoint.config.healthCheck?.disabled === true || this.#checked.has(endpoint)) return
    const checks = [...this.#stats].map(([check, stats]) => this.#make(endpoint, check, stats))
    const checked = { endpoint, checks }
    this.#checked.set(endpoint, checked)
    for (const check of checks) this.#endpoints.set(check, checked)
    this.#mark(checked)
    for (const check of checks) check.start()
  }

  /** It left the cluster. */
  remove(endpoint: Endpoint): void {
    const checked = this.#checked.get(endpoint)
    if (checked === undefined) return
    this.#checked.delete(endpoint)
    for (const check of checked.checks) {
      check.stop()
      this.#endpoints.delete(check)
    }
    this.#tellFirstRound()
  }

  /** Whether it is to stay although discovery names it no more: while its checks pass, unless the cluster says otherwise. */
  keeps(endpoint: Endpoint): boolean {
    const checked = this.#checked.get(endpoint)
    if (checked === undefined || this.#cluster.ignoreHealthOnRemoval === true) return false
    return checked.checks.every(({ state }) => !state.failed)
  }

  /** An ordinary response asked for it (`x-envoy-immediate-health-check-fail`). */
  failPassively(endpoint: Endpoint, reason: string): void {
    for (const check of this.#checked.get(endpoint)?.checks ?? []) check.failPassively(reason)
  }

  /** Fulfilled when every check has had a result, which its timeout guarantees; never rejected. */
  firstRound(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#tellFirstRound()
    })
  }

  /** Milliseconds until the next probe of an endpoint that fails; undefined when none does. */
  get nextCheckMs(): number | undefined {
    let due: number | undefined
    for (const { state, dueMs } of this.#endpoints.keys()) {
      if (state.failed && (due === undefined || dueMs < due)) due = dueMs
    }
    return due === undefined ? undefined : Math.max(0, due - this.#parts.clock.now())
  }

  stop(): void {
    for (const endpoint of [...this.#checked.keys()]) this.remove(endpoint)
    this.#tellFirstRound()
  }

  onResult(check: EndpointCheck): void {
    const checked = this.#endpoints.get(check)
    if (checked === undefined) return
    const failedBefore = checked.endpoint.health.flags.failedActive
    this.#mark(checked)
    if (check.state.passing) checked.endpoint.outlier?.checkPassed()
    this.#tellFirstRound()
    if (!failedBefore && checked.endpoint.health.flags.failedActive) this.#parts.onFailed(checked.endpoint)
  }

  onEvent(check: EndpointCheck, event: HealthEventKind, why: FailureReason): void {
    const checked = this.#endpoints.get(check)
    if (checked === undefined) return
    const { endpoint } = checked
    const wallMs = this.#parts.clock.wallNow()
    this.#parts.onEvent({ clusterName: this.#cluster.name, endpoint, check: check.check, event, wallMs })
    this.#log(endpoint, check.check, event, why)
  }

  #make(endpoint: Endpoint, check: HealthCheck, stats: HealthStats): EndpointCheck {
    const { clock, random, probers, stats: cluster } = this.#parts
    const used = (): boolean => cluster.upstreamCxTotal.value > 0
    return new EndpointCheck(check, probers(endpoint, check), { clock, random, stats, used }, this)
  }

  /** What decides comes last, so that one result is one change. */
  #mark({ endpoint, checks }: Checked): void {
    const { health } = endpoint
    const nowMs = this.#parts.clock.now()
    const failed = checks.some(({ state }) => state.failed)
    const pending = checks.some(({ state }) => state.pending)
    const degraded = checks.some(({ state }) => state.degraded)
    const timedOut = checks.some(({ state }) => state.timedOut)
    if (failed) health.mark('failedActive', true, nowMs)
    health.mark('activeTimeout', timedOut, nowMs)
    health.mark('degradedActive', degraded, nowMs)
    health.mark('pendingActive', pending, nowMs)
    if (!failed) health.mark('failedActive', false, nowMs)
  }

  #tellFirstRound(): void {
    if (this.#waiting.length === 0) return
    for (const { state } of this.#endpoints.keys()) if (state.first) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const tell of waiting) tell()
  }

  #log(endpoint: Endpoint, check: HealthCheck, event: HealthEventKind, { reason, hint }: FailureReason): void {
    const { log } = this.#parts
    const fields = {
      cluster: this.#cluster.name,
      endpoint: endpoint.text,
      check: check.name === '' ? check.probe.kind : check.name,
      ...(reason === '' ? {} : { reason }),
      ...(hint === '' ? {} : { hint }),
    }
    switch (event.kind) {
      case 'eject-unhealthy':
        return log.warning('endpoint is unhealthy', fields)
      case 'add-healthy':
        return log.info(event.first ? 'endpoint is healthy' : 'endpoint is healthy again', fields)
      case 'failure':
        // The first failure of an endpoint that begins healthy need not be a change; of any other it is the news.
        return event.first && check.initial === 'unhealthy'
          ? log.warning('endpoint is unhealthy', fields)
          : log.debug('health check failed', fields)
      case 'success':
        return undefined
      case 'degraded':
        return log.warning('endpoint is degraded', fields)
      case 'no-longer-degraded':
        return log.info('endpoint is no longer degraded', fields)
    }
  }
}
