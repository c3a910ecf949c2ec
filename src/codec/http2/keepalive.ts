// PINGs that find out whether the other end is still there (Envoy's connection_keepalive). Anything that arrives counts as
// a sign of life, not only the answer: it may wait behind a lot of data.

import type { Clock, Timer } from '../../core/clock.ts'
import type { Http2Keepalive } from './options.ts'

export interface KeepaliveHost {
  sendKeepalivePing(): void
  /** Nothing came in time. */
  keepaliveFailed(): void
}

export class Keepalive {
  readonly #host: KeepaliveHost
  readonly #clock: Clock
  readonly #settings: Http2Keepalive
  #lastReadMs: number
  #timer: Timer | undefined
  #waiting = false

  constructor(host: KeepaliveHost, clock: Clock, settings: Http2Keepalive) {
    this.#host = host
    this.#clock = clock
    this.#settings = settings
    this.#lastReadMs = clock.now()
  }

  start(): void {
    this.#scheduleNext()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#waiting = false
  }

  /** Bytes arrived. */
  onRead(): void {
    this.#lastReadMs = this.#clock.now()
    if (!this.#waiting) return
    this.#waiting = false
    this.#timer?.cancel()
    this.#scheduleNext()
  }

  /** A stream is about to be opened: a connection that was silent for long is tried first. */
  beforeStream(): void {
    const idle = this.#settings.connectionIdleIntervalMs
    if (idle !== undefined && !this.#waiting && this.#clock.now() - this.#lastReadMs >= idle) this.#ping()
  }

  #scheduleNext(): void {
    const { intervalMs, intervalJitterPercent } = this.#settings
    if (intervalMs === undefined) return
    const jitter = (intervalMs * intervalJitterPercent * Math.random()) / 100
    this.#timer = this.#clock.after(intervalMs + jitter, () => this.#ping())
  }

  #ping(): void {
    this.#timer?.cancel()
    this.#waiting = true
    this.#host.sendKeepalivePing()
    this.#timer = this.#clock.after(this.#settings.timeoutMs, () => this.#host.keepaliveFailed())
  }
}
