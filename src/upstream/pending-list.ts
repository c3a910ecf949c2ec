// The requests that wait for a connection, oldest first. A chain of its own links instead of a Set: one that churns while it
// is never empty leaves dead tables behind, which keep whole requests alive (see core/dense-set.ts).

/** A thing that can wait in one list at a time. The list owns both fields. */
export interface Waiting<T> {
  before: T | undefined
  behind: T | undefined
}

/** First in, first out, with removal from anywhere. */
export class PendingList<T extends Waiting<T>> {
  size = 0
  first: T | undefined
  #last: T | undefined

  add(item: T): void {
    item.before = this.#last
    if (this.#last === undefined) this.first = item
    else this.#last.behind = item
    this.#last = item
    this.size++
  }

  /** `item` must be in this list. */
  delete(item: T): void {
    const { before, behind } = item
    if (before === undefined) this.first = behind
    else before.behind = behind
    if (behind === undefined) this.#last = before
    else behind.before = before
    item.before = undefined
    item.behind = undefined
    this.size--
  }

  /** A copy, so that the list may change while it is walked. */
  snapshot(): T[] {
    const items: T[] = []
    for (let item = this.first; item !== undefined; item = item.behind) items.push(item)
    return items
  }
}
