// One request or connection that waits for a name.

import { containFault } from '../../transport/fault.ts'
import type { ChosenAddresses } from '../discovery/dns-family.ts'

/** Why there is no address. `reason` is for people. */
export interface LookupFailure {
  readonly kind: 'failed' | 'timeout' | 'hosts-overflow' | 'pending-overflow' | 'stopped'
  readonly reason: string
}

/** Gets exactly one of the two calls, in a later turn than `lookup`. */
export interface NameWaiter {
  onResolved(addresses: ChosenAddresses): void
  onLookupFailed(failure: LookupFailure): void
}

export class Waiting {
  readonly #waiter: NameWaiter
  readonly #done: (waiting: Waiting) => void
  #over = false

  /** `done` is called once, when it was told or cancelled. */
  constructor(waiter: NameWaiter, done: (waiting: Waiting) => void) {
    this.#waiter = waiter
    this.#done = done
  }

  /** No call follows, not even of an outcome that others are being told. */
  cancel(): void {
    if (this.#over) return
    this.#over = true
    this.#done(this)
  }

  resolve(addresses: ChosenAddresses): void {
    this.#settle(() => this.#waiter.onResolved(addresses))
  }

  fail(failure: LookupFailure): void {
    this.#settle(() => this.#waiter.onLookupFailed(failure))
  }

  /** A fault of one waiter must not keep the outcome from the others. */
  #settle(tell: () => void): void {
    if (this.#over) return
    this.cancel()
    try {
      tell()
    } catch (error) {
      containFault(error)
    }
  }
}
