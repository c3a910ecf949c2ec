// A request that waits in a lane for a connection.

import type { Waiting } from './pending-list.ts'
import type { StreamNeed, StreamWaiter, Ticket } from './stream-need.ts'

/** The lane it waits in. */
export interface PendingOwner {
  /** It was cancelled. */
  forget(pending: PendingStream): void
}

export class PendingStream implements Ticket, Waiting<PendingStream> {
  before: PendingStream | undefined
  behind: PendingStream | undefined
  readonly need: StreamNeed
  readonly waiter: StreamWaiter
  readonly lane: PendingOwner
  /** Set when the waiter moved on to another lane. */
  moved: Ticket | undefined
  done = false

  constructor(lane: PendingOwner, need: StreamNeed, waiter: StreamWaiter) {
    this.lane = lane
    this.need = need
    this.waiter = waiter
  }

  cancel(): void {
    if (this.moved !== undefined) this.moved.cancel()
    else this.lane.forget(this)
  }
}
