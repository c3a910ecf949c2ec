// Tells when every slot of a cluster has had its first outcome, so that a server can wait before it accepts.

export class WarmUp {
  readonly done: Promise<void>
  readonly #waiting: Set<number>
  readonly #finish: () => void

  constructor(slots: number) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.done = promise
    this.#finish = resolve
    this.#waiting = new Set(Array.from({ length: slots }, (_, slot) => slot))
    if (slots === 0) resolve()
  }

  /** The slot is known, well or ill. */
  settle(slot: number): void {
    this.#waiting.delete(slot)
    if (this.#waiting.size === 0) this.#finish()
  }

  /** Nobody will settle the rest. */
  finish(): void {
    this.#finish()
  }
}
