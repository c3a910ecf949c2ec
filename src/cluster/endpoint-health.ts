// What is known of an endpoint's health from all who judge it: the configuration, active checks, outlier detection. Each
// writes its own flag; pickers read the sum. A change is told once.

export type HealthState = 'healthy' | 'degraded' | 'unhealthy' | 'draining'

/** Flags as Envoy's /clusters page names them. */
export interface HealthFlags {
  /** FAILED_ACTIVE_HC. */
  failedActive: boolean
  /** FAILED_OUTLIER_CHECK. */
  failedOutlier: boolean
  /** DEGRADED_ACTIVE_HC. */
  degradedActive: boolean
  /** PENDING_ACTIVE_HC: not checked yet, and not to be used before. */
  pendingActive: boolean
  /** ACTIVE_HC_TIMEOUT: the last check failed by its timeout. */
  activeTimeout: boolean
}

export class EndpointHealth {
  readonly #configured: HealthState
  readonly #flags: HealthFlags = {
    failedActive: false,
    failedOutlier: false,
    degradedActive: false,
    pendingActive: false,
    activeTimeout: false,
  }
  #state: HealthState
  /** Told after the state changed; set by the cluster. */
  onChange: (() => void) | undefined
  /** Clock time when it last became usable, for slow start; undefined = since it was first known. */
  healthySinceMs: number | undefined

  constructor(configured: HealthState) {
    this.#configured = configured
    this.#state = configured
  }

  get state(): HealthState {
    return this.#state
  }

  get flags(): Readonly<HealthFlags> {
    return this.#flags
  }

  /** Sets a flag. `nowMs` dates a return to health. */
  mark(flag: keyof HealthFlags, value: boolean, nowMs: number): void {
    if (this.#flags[flag] === value) return
    this.#flags[flag] = value
    const before = this.#state
    this.#state = this.#judge()
    // An endpoint that was checked for the first time counts from now on, even if it stays unhealthy.
    if (this.#state === before && flag !== 'pendingActive') return
    if (before === 'unhealthy' && this.#state !== before) this.healthySinceMs = nowMs
    this.onChange?.()
  }

  #judge(): HealthState {
    const { failedActive, failedOutlier, degradedActive, pendingActive } = this.#flags
    if (this.#configured === 'unhealthy' || this.#configured === 'draining') return this.#configured
    if (failedActive || failedOutlier || pendingActive) return 'unhealthy'
    return degradedActive ? 'degraded' : this.#configured
  }
}
