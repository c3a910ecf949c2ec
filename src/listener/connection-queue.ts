// Where accepted connections wait when a listener serves as many as it may: nobody reads them, and the oldest gets the next
// place. Easegress: maxConnections, which leaves them in the system's backlog instead, where nothing counts them.

import type { ReplayableStream } from '../transport/replay.ts'
import type { ListenerStats } from './listener-stats.ts'

export interface QueueBounds {
  /** Connections served at once. */
  readonly served: number
  /** Connections that may wait. */
  readonly waiting: number
}

export interface QueueOwner {
  /** A place was free: serve it. */
  onTurn(stream: ReplayableStream): void
  /** Too many wait. */
  onRefused(stream: ReplayableStream): void
}

export class ConnectionQueue {
  readonly #bounds: QueueBounds
  readonly #stats: Pick<ListenerStats, 'cxWaiting' | 'cxWaited' | 'cxOverflow'>
  readonly #owner: QueueOwner
  readonly #waiting = new Set<ReplayableStream>()
  #served = 0
  #calling = false

  constructor(
    bounds: QueueBounds,
    stats: Pick<ListenerStats, 'cxWaiting' | 'cxWaited' | 'cxOverflow'>,
    owner: QueueOwner,
  ) {
    this.#bounds = bounds
    this.#stats = stats
    this.#owner = owner
  }

  /** True = serve it now, and call `release` when it is gone; false = it waits, or was refused. */
  admits(stream: ReplayableStream): boolean {
    if (this.#served < this.#bounds.served && this.#waiting.size === 0) {
      this.#served++
      return true
    }
    if (this.#waiting.size >= this.#bounds.waiting) {
      this.#stats.cxOverflow.value++
      this.#owner.onRefused(stream)
      return false
    }
    this.#waiting.add(stream)
    this.#stats.cxWaited.value++
    this.#stats.cxWaiting.value++
    return false
  }

  /** A connection that was served is gone. */
  release(): void {
    this.#served--
    // One that is gone at once frees its place again, within this loop.
    if (this.#calling) return
    this.#calling = true
    for (const stream of this.#waiting) {
      if (this.#served >= this.#bounds.served) break
      this.#forget(stream)
      this.#served++
      this.#owner.onTurn(stream)
    }
    this.#calling = false
  }

  /** Nobody will be served any more: all that wait, which are the caller's now. */
  leave(): ReplayableStream[] {
    const left = [...this.#waiting]
    for (const stream of left) this.#forget(stream)
    return left
  }

  #forget(stream: ReplayableStream): void {
    this.#waiting.delete(stream)
    this.#stats.cxWaiting.value--
  }
}
