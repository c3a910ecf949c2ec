// Names that clients chose and their addresses, shared by the filters and clusters that name the cache. Envoy:
// extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig. Deviation: a name is kept once, not once per port.

import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { DnsCacheConfig } from '../../config/model/dns-cache.ts'
import { readHost } from '../../config/model/host-name.ts'
import { placeHint } from '../../config/model/place.ts'
import type { StatRegistry } from '../../observe/stats/registry.ts'
import type { ChosenAddresses } from '../discovery/dns-family.ts'
import type { DnsResolver } from '../discovery/dns-resolver.ts'
import { CachedName, type NameOwner } from './cached-name.ts'
import { dnsCacheStats, type DnsCacheStats } from './dns-cache-stats.ts'
import { type LookupFailure, type NameWaiter, Waiting } from './waiting.ts'

export interface DnsCacheContext {
  readonly clock: Clock
  readonly random: Random
  readonly resolver: DnsResolver
  readonly registry: StatRegistry
}

export type Lookup =
  | { readonly kind: 'resolved'; readonly addresses: ChosenAddresses }
  | { readonly kind: 'failed'; readonly failure: LookupFailure }
  | { readonly kind: 'waiting'; readonly ticket: LookupTicket }

/** A lookup that is under way. */
export interface LookupTicket {
  /** The outcome is no longer wanted; no call follows. */
  cancel(): void
}

/** Hears what becomes of names: clusters have endpoints of them. */
export interface DnsCacheListener {
  /** For the first time, or with other addresses than before. */
  onAddresses(host: string, addresses: ChosenAddresses): void
  onForgotten(host: string): void
}

export class DnsCache implements NameOwner {
  readonly config: DnsCacheConfig
  readonly stats: DnsCacheStats
  readonly #context: DnsCacheContext
  readonly #names = new Map<string, CachedName>()
  readonly #listeners = new Set<DnsCacheListener>()
  #pending = 0
  #started = false

  constructor(config: DnsCacheConfig, context: DnsCacheContext) {
    this.config = config
    this.#context = context
    this.stats = dnsCacheStats(context.registry, config.name)
  }

  /** Looks up the names that the configuration lists. Later calls do nothing. */
  start(): void {
    if (this.#started) return
    this.#started = true
    for (const { host } of this.config.preresolve) {
      const read = readHost(host)
      if (read.kind === 'name' && !this.#names.has(read.name)) this.#add(read.name)?.ask()
    }
  }

  /** Forgets everything; those who wait are told. */
  stop(): void {
    for (const name of [...this.#names.values()]) this.#remove(name, 'stopped', 'the proxy is stopping')
  }

  /**
   * The addresses of `host`: a name in its one spelling (see `readHost`), never an address. A waiter is called only when
   * the answer is `waiting`.
   */
  lookup(host: string, waiter: NameWaiter): Lookup {
    const known = this.#names.get(host)
    known?.touch()
    if (known?.addresses !== undefined) return { kind: 'resolved', addresses: known.addresses }
    if (known?.failure !== undefined && known.waiting.size === 0) return failed('failed', known.failure)
    if (this.#pending >= this.config.maxPendingRequests) return this.#pendingOverflow()
    const name = known ?? this.#add(host)
    if (name === undefined) return this.#hostsOverflow()
    return { kind: 'waiting', ticket: this.#wait(name, waiter) }
  }

  /** The addresses of a name that was looked up; asking counts as use. */
  addressesOf(host: string): ChosenAddresses | undefined {
    const name = this.#names.get(host)
    name?.touch()
    return name?.addresses
  }

  /** Calls `listener` from now on, until the returned function is called. */
  listen(listener: DnsCacheListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  onResolved(name: CachedName, changed: boolean): void {
    const { addresses } = name
    if (!changed || addresses === undefined) return
    for (const listener of [...this.#listeners]) listener.onAddresses(name.host, addresses)
  }

  onUseless(name: CachedName): void {
    this.#remove(name, 'failed', name.failure ?? 'the name was forgotten')
  }

  #wait(name: CachedName, waiter: NameWaiter): LookupTicket {
    const waiting = new Waiting(waiter, (over) => {
      name.waiting.delete(over)
      this.#count(-1)
    })
    this.#count(1)
    name.waiting.add(waiting)
    name.ask()
    return waiting
  }

  /** undefined when there is no room. */
  #add(host: string): CachedName | undefined {
    if (this.#names.size >= this.config.maxHosts && !this.#makeRoom()) return undefined
    const { clock, random, resolver } = this.#context
    const name = new CachedName(host, { config: this.config, clock, random, resolver, stats: this.stats }, this)
    this.#names.set(host, name)
    this.stats.hostAdded.value++
    this.stats.hosts.value = this.#names.size
    return name
  }

  /** Names that never resolved make room for others, the oldest first: they cost nobody anything. */
  #makeRoom(): boolean {
    for (const name of this.#names.values()) {
      if (!name.worthless) continue
      this.#remove(name, 'failed', 'the cache is full')
      return true
    }
    return false
  }

  #remove(name: CachedName, kind: LookupFailure['kind'], reason: string): void {
    if (this.#names.get(name.host) !== name) return
    this.#names.delete(name.host)
    name.forget()
    this.stats.hostRemoved.value++
    this.stats.hosts.value = this.#names.size
    for (const waiting of [...name.waiting]) waiting.fail({ kind, reason })
    if (name.addresses === undefined) return
    for (const listener of [...this.#listeners]) listener.onForgotten(name.host)
  }

  #count(change: 1 | -1): void {
    this.#pending += change
    this.stats.pendingOpen.value = this.#pending >= this.config.maxPendingRequests ? 1 : 0
  }

  #pendingOverflow(): Lookup {
    this.stats.pendingOverflow.value++
    const { maxPendingRequests, name } = this.config
    const reason = `${maxPendingRequests} requests wait for names already (dns_cache_circuit_breaker.max_pending_requests of ${this.#where(name)})`
    return failed('pending-overflow', reason)
  }

  #hostsOverflow(): Lookup {
    this.stats.hostOverflow.value++
    const { maxHosts, name } = this.config
    return failed('hosts-overflow', `it holds ${maxHosts} names already (max_hosts of ${this.#where(name)})`)
  }

  #where(name: string): string {
    return `DNS cache "${name}", ${placeHint(this.config.place)}`
  }
}

const failed = (kind: LookupFailure['kind'], reason: string): Lookup => ({ kind: 'failed', failure: { kind, reason } })
