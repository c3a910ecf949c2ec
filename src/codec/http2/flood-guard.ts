// Counts what a hostile peer can send for nothing. Envoy's limits and formulas for inbound frames, a rate for control
// frames, and the rapid-reset rule of Envoy's connection manager. Each check answers false when its limit is passed.

import type { Http2Options } from './options.ts'

/** Allowance for WINDOW_UPDATEs before any stream, as Envoy's. */
const WINDOW_UPDATE_BASE = 5

export class FloodGuard {
  readonly #options: Http2Options
  #streamsOpened = 0
  #dataFramesSent = 0
  #emptyFramesInRow = 0
  #priorityFrames = 0
  #windowUpdates = 0
  #controlFrames = 0
  #controlSecondMs = Number.NEGATIVE_INFINITY
  #streamsEnded = 0
  #youngResets = 0

  constructor(options: Http2Options) {
    this.#options = options
  }

  streamOpened(): void {
    this.#streamsOpened++
  }

  dataFrameSent(): void {
    this.#dataFramesSent++
  }

  /** DATA, HEADERS, CONTINUATION. `empty`: no payload but padding, and no END_STREAM. */
  messageFrame(empty: boolean): boolean {
    if (!empty) {
      this.#emptyFramesInRow = 0
      return true
    }
    if (++this.#emptyFramesInRow <= this.#options.maxConsecutiveInboundFramesWithEmptyPayload) return true
    this.#options.stats.inbound_empty_frames_flood++
    return false
  }

  priorityFrame(): boolean {
    if (++this.#priorityFrames <= this.#options.maxInboundPriorityFramesPerStream * (1 + this.#streamsOpened))
      return true
    this.#options.stats.inbound_priority_frames_flood++
    return false
  }

  windowUpdateFrame(): boolean {
    const perDataFrame = this.#options.maxInboundWindowUpdateFramesPerDataFrameSent
    const most = WINDOW_UPDATE_BASE + 2 * (this.#streamsOpened + perDataFrame * this.#dataFramesSent)
    if (++this.#windowUpdates <= most) return true
    this.#options.stats.inbound_window_update_frames_flood++
    return false
  }

  /** PING, SETTINGS, PRIORITY and unknown frames: harmless at the rate that any real use has. */
  controlFrame(): boolean {
    const now = this.#options.clock.now()
    if (now - this.#controlSecondMs >= 1000) {
      this.#controlSecondMs = now
      this.#controlFrames = 0
    }
    if (++this.#controlFrames <= this.#options.maxInboundControlFramesPerSecond) return true
    this.#options.stats.inbound_control_frames_flood++
    return false
  }

  /** A request ended in whatever way. `young`: reset by the peer or by its fault, early and before it was answered. */
  streamEnded(young: boolean): boolean {
    const limit = this.#options.prematureResetStreamCount
    this.#streamsEnded++
    if (young) this.#youngResets++
    if (limit === 0 || !young) return true
    // Under the count, the connection ends already when no further good stream could turn the balance.
    if (this.#youngResets * 2 < Math.max(limit, this.#streamsEnded)) return true
    this.#options.stats.premature_resets_flood++
    return false
  }
}
