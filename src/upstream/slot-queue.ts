// Lanes that found no free connection slot (max_connections) and have requests waiting: told, oldest first, when one frees.

import type { CircuitBreakers } from '../cluster/circuit-breakers.ts'
import type { Endpoint } from '../cluster/endpoint.ts'

export interface SlotWaiter {
  readonly endpoint: Endpoint
  /** Whose circuit breakers its connections count against. */
  readonly priority: 'default' | 'high'
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
    // A copy: one whose endpoint has a limit of its own is refused again, and must not be asked for ever.
    for (const waiter of [...this.#waiting]) {
      if (breakers.active('connection') >= breakers.limits.maxConnections) return
      this.#waiting.delete(waiter)
      waiter.onSlotFree()
    }
  }
}
