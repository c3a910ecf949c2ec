// A cluster at work: its endpoints as discovery reports them, the picker over them, circuit breakers and statistics. The
// pools of upstream/ belong to endpoints; this decides which endpoint a request goes to.

import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import type { Cluster, EndpointConfig } from '../config/model/cluster.ts'
import { placeHint } from '../config/model/place.ts'
import type { StatRegistry } from '../observe/stats/registry.ts'
import { makePicker } from './balance/make-picker.ts'
import { FIRST_TRY, type PickContext, type Picker } from './balance/picker.ts'
import { CircuitBreakers } from './circuit-breakers.ts'
import { clusterScope, clusterStats, type ClusterStats } from './cluster-stats.ts'
import { discover, type Discovery, type DiscoveryListener } from './discovery/discover.ts'
import type { DnsResolver } from './discovery/dns-resolver.ts'
import { type EndpointAddresses, EndpointSet } from './discovery/endpoint-set.ts'
import type { Endpoint } from './endpoint.ts'
import { WarmUp } from './warm-up.ts'

export interface ClusterContext {
  readonly clock: Clock
  readonly random: Random
  readonly resolver: DnsResolver
  readonly registry: StatRegistry
}

/** No endpoint can be used. `code` is the row of the error table, `reason` says why, for the operator. */
export interface NoEndpoint {
  readonly kind: 'none'
  readonly code: 'no_healthy_upstream' | 'dns_resolution_failed'
  readonly reason: string
}

/** Hears that an endpoint left: its idle connections can go, and the others when their work is done. */
export type EndpointRemovedListener = (endpoint: Endpoint) => void

/** Picks that are thrown away in search of an endpoint that was not tried. */
const REPICKS = 3

export class ClusterRuntime implements DiscoveryListener {
  readonly cluster: Cluster
  readonly stats: ClusterStats
  readonly breakers: { readonly default: CircuitBreakers; readonly high: CircuitBreakers }
  readonly #random: Random
  readonly #set: EndpointSet
  readonly #discovery: Discovery
  readonly #warmUp: WarmUp
  readonly #removedListeners = new Set<EndpointRemovedListener>()
  /** What the last lookup of a slot's name failed with; by slot. */
  readonly #failures = new Map<number, string>()
  #picker: Picker | undefined
  /** Known endpoints come one by one; they count as one change. */
  #starting = false
  #none: NoEndpoint

  constructor(cluster: Cluster, context: ClusterContext) {
    const scope = clusterScope(context.registry, cluster.statName)
    this.cluster = cluster
    this.stats = clusterStats(scope)
    this.breakers = {
      default: new CircuitBreakers(cluster.name, 'default', cluster.circuitBreakers.default, scope),
      high: new CircuitBreakers(cluster.name, 'high', cluster.circuitBreakers.high, scope),
    }
    this.#random = context.random
    this.#set = new EndpointSet(cluster.endpoints.length)
    this.#warmUp = new WarmUp(cluster.endpoints.length)
    const { clock, random, resolver } = context
    this.#discovery = discover(cluster, { clock, random, resolver, stats: this.stats }, this)
    this.#none = this.#whyNone()
  }

  /** Begins discovery. A static cluster is complete when this returns. */
  start(): void {
    this.#starting = true
    this.#discovery.start()
    this.#starting = false
    this.#commit()
    this.#none = this.#whyNone()
  }

  /** Ends discovery; the endpoints stay as they are for what is still open. */
  stop(): void {
    this.#discovery.stop()
    this.#warmUp.finish()
  }

  /** Fulfilled when every name was looked up once, well or ill; never rejected. */
  get warm(): Promise<void> {
    return this.#warmUp.done
  }

  /** Members, usable or not. */
  get endpoints(): readonly Endpoint[] {
    return this.#set.endpoints
  }

  /** The last failure of each name that failed last time it was looked up, as `name: reason`. */
  get lookupFailures(): readonly string[] {
    return [...this.#failures.values()]
  }

  /** The endpoint for a request. */
  pick(context: PickContext = FIRST_TRY): Endpoint | NoEndpoint {
    const picker = this.#picker
    if (picker === undefined) {
      this.stats.upstreamCxNoneHealthy.value++
      return this.#none
    }
    const endpoint = picker.pick()
    return context.tried.length === 0 ? endpoint : this.#untried(picker, endpoint, context.tried)
  }

  /** Calls `listener` for every endpoint that leaves, until the returned function is called. */
  onEndpointRemoved(listener: EndpointRemovedListener): () => void {
    this.#removedListeners.add(listener)
    return () => this.#removedListeners.delete(listener)
  }

  onAddresses(slot: number, config: EndpointConfig, addresses: readonly EndpointAddresses[]): void {
    this.#failures.delete(slot)
    this.#update(slot, config, addresses)
    this.#warmUp.settle(slot)
  }

  onFailure(slot: number, host: string, reason: string): void {
    this.#failures.set(slot, `${host}: ${reason}`)
    this.#none = this.#whyNone()
    this.#warmUp.settle(slot)
  }

  #untried(picker: Picker, first: Endpoint, tried: readonly Endpoint[]): Endpoint {
    let endpoint = first
    for (let i = 0; i < REPICKS && tried.includes(endpoint); i++) endpoint = picker.pick()
    return endpoint
  }

  #update(slot: number, config: EndpointConfig, addresses: readonly EndpointAddresses[]): void {
    if (this.cluster.discovery === 'logical-dns' && this.#move(addresses)) return
    this.#set.update(slot, config, addresses)
    if (!this.#starting && !this.#commit()) this.stats.updateNoRebuild.value++
  }

  /** Whether anything changed. */
  #commit(): boolean {
    const { added, removed } = this.#set.commit()
    if (added.length === 0 && removed.length === 0) return false
    this.stats.membershipChange.value++
    this.#rebuild()
    for (const endpoint of removed) for (const listener of [...this.#removedListeners]) listener(endpoint)
    return true
  }

  /** LOGICAL_DNS: the one endpoint stays itself and is dialled elsewhere from now on. */
  #move(addresses: readonly EndpointAddresses[]): boolean {
    const [endpoint] = this.#set.endpoints
    const [to] = addresses
    if (endpoint === undefined || to === undefined) return false
    endpoint.moveTo(to)
    return true
  }

  #rebuild(): void {
    const { endpoints } = this
    this.#picker = makePicker(this.cluster.balancing, endpoints, this.#random)
    this.#none = this.#whyNone()
    this.stats.membershipTotal.value = endpoints.length
    this.stats.membershipHealthy.value = endpoints.filter(({ config }) => config.health === 'healthy').length
    this.stats.membershipDegraded.value = endpoints.filter(({ config }) => config.health === 'degraded').length
  }

  #whyNone(): NoEndpoint {
    const where = `cluster "${this.cluster.name}" (${placeHint(this.cluster.place)})`
    const count = this.endpoints.length
    if (count > 0)
      return none('no_healthy_upstream', `all ${count} endpoints of ${where} are marked unhealthy or draining`)
    const [failure] = this.#failures.values()
    if (failure !== undefined) return none('dns_resolution_failed', `${where} has no address: lookup of ${failure}`)
    if (this.cluster.endpoints.length === 0) return none('no_healthy_upstream', `${where} has no endpoints`)
    return none('no_healthy_upstream', `${where} has no address yet: its names are being looked up for the first time`)
  }
}

const none = (code: NoEndpoint['code'], reason: string): NoEndpoint => ({ kind: 'none', code, reason })
