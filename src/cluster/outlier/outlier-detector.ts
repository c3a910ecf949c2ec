// Outlier detection of one cluster: leaves endpoints out for a while whose traffic goes wrong, and sweeps them at an interval
// for success rates and for the end of ejections. Envoy: config.cluster.v3.OutlierDetection (envoy.md §1.10). An ejection
// concerns new work only: no connection and no tunnel of the endpoint is touched.

import type { Clock, Timer } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { OutlierDetection } from '../../config/model/outlier-detection.ts'
import type { StatScope } from '../../observe/stats/registry.ts'
import type { Endpoint } from '../endpoint.ts'
import { type ConsecutiveKind, EndpointMonitor, type EjectionJudge, type SuccessRate } from './endpoint-monitor.ts'
import { type EjectionKind, type OutlierStats, outlierStats } from './outlier-stats.ts'
import { successRateThreshold } from './success-rate-threshold.ts'

export interface OutlierTools {
  readonly clock: Clock
  readonly random: Random
  /** The cluster's. */
  readonly scope: StatScope
}

export class OutlierDetector implements EjectionJudge {
  readonly config: OutlierDetection
  readonly #tools: OutlierTools
  readonly #stats: OutlierStats
  readonly #monitors = new Map<Endpoint, EndpointMonitor>()
  #active = 0
  #timer: Timer | undefined
  #nextSweepMs = Infinity

  constructor(config: OutlierDetection, tools: OutlierTools) {
    this.config = config
    this.#tools = tools
    this.#stats = outlierStats(tools.scope)
  }

  start(): void {
    const { clock } = this.#tools
    this.#nextSweepMs = clock.now() + this.config.intervalMs
    this.#timer = clock.after(this.config.intervalMs, () => {
      this.#sweep()
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** The endpoint joined the cluster. */
  watch(endpoint: Endpoint): void {
    if (this.#monitors.has(endpoint)) return
    const monitor = new EndpointMonitor(endpoint, this)
    this.#monitors.set(endpoint, monitor)
    endpoint.outlier = monitor
  }

  /** It left. What still runs there is no longer counted. */
  forget(endpoint: Endpoint): void {
    const monitor = this.#monitors.get(endpoint)
    if (monitor === undefined) return
    this.#monitors.delete(endpoint)
    endpoint.outlier = undefined
    if (monitor.ejectedUntilMs !== undefined) this.#leaveEjection(monitor)
  }

  /** Milliseconds until the sweep that lets the first ejected endpoint back in; undefined when none is ejected. */
  get nextReturnMs(): number | undefined {
    if (this.#active === 0) return undefined
    let first = Infinity
    for (const { ejectedUntilMs } of this.#monitors.values()) first = Math.min(first, ejectedUntilMs ?? Infinity)
    const sweeps = Math.max(0, Math.ceil((first - this.#nextSweepMs) / this.config.intervalMs))
    return Math.max(0, this.#nextSweepMs + sweeps * this.config.intervalMs - this.#tools.clock.now())
  }

  onConsecutive(monitor: EndpointMonitor, kind: ConsecutiveKind): void {
    if (monitor.ejectedUntilMs !== undefined || this.#monitors.get(monitor.endpoint) !== monitor) return
    if (kind === 'consecutive_5xx') this.#stats.deprecatedConsecutive5xx.value++
    this.#eject(monitor, kind)
  }

  onCheckPassed(monitor: EndpointMonitor): void {
    if (!this.config.successfulActiveHealthCheckUnejectHost || monitor.ejectedUntilMs === undefined) return
    if (!monitor.endpoint.health.flags.failedActive) this.#uneject(monitor)
  }

  #sweep(): void {
    const now = this.#tools.clock.now()
    for (const monitor of this.#monitors.values()) {
      this.#review(monitor, now)
      monitor.external.turn()
      monitor.local.turn()
    }
    const { splitExternalLocalOriginErrors: split } = this.config
    this.#judgeRates(EXTERNAL)
    if (split) this.#judgeRates(LOCAL)
  }

  #review(monitor: EndpointMonitor, now: number): void {
    if (monitor.ejectedUntilMs === undefined) {
      if (monitor.backoff > 0) monitor.backoff--
    } else if (monitor.ejectedUntilMs <= now) this.#uneject(monitor)
  }

  #judgeRates({ rateOf, successRate, failurePercentage }: Origin): void {
    const { successRate: rates, failurePercentage: failures } = this.config
    const candidates = [...this.#monitors.values()].filter(
      (monitor) => monitor.ejectedUntilMs === undefined && rateOf(monitor).volume > 0,
    )
    const rated = candidates.filter((monitor) => rateOf(monitor).volume >= rates.requestVolume)
    if (rated.length > 0 && rated.length >= rates.minimumHosts) {
      const threshold = successRateThreshold(
        rated.map((monitor) => rateOf(monitor).percent),
        rates.stdevFactor,
      )
      for (const monitor of rated) {
        if (rateOf(monitor).percent >= threshold) continue
        this.#stats.deprecatedSuccessRate.value++
        this.#eject(monitor, successRate)
      }
    }
    const counted = candidates.filter((monitor) => rateOf(monitor).volume >= failures.requestVolume)
    if (counted.length === 0 || counted.length < failures.minimumHosts) return
    for (const monitor of counted) {
      if (monitor.ejectedUntilMs === undefined && 100 - rateOf(monitor).percent >= failures.threshold)
        this.#eject(monitor, failurePercentage)
    }
  }

  #eject(monitor: EndpointMonitor, kind: EjectionKind): void {
    this.#stats.detected[kind].value++
    if (!this.#mayEject()) {
      this.#stats.overflow.value++
      return
    }
    if (kind === 'consecutive_5xx' || kind === 'success_rate') this.#stats.deprecatedTotal.value++
    if (this.#tools.random() * 100 < enforcing(this.config, kind)) this.#enforce(monitor, kind)
  }

  #enforce(monitor: EndpointMonitor, kind: EjectionKind): void {
    const { baseEjectionTimeMs: base, maxEjectionTimeMs: max, maxEjectionTimeJitterMs: jitter } = this.config
    const now = this.#tools.clock.now()
    this.#stats.enforced[kind].value++
    this.#stats.enforcedTotal.value++
    monitor.ejections++
    // Grows by one base per ejection until the maximum is reached, and no further: it takes as long to come down again.
    if (monitor.backoff * base < max + base) monitor.backoff++
    monitor.ejectedAtMs = now
    monitor.ejectedUntilMs = now + Math.min(base * monitor.backoff, max) + Math.floor(this.#tools.random() * jitter)
    this.#active++
    this.#stats.active.value = this.#active
    monitor.endpoint.health.mark('failedOutlier', true, now)
  }

  #uneject(monitor: EndpointMonitor): void {
    this.#leaveEjection(monitor)
    monitor.resetCounts()
    monitor.endpoint.health.mark('failedOutlier', false, this.#tools.clock.now())
  }

  #leaveEjection(monitor: EndpointMonitor): void {
    monitor.ejectedUntilMs = undefined
    this.#active--
    this.#stats.active.value = this.#active
  }

  #mayEject(): boolean {
    const { alwaysEjectOneHost, maxEjectionPercent } = this.config
    if (alwaysEjectOneHost && this.#active === 0) return true
    return (this.#active + 1) * 100 <= maxEjectionPercent * this.#monitors.size
  }
}

/** Which requests are looked at, and what an ejection for them is called. */
interface Origin {
  readonly rateOf: (monitor: EndpointMonitor) => SuccessRate
  readonly successRate: EjectionKind
  readonly failurePercentage: EjectionKind
}

const EXTERNAL: Origin = {
  rateOf: ({ external }) => external,
  successRate: 'success_rate',
  failurePercentage: 'failure_percentage',
}

const LOCAL: Origin = {
  rateOf: ({ local }) => local,
  successRate: 'local_origin_success_rate',
  failurePercentage: 'local_origin_failure_percentage',
}

/** The percentage of detected outliers that are ejected. */
function enforcing(config: OutlierDetection, kind: EjectionKind): number {
  switch (kind) {
    case 'consecutive_5xx':
      return config.enforcingConsecutive5xx
    case 'consecutive_gateway_failure':
      return config.enforcingConsecutiveGatewayFailure
    case 'consecutive_local_origin_failure':
      return config.enforcingConsecutiveLocalOriginFailure
    case 'success_rate':
      return config.successRate.enforcing
    case 'local_origin_success_rate':
      return config.successRate.enforcingLocalOrigin
    case 'failure_percentage':
      return config.failurePercentage.enforcing
    case 'local_origin_failure_percentage':
      return config.failurePercentage.enforcingLocalOrigin
  }
}
