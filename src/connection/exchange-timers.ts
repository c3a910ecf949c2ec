// The timers of one exchange, named by phase (envoy.md §2.6). Before acceptance: request, idle, maximum duration; the
// router keeps the route timeout. On an agreed tunnel the bridge keeps idle and maximum duration and these stop.

import type { Deadline } from '../core/timer-wheel.ts'
import type { Place } from '../config/model/place.ts'
import type { Route } from '../config/model/route.ts'
import type { Exchange } from './exchange.ts'
import type { HcmRuntime } from './runtime.ts'

export class ExchangeTimers {
  readonly #exchange: Exchange
  readonly #runtime: HcmRuntime
  /** Effective stream idle timeout, ms; undefined = off. */
  idleMs: number | undefined
  idlePlace: Place
  /** Effective maximum stream duration, ms; undefined = off. */
  maxDurationMs: number | undefined
  #idle: Deadline | undefined
  #request: Deadline | undefined
  #duration: Deadline | undefined

  constructor(exchange: Exchange, runtime: HcmRuntime) {
    this.#exchange = exchange
    this.#runtime = runtime
    this.idleMs = runtime.config.streamIdleTimeoutMs
    this.idlePlace = runtime.config.place
    this.maxDurationMs = runtime.config.common.maxStreamDurationMs
  }

  start(): void {
    const { requestTimeoutMs } = this.#runtime.config
    if (requestTimeoutMs !== undefined && !this.#exchange.requestEnded) {
      this.#request = this.#runtime.wheel.arm(requestTimeoutMs, () => this.#requestExpired())
    }
    this.#armIdle()
    this.#armDuration()
  }

  /** The route's own idle timeout and duration replace those of the connection manager. */
  useRoute(route: Route): void {
    if (route.action.kind !== 'forward') return
    const { idleTimeoutMs, maxStreamDurationMs, timeoutPlace } = route.action
    if (idleTimeoutMs !== 'inherit' && idleTimeoutMs !== this.idleMs) {
      this.idleMs = idleTimeoutMs
      this.idlePlace = timeoutPlace
      this.#idle?.cancel()
      this.#armIdle()
    }
    if (maxStreamDurationMs !== 'inherit' && maxStreamDurationMs !== this.maxDurationMs) {
      this.maxDurationMs = maxStreamDurationMs
      this.#duration?.cancel()
      this.#armDuration()
    }
  }

  /** Something moved. */
  touch(): void {
    this.#idle?.touch()
  }

  requestComplete(): void {
    this.#request?.cancel()
  }

  responseStarted(): void {
    this.#request?.cancel()
  }

  tunnelAccepted(): void {
    this.cancel()
  }

  cancel(): void {
    this.#idle?.cancel()
    this.#request?.cancel()
    this.#duration?.cancel()
  }

  #armIdle(): void {
    if (this.idleMs !== undefined) this.#idle = this.#runtime.wheel.arm(this.idleMs, () => this.#idleExpired())
    else this.#idle = undefined
  }

  #armDuration(): void {
    if (this.maxDurationMs === undefined) return
    const left = this.maxDurationMs - (this.#runtime.clock.now() - this.#exchange.facts.times.start)
    this.#duration = this.#runtime.wheel.arm(Math.max(1, left), () => this.#durationExpired())
  }

  #idleExpired(): void {
    this.#runtime.stats.rqIdleTimeout.value++
    this.#exchange.expire({
      code: 'stream_idle_timeout',
      explanation: `nothing moved for ${this.idleMs ?? 0} ms`,
      place: this.idlePlace,
      ...(this.#exchange.requestEnded ? { status: 504 } : {}),
    })
  }

  #requestExpired(): void {
    this.#runtime.stats.rqTimeout.value++
    const { requestTimeoutMs, place } = this.#runtime.config
    this.#exchange.expire({
      code: 'request_timeout',
      explanation: `the request was not complete after ${requestTimeoutMs ?? 0} ms`,
      place,
    })
  }

  #durationExpired(): void {
    this.#runtime.stats.rqMaxDurationReached.value++
    this.#exchange.expire({
      code: 'max_stream_duration',
      explanation: `the stream lived for ${this.maxDurationMs ?? 0} ms`,
      place: this.#runtime.config.place,
      ...(this.#exchange.requestEnded ? { status: 504 } : {}),
    })
  }
}
