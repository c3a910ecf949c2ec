// What one active check knows of one endpoint: pure, without time. Envoy: HealthCheckerImplBase's rules, of which the
// counters of Easegress are a case (a check that begins healthy and whose wrong answers count).

import type { HealthCheck } from '../../config/model/health-check.ts'

/** Why a check failed, in Envoy's words. `passive`: an ordinary response said so. */
export type FailureType = 'active' | 'passive' | 'network' | 'network-timeout'

/** What a result did: nothing, a step towards a change, a change. */
export type Transition = 'unchanged' | 'pending' | 'changed'

type Settings = Pick<HealthCheck, 'initial' | 'healthyThreshold' | 'unhealthyThreshold'>

export class CheckState {
  readonly #settings: Settings
  #failed: boolean
  #pending: boolean
  #timedOut = false
  #degraded = false
  #first = true
  #passes = 0
  #fails = 0

  constructor(settings: Settings) {
    this.#settings = settings
    this.#failed = settings.initial === 'unhealthy'
    this.#pending = this.#failed
  }

  /** FAILED_ACTIVE_HC. */
  get failed(): boolean {
    return this.#failed
  }

  /** PENDING_ACTIVE_HC: no result yet, and none is assumed. */
  get pending(): boolean {
    return this.#pending
  }

  /** ACTIVE_HC_TIMEOUT: it is failed, and the last result was a timeout. */
  get timedOut(): boolean {
    return this.#timedOut
  }

  /** DEGRADED_ACTIVE_HC. */
  get degraded(): boolean {
    return this.#degraded
  }

  /** The last result was good, and it is not failed. */
  get passing(): boolean {
    return !this.#first && !this.#failed && this.#fails === 0
  }

  /** No result yet. */
  get first(): boolean {
    return this.#first
  }

  /** A check passed. The very first one suffices for an endpoint that begins unhealthy. */
  succeed(degraded: boolean): Transition {
    this.#fails = 0
    let transition: Transition = 'unchanged'
    if (this.#failed) {
      const enough = this.#first || ++this.#passes >= this.#settings.healthyThreshold
      transition = enough ? 'changed' : 'pending'
      if (enough) {
        this.#failed = false
        this.#timedOut = false
        this.#passes = 0
      }
    }
    if (this.#settle()) transition = 'changed'
    if (degraded !== this.#degraded) {
      this.#degraded = degraded
      if (transition === 'unchanged') transition = 'changed'
    }
    return transition
  }

  /** A check failed. `atOnce`: the threshold does not matter. */
  fail(type: FailureType, atOnce: boolean): Transition {
    this.#passes = 0
    let transition: Transition = 'unchanged'
    if (!this.#failed) {
      this.#failed = atOnce || ++this.#fails >= this.#settings.unhealthyThreshold
      transition = this.#failed ? 'changed' : 'pending'
      if (this.#failed) this.#fails = 0
    }
    this.#timedOut = this.#failed && type === 'network-timeout'
    return this.#settle() ? 'changed' : transition
  }

  /** There is a result now; whether that alone is a change. */
  #settle(): boolean {
    const pending = this.#pending
    this.#pending = false
    this.#first = false
    return pending
  }
}
