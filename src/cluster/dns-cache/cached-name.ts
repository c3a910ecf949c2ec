// One name of a DNS cache: asked for once however many wait, asked again before its answer grows old, forgotten when nobody
// used it for long. A failure keeps the last good answer.

import type { Clock, Timer } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { DnsCacheConfig } from '../../config/model/dns-cache.ts'
import { type ChosenAddresses, chooseAddresses, familiesToAsk } from '../discovery/dns-family.ts'
import { reasonOf } from '../discovery/dns-reason.ts'
import type { DnsAnswer, DnsResolver } from '../discovery/dns-resolver.ts'
import type { DnsCacheStats } from './dns-cache-stats.ts'
import type { LookupFailure, Waiting } from './waiting.ts'

/** First wait after a failed refresh; it doubles up to the refresh rate, and chance takes up to half of it away. */
const FAILURE_BASE_MS = 500
/** How long a name that never resolved is remembered: a storm of requests is one query a second. */
const NEGATIVE_MS = 1000
/** Longest wait at once: a timer must fit in 31 bits. */
const LONGEST_MS = 7 * 24 * 3600 * 1000

export interface CachedNameTools {
  readonly config: DnsCacheConfig
  readonly clock: Clock
  readonly random: Random
  readonly resolver: DnsResolver
  readonly stats: DnsCacheStats
}

/** The cache that a name belongs to. */
export interface NameOwner {
  onResolved(name: CachedName, changed: boolean): void
  /** The name is of no more use: nobody asked, or it never resolved. */
  onUseless(name: CachedName): void
}

export class CachedName {
  readonly host: string
  readonly waiting = new Set<Waiting>()
  readonly #tools: CachedNameTools
  readonly #owner: NameOwner
  #addresses: ChosenAddresses | undefined
  #failure: string | undefined
  #usedMs: number
  #asking = false
  #failures = 0
  /** Of the next query, or of forgetting. */
  #next: Timer | undefined
  /** Of the patience with the query that runs. */
  #patience: Timer | undefined
  #gone = false

  constructor(host: string, tools: CachedNameTools, owner: NameOwner) {
    this.host = host
    this.#tools = tools
    this.#owner = owner
    this.#usedMs = tools.clock.now()
  }

  /** The last good answer. */
  get addresses(): ChosenAddresses | undefined {
    return this.#addresses
  }

  /** Why the last query failed; undefined after a good one. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Nothing is lost with it: it never resolved, nobody waits, and no query runs that would be forgotten uncounted. */
  get worthless(): boolean {
    return this.#addresses === undefined && this.waiting.size === 0 && !this.#asking
  }

  /** Somebody wants it: it is kept for another host_ttl. */
  touch(): void {
    this.#usedMs = this.#tools.clock.now()
  }

  /** Asks, unless a query is under way; those in `waiting` hear the outcome. */
  ask(): void {
    if (!this.#asking) void this.#query()
    this.#patience ??= this.#startPatience()
  }

  /** Ends its timers; an answer that is on its way is dropped. */
  forget(): void {
    this.#gone = true
    this.#next?.cancel()
    this.#patience?.cancel()
  }

  async #query(): Promise<void> {
    const { config, resolver, stats } = this.#tools
    this.#asking = true
    this.#next?.cancel()
    stats.queryAttempt.value++
    let answers: readonly DnsAnswer[] = []
    let failure: string | undefined
    try {
      answers = await resolver.resolve(this.host, familiesToAsk(config.family), true)
    } catch (error) {
      failure = reasonOf(error)
    }
    this.#asking = false
    if (this.#gone) return
    this.#patience?.cancel()
    this.#patience = undefined
    const chosen = chooseAddresses(config.family, answers)
    if (chosen.use.length > 0) this.#succeed(chosen)
    else this.#fail(failure ?? (answers.length === 0 ? 'no addresses' : `no addresses of family ${config.family}`))
  }

  #succeed(chosen: ChosenAddresses): void {
    const { stats } = this.#tools
    const changed = this.#addresses === undefined || texts(this.#addresses) !== texts(chosen)
    stats.querySuccess.value++
    if (changed) stats.addressChanged.value++
    this.#addresses = chosen
    this.#failure = undefined
    this.#failures = 0
    this.#later(this.#refreshDelay(chosen.use))
    this.#owner.onResolved(this, changed)
    for (const waiting of [...this.waiting]) waiting.resolve(chosen)
  }

  #fail(reason: string): void {
    const { stats, config, random, clock } = this.#tools
    stats.queryFailure.value++
    this.#failure = reason
    if (this.#addresses === undefined) this.#next = clock.after(NEGATIVE_MS, () => this.#owner.onUseless(this))
    else {
      const grown = FAILURE_BASE_MS * 2 ** Math.min(this.#failures++, 16)
      this.#later(Math.min(config.refreshMs, grown) * (1 - random() / 2))
    }
    this.#tellFailure({ kind: 'failed', reason })
  }

  #startPatience(): Timer | undefined {
    const { config, clock } = this.#tools
    return config.queryTimeoutMs <= 0
      ? undefined
      : clock.after(Math.min(config.queryTimeoutMs, LONGEST_MS), () => this.#outOfPatience())
  }

  /** The query runs on: its late answer serves the next ones. */
  #outOfPatience(): void {
    const { stats, config } = this.#tools
    this.#patience = undefined
    stats.queryTimeout.value++
    this.#tellFailure({ kind: 'timeout', reason: `no answer within ${config.queryTimeoutMs} ms` })
  }

  /** Asks again after `delayMs`, or forgets when nobody uses the name until its host_ttl is over. */
  #later(delayMs: number): void {
    const { config, clock } = this.#tools
    const expiryMs = this.#usedMs + config.hostTtlMs - clock.now()
    if (expiryMs <= 0) {
      this.#owner.onUseless(this)
      return
    }
    const waitMs = Math.min(delayMs, expiryMs, LONGEST_MS)
    this.#next = clock.after(waitMs, () => {
      if (waitMs < delayMs) this.#later(delayMs - waitMs)
      else if (this.#usedMs + config.hostTtlMs <= clock.now()) this.#owner.onUseless(this)
      else this.ask()
    })
  }

  /** By the shortest lifetime of the addresses, where the resolver knows it. */
  #refreshDelay(used: readonly DnsAnswer[]): number {
    const { refreshMs, minRefreshMs } = this.#tools.config
    const ttl = used.reduce((least, answer) => Math.min(least, answer.ttlSeconds ?? Infinity), Infinity)
    return ttl === Infinity ? refreshMs : Math.max(minRefreshMs, ttl * 1000)
  }

  #tellFailure(failure: LookupFailure): void {
    for (const waiting of [...this.waiting]) waiting.fail(failure)
  }
}

const texts = ({ use, fallback }: ChosenAddresses): string =>
  [...use, ...fallback].map(({ address }) => address).join(' ')
