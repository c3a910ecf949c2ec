// One active check of one endpoint over time: probes, waits, probes again. A probe is bounded by the check's timeout,
// whatever the far side does.

import type { Clock, Timer } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { HealthCheck } from '../../config/model/health-check.ts'
import { firstCheckMs, nextCheckMs } from './check-interval.ts'
import { CheckState, type FailureType, type Transition } from './check-state.ts'
import type { HealthEventKind } from './health-event.ts'
import type { HealthStats } from './health-stats.ts'
import type { Prober, ProbeOutcome, ProbeSink } from './prober.ts'

/** Why a check failed. */
export interface FailureReason {
  readonly reason: string
  readonly hint: string
}

const NO_REASON: FailureReason = { reason: '', hint: '' }

/** Hears of one check. */
export interface CheckOwner {
  /** Something happened that the event log may want. */
  onEvent(check: EndpointCheck, event: HealthEventKind, why: FailureReason): void
  /** A result is in; the state may have changed. */
  onResult(check: EndpointCheck): void
}

export interface CheckTools {
  readonly clock: Clock
  readonly random: Random
  readonly stats: HealthStats
  /** Whether the cluster had traffic. */
  readonly used: () => boolean
}

export class EndpointCheck implements ProbeSink {
  readonly check: HealthCheck
  readonly state: CheckState
  readonly #prober: Prober
  readonly #tools: CheckTools
  readonly #owner: CheckOwner
  /** The time until the next probe, or what the one under way has. */
  #timer: Timer | undefined
  #probing = false
  #dueMs = 0
  #stopped = false

  constructor(check: HealthCheck, prober: Prober, tools: CheckTools, owner: CheckOwner) {
    this.check = check
    this.state = new CheckState(check)
    this.#prober = prober
    this.#tools = tools
    this.#owner = owner
    if (!this.state.failed) tools.stats.healthy.value++
  }

  /** Clock time at which the next probe begins; the past while one is under way. */
  get dueMs(): number {
    return this.#dueMs
  }

  start(): void {
    const delayMs = firstCheckMs(this.check, this.#tools.random)
    if (delayMs === 0) this.#probe()
    else this.#wait(delayMs)
  }

  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#timer?.cancel()
    this.#prober.close()
    const { stats } = this.#tools
    if (!this.state.failed) stats.healthy.value--
    if (this.state.degraded) stats.degraded.value--
  }

  /** An ordinary response says that the endpoint is to be left alone. The pace of the checks stays. */
  failPassively(reason: string): void {
    if (!this.#stopped) this.#fail('passive', true, { reason, hint: '' })
  }

  onProbed(outcome: ProbeOutcome): void {
    if (this.#stopped || !this.#probing) return
    this.#probing = false
    this.#timer?.cancel()
    if (outcome.clusterVerified === true) this.#tools.stats.verifyCluster.value++
    const passed = outcome.kind === 'success'
    const transition = passed
      ? this.#succeed(outcome.degraded)
      : this.#fail(outcome.type, outcome.atOnce, { reason: outcome.reason, hint: outcome.hint })
    this.#again(passed, transition)
  }

  #probe(): void {
    const { clock, stats } = this.#tools
    this.#probing = true
    this.#dueMs = clock.now()
    stats.attempt.value++
    this.#timer = clock.after(this.check.timeoutMs, () => this.#timedOut())
    this.#prober.probe(this)
  }

  #timedOut(): void {
    const { waitsFor, hint } = this.#prober
    this.#probing = false
    this.#prober.abandon()
    const reason = `${waitsFor} after ${this.check.timeoutMs} ms`
    this.#again(false, this.#fail('network-timeout', false, { reason, hint }))
  }

  #again(passed: boolean, transition: Transition): void {
    // Whoever heard of the result may have ended the check.
    if (this.#stopped) return
    const { random, used } = this.#tools
    this.#wait(nextCheckMs(this.check, { passed, transition }, used(), random))
  }

  #wait(delayMs: number): void {
    const { clock } = this.#tools
    this.#dueMs = clock.now() + delayMs
    this.#timer = clock.after(delayMs, () => this.#probe())
  }

  #succeed(degraded: boolean): Transition {
    const { state, check } = this
    const { stats } = this.#tools
    const { failed, first, degraded: before } = state
    const transition = state.succeed(degraded)
    const recovered = failed && !state.failed
    stats.success.value++
    if (recovered) stats.healthy.value++
    if (degraded !== before) stats.degraded.value += degraded ? 1 : -1
    if (recovered) this.#tell({ kind: 'add-healthy', first })
    else if (check.alwaysLogSuccess) this.#tell({ kind: 'success' })
    if (degraded !== before) this.#tell({ kind: degraded ? 'degraded' : 'no-longer-degraded' })
    this.#owner.onResult(this)
    return transition
  }

  #fail(type: FailureType, atOnce: boolean, why: FailureReason): Transition {
    const { state, check } = this
    const { stats } = this.#tools
    const { failed, first } = state
    const transition = state.fail(type, atOnce)
    const ejected = !failed && state.failed
    stats.failure.value++
    if (type === 'passive') stats.passiveFailure.value++
    else if (type !== 'active') stats.networkFailure.value++
    if (ejected) stats.healthy.value--
    if (ejected) this.#tell({ kind: 'eject-unhealthy', type }, why)
    if (first || check.alwaysLogFailures) this.#tell({ kind: 'failure', type, first }, why)
    this.#owner.onResult(this)
    return transition
  }

  #tell(event: HealthEventKind, why = NO_REASON): void {
    this.#owner.onEvent(this, event, why)
  }
}
