// Earliest deadline first: picks in proportion to weights that may change from pick to pick, spread evenly instead of in
// bursts. Each pick costs the logarithm of the number of items.

interface Entry<T> {
  readonly item: T
  deadline: number
  /** Breaks ties: who came first. */
  turn: number
}

export class EdfQueue<T> {
  readonly #heap: Entry<T>[]
  readonly #weightOf: (item: T) => number
  #turn: number

  /** `weightOf` must be over 0; it is asked whenever an item is put back. */
  constructor(items: readonly T[], weightOf: (item: T) => number) {
    this.#weightOf = weightOf
    this.#heap = items.map((item, turn) => ({ item, deadline: 1 / weightOf(item), turn }))
    this.#turn = items.length
    for (let at = (items.length >> 1) - 1; at >= 0; at--) this.#sink(at)
  }

  /** undefined only when there are no items. */
  pick(): T | undefined {
    const [first] = this.#heap
    if (first === undefined) return undefined
    first.deadline += 1 / this.#weightOf(first.item)
    first.turn = this.#turn++
    this.#sink(0)
    return first.item
  }

  #sink(from: number): void {
    const heap = this.#heap
    const entry = heap[from]
    if (entry === undefined) return
    let at = from
    for (;;) {
      const left = 2 * at + 1
      const right = left + 1
      const child = before(heap[right], heap[left]) ? right : left
      const next = heap[child]
      if (next === undefined || !before(next, entry)) break
      heap[at] = next
      at = child
    }
    heap[at] = entry
  }
}

function before<T>(one: Entry<T> | undefined, other: Entry<T> | undefined): boolean {
  if (one === undefined || other === undefined) return false
  return one.deadline < other.deadline || (one.deadline === other.deadline && one.turn < other.turn)
}
