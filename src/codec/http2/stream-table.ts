// The open streams of a connection by id. Ids of one side are consecutive odd numbers (RFC 9113 §5.1.1), so a ring of slots
// finds nearly all at once; see core/dense-set.ts for why it is no Map.

import type { Http2Stream } from './stream.ts'

const FIRST_SIZE = 16

const emptySlots = <T>(size: number): (T | undefined)[] => Array.from({ length: size }, () => undefined)

/** Things by `id`, which never changes while they are in it. */
export class StreamTable<T extends { readonly id: number } = Http2Stream> {
  #slots = emptySlots<T>(FIRST_SIZE)
  #mask = FIRST_SIZE - 1
  #size = 0

  get size(): number {
    return this.#size
  }

  get(id: number): T | undefined {
    let at = (id >>> 1) & this.#mask
    for (;;) {
      const stream = this.#slots[at]
      if (stream === undefined || stream.id === id) return stream
      at = (at + 1) & this.#mask
    }
  }

  /** `stream.id` must not be there yet. */
  add(stream: T): void {
    // Half full at most, so that a probe is short even when tunnels of all ages stay.
    if ((this.#size + 1) * 2 > this.#slots.length) this.#grow()
    this.#place(stream)
    this.#size++
  }

  /** Tells whether it was there. */
  delete(id: number): boolean {
    let at = (id >>> 1) & this.#mask
    for (;;) {
      const stream = this.#slots[at]
      if (stream === undefined) return false
      if (stream.id === id) break
      at = (at + 1) & this.#mask
    }
    this.#slots[at] = undefined
    this.#size--
    this.#closeGap(at)
    return true
  }

  /** A copy, so that streams may close while it is walked. */
  snapshot(): T[] {
    return this.#slots.filter((stream) => stream !== undefined)
  }

  #place(stream: T): void {
    let at = (stream.id >>> 1) & this.#mask
    while (this.#slots[at] !== undefined) at = (at + 1) & this.#mask
    this.#slots[at] = stream
  }

  /** Moves up what probed past the freed slot, so that no search ends there early. */
  #closeGap(gap: number): void {
    let at = (gap + 1) & this.#mask
    for (let stream = this.#slots[at]; stream !== undefined; stream = this.#slots[at]) {
      this.#slots[at] = undefined
      this.#place(stream)
      at = (at + 1) & this.#mask
    }
  }

  #grow(): void {
    const streams = this.snapshot()
    const size = this.#slots.length * 2
    this.#slots = emptySlots<T>(size)
    this.#mask = size - 1
    for (const stream of streams) this.#place(stream)
  }
}
