// Endpoints that come to be when they are asked for and go when nobody uses them: the members of original-dst and
// dynamic-forward-proxy clusters. Bounded: a full set first gives up what is not in use.

import type { Clock, Timer } from '../../core/clock.ts'
import { DEMANDED_ENDPOINTS } from '../../core/limits.ts'
import type { ClusterStats } from '../cluster-stats.ts'
import type { Endpoint } from '../endpoint.ts'

export interface DemandSetTools {
  readonly clock: Clock
  readonly stats: ClusterStats
  /** Milliseconds after which an endpoint that was not asked for, and has nothing open, goes. */
  readonly unusedMs: number
  /** Milliseconds in which an endpoint that was asked for may still be dialled; it stays so long even in a full set. */
  readonly dialMs: number
  onRemoved(endpoint: Endpoint): void
}

interface Member {
  readonly endpoint: Endpoint
  askedMs: number
}

/** Room is made for so many at once, so that a full set is not walked for every newcomer. */
const ROOM = 64
/** Longest wait at once: a timer must fit in 31 bits. */
const LONGEST_MS = 7 * 24 * 3600 * 1000

export class DemandSet {
  readonly #tools: DemandSetTools
  readonly #limit: number
  /** The longest unasked first. */
  readonly #members = new Map<string, Member>()
  #list: readonly Endpoint[] | undefined = []
  #sweep: Timer | undefined

  constructor(tools: DemandSetTools, limit: number = DEMANDED_ENDPOINTS) {
    this.#tools = tools
    this.#limit = limit
  }

  /** All members. */
  get endpoints(): readonly Endpoint[] {
    this.#list ??= [...this.#members.values()].map(({ endpoint }) => endpoint)
    return this.#list
  }

  /** The member of that key, which counts as asked for. */
  get(key: string): Endpoint | undefined {
    const member = this.#members.get(key)
    if (member === undefined) return undefined
    member.askedMs = this.#tools.clock.now()
    this.#members.delete(key)
    this.#members.set(key, member)
    return member.endpoint
  }

  /** The member of that key, which does not count as asked for. */
  peek(key: string): Endpoint | undefined {
    return this.#members.get(key)?.endpoint
  }

  /** Takes a member in; false when there is no room. */
  add(key: string, endpoint: Endpoint): boolean {
    if (this.#members.size >= this.#limit && !this.#makeRoom()) return false
    this.#members.set(key, { endpoint, askedMs: this.#tools.clock.now() })
    this.#changed()
    this.#sweep ??= this.#sweepLater()
    return true
  }

  remove(key: string): void {
    const member = this.#members.get(key)
    if (member === undefined) return
    this.#members.delete(key)
    this.#changed()
    member.endpoint.markRemoved()
    this.#tools.onRemoved(member.endpoint)
  }

  /** Ends the sweeping; the members stay as they are for what is still open. */
  stop(): void {
    this.#sweep?.cancel()
    this.#sweep = undefined
  }

  #sweepLater(): Timer {
    const { clock, unusedMs, dialMs } = this.#tools
    return clock.after(Math.min(unusedMs, LONGEST_MS), () => {
      this.#removeUnused(clock.now() - Math.max(unusedMs, dialMs), Infinity)
      this.#sweep = this.#members.size > 0 ? this.#sweepLater() : undefined
    })
  }

  #makeRoom(): boolean {
    const { clock, dialMs } = this.#tools
    this.#removeUnused(clock.now() - dialMs, ROOM)
    return this.#members.size < this.#limit
  }

  /** Removes what was last asked for at `beforeMs` or earlier and has nothing open. */
  #removeUnused(beforeMs: number, atMost: number): void {
    let removed = 0
    for (const [key, { endpoint, askedMs }] of this.#members) {
      // They are in the order in which they were asked for.
      if (askedMs > beforeMs || removed >= atMost) return
      if (endpoint.stats.cxActive > 0 || endpoint.stats.rqActive > 0) continue
      this.remove(key)
      removed++
    }
  }

  #changed(): void {
    this.#list = undefined
    const { stats } = this.#tools
    stats.membershipChange.value++
    stats.membershipTotal.value = this.#members.size
    stats.membershipHealthy.value = this.#members.size
  }
}
