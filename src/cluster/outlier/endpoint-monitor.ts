// Counts how one endpoint's traffic goes: failures in a row, and the share of successes since the last sweep. What a count
// leads to is the detector's decision. Envoy: DetectorHostMonitorImpl.

import type { OutlierDetection } from '../../config/model/outlier-detection.ts'
import type { Endpoint } from '../endpoint.ts'
import type { LocalOrigin, OutlierMonitor } from './outlier-monitor.ts'
import type { EjectionKind } from './outlier-stats.ts'

/** Decides on ejections. */
export interface EjectionJudge {
  readonly config: OutlierDetection
  /** A count in a row has reached its limit. */
  onConsecutive(monitor: EndpointMonitor, kind: ConsecutiveKind): void
  onCheckPassed(monitor: EndpointMonitor): void
}

export type ConsecutiveKind = Extract<EjectionKind, `consecutive_${string}`>

/** Requests since the last sweep, and those of the interval before it, which are what is judged. */
export class SuccessRate {
  #total = 0
  #succeeded = 0
  /** Of the interval that the last sweep closed. */
  volume = 0
  /** Percent; -1 = there were no requests. */
  percent = -1

  add(succeeded: boolean): void {
    this.#total++
    if (succeeded) this.#succeeded++
  }

  /** The interval is over. */
  turn(): void {
    this.volume = this.#total
    this.percent = this.#total === 0 ? -1 : (this.#succeeded * 100) / this.#total
    this.#total = 0
    this.#succeeded = 0
  }
}

export class EndpointMonitor implements OutlierMonitor {
  readonly endpoint: Endpoint
  /** What the endpoint itself answers; everything when the two are not split. */
  readonly external = new SuccessRate()
  /** Whether it could be reached. */
  readonly local = new SuccessRate()
  /** Set while it is ejected. */
  ejectedUntilMs: number | undefined
  ejectedAtMs = 0
  /** How many base ejection times the next ejection lasts, less one; goes down while the endpoint behaves. */
  backoff = 0
  /** Ejections so far. */
  ejections = 0
  readonly #judge: EjectionJudge
  #failures5xx = 0
  #gatewayFailures = 0
  #localFailures = 0

  constructor(endpoint: Endpoint, judge: EjectionJudge) {
    this.endpoint = endpoint
    this.#judge = judge
  }

  httpStatus(status: number): void {
    const judge = this.#judge
    this.external.add(status < 500)
    if (status < 500) {
      this.#failures5xx = 0
      this.#gatewayFailures = 0
      return
    }
    if (status < 502 || status > 504) this.#gatewayFailures = 0
    else if (++this.#gatewayFailures === judge.config.consecutiveGatewayFailure) {
      this.#gatewayFailures = 0
      judge.onConsecutive(this, 'consecutive_gateway_failure')
    }
    if (++this.#failures5xx !== judge.config.consecutive5xx) return
    this.#failures5xx = 0
    judge.onConsecutive(this, 'consecutive_5xx')
  }

  localOrigin(event: LocalOrigin): void {
    if (this.#judge.config.splitExternalLocalOriginErrors) this.#reached(event)
    else this.#asStatus(event)
  }

  checkPassed(): void {
    this.#judge.onCheckPassed(this)
  }

  /** It is let in again: a count that was near its limit must not throw it out at once. */
  resetCounts(): void {
    this.#failures5xx = 0
    this.#gatewayFailures = 0
    this.#localFailures = 0
  }

  /** Not split: what happened here counts as the status that a client would have got. */
  #asStatus(event: LocalOrigin): void {
    switch (event) {
      case 'connect-success':
        return
      case 'session-success':
        return this.httpStatus(200)
      case 'timeout':
        return this.httpStatus(504)
      case 'connect-failure':
      case 'reset':
        return this.httpStatus(503)
    }
  }

  #reached(event: LocalOrigin): void {
    const succeeded = event === 'connect-success' || event === 'session-success'
    this.local.add(succeeded)
    if (succeeded) {
      this.#localFailures = 0
      return
    }
    if (++this.#localFailures !== this.#judge.config.consecutiveLocalOriginFailure) return
    this.#localFailures = 0
    this.#judge.onConsecutive(this, 'consecutive_local_origin_failure')
  }
}
