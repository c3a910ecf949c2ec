// Lanes that found no free connection slot (max_connections) and have requests waiting: told, oldest first, when one frees.

import type { CircuitBreakers } from '../cluster/circuit-breakers.ts'

export interface SlotWaiter {
  /** Try again: a connection of the cluster is gone. */
  onSlotFree(): void
}

export class SlotQueue {
  readonly #waiting = new Set<SlotWaiter>()

  add(waiter: SlotWaiter): void {
    this.#waiting.add(waiter)
  }

  delete(waiter: SlotWaiter): void {
    this.#waiting.delete(waiter)
  }

  /** Tells waiters as long as `breakers` has a slot; one that is refused again waits behind the others. */
  wake(breakers: CircuitBreakers): void {
    if (this.#waiting.size === 0) return
    for (const waiter of this.#waiting) {
      if (breakers.active('connection') >= breakers.limits.maxConnections) return
      this.#waiting.delete(waiter)
      waiter.onSlotFree()
    }
  }
}
