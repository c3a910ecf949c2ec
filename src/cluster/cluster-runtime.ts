// A cluster at work: its endpoints as discovery reports them, the picker over them, circuit breakers and statistics. The
// pools of upstream/ belong to endpoints; this decides which endpoint a request goes to.

import type { Clock } from '../core/clock.ts'
import { FIRST_HEALTH_ROUND_MS } from '../core/limits.ts'
import type { Random } from '../core/random.ts'
import type { Cluster, EndpointConfig } from '../config/model/cluster.ts'
import { readHost } from '../config/model/host-name.ts'
import { placeHint } from '../config/model/place.ts'
import type { StatRegistry, StatScope } from '../observe/stats/registry.ts'
import { ClusterBalancer } from './balance/cluster-balancer.ts'
import { FIRST_TRY, type PickContext } from './balance/picker.ts'
import { CircuitBreakers } from './circuit-breakers.ts'
import { clusterScope, clusterStats, type ClusterStats } from './cluster-stats.ts'
import type { EndpointsOnDemand } from './demand/endpoints-on-demand.ts'
import { NamedTargets } from './demand/named-targets.ts'
import { OriginalDestinations } from './demand/original-destinations.ts'
import { discover, type Discovery, type DiscoveryListener } from './discovery/discover.ts'
import type { DnsResolver } from './discovery/dns-resolver.ts'
import { type EndpointAddresses, EndpointSet } from './discovery/endpoint-set.ts'
import { DnsCaches } from './dns-cache/dns-caches.ts'
import type { Endpoint } from './endpoint.ts'
import { ClusterHealth, type HealthCheckTools } from './health/cluster-health.ts'
import { none, type NoEndpoint } from './no-endpoint.ts'
import { OutlierDetector } from './outlier/outlier-detector.ts'
import { OwnListeners } from './own-listeners.ts'
import { TargetJudge } from './target-policy.ts'
import type { Target } from './target.ts'
import { WarmUp } from './warm-up.ts'

export interface ClusterContext {
  readonly clock: Clock
  readonly random: Random
  readonly resolver: DnsResolver
  readonly registry: StatRegistry
  /** The server's; undefined = the cluster shares its cache with nobody. */
  readonly dnsCaches?: DnsCaches
  /** The server's, for target policies; undefined = none are known. */
  readonly ownListeners?: OwnListeners
  /** For active checks; undefined = none are made. */
  readonly healthChecks?: HealthCheckTools
}

export type { NoEndpoint } from './no-endpoint.ts'

/** Hears that an endpoint left: its idle connections can go, and the others when their work is done. */
export type EndpointRemovedListener = (endpoint: Endpoint) => void

/** Hears that an endpoint failed its active checks. It stays a member. */
export type EndpointFailedListener = (endpoint: Endpoint) => void

/** Milliseconds past connect_timeout in which a dial may still end. */
const DIAL_GRACE_MS = 1000

export class ClusterRuntime implements DiscoveryListener {
  readonly cluster: Cluster
  readonly stats: ClusterStats
  readonly breakers: { readonly default: CircuitBreakers; readonly high: CircuitBreakers }
  readonly #clock: Clock
  readonly #balancer: ClusterBalancer
  readonly #set: EndpointSet
  readonly #discovery: Discovery
  readonly #warmUp: WarmUp
  readonly #removedListeners = new Set<EndpointRemovedListener>()
  readonly #failedListeners = new Set<EndpointFailedListener>()
  readonly #health: ClusterHealth | undefined
  /** What the last lookup of a slot's name failed with; by slot. */
  readonly #failures = new Map<number, string>()
  /** Why the target policy refuses all addresses of a slot; by slot. */
  readonly #refusals = new Map<number, string>()
  readonly #judge: TargetJudge | undefined
  readonly #outliers: OutlierDetector | undefined
  /** Set when the endpoints are those that requests name. */
  readonly #demand: EndpointsOnDemand | undefined
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
    const { clock, random, resolver } = context
    this.#clock = clock
    this.#balancer = new ClusterBalancer(cluster, { clock, random, stats: this.stats, scope })
    this.#set = new EndpointSet(cluster.endpoints.length)
    this.#warmUp = new WarmUp(cluster.endpoints.length)
    const { targetPolicy: policy, outlierDetection } = cluster
    this.#outliers =
      outlierDetection === undefined ? undefined : new OutlierDetector(outlierDetection, { clock, random, scope })
    this.#judge = policy === undefined ? undefined : new TargetJudge(policy, context.ownListeners ?? new OwnListeners())
    this.#demand = this.#onDemand(context)
    this.#health = this.#activeChecks(context, scope)
    this.#discovery = discover(cluster, { clock, random, resolver, stats: this.stats }, this)
    this.#none = this.#whyNone()
  }

  /** Begins discovery. A static cluster is complete when this returns. */
  start(): void {
    this.#demand?.start()
    this.#starting = true
    this.#discovery.start()
    this.#starting = false
    this.#commit()
    this.#outliers?.start()
    this.#none = this.#whyNone()
  }

  /** Ends discovery; the endpoints stay as they are for what is still open. */
  stop(): void {
    this.#demand?.stop()
    this.#discovery.stop()
    this.#health?.stop()
    this.#outliers?.stop()
    this.#warmUp.finish()
  }

  /**
   * Fulfilled when every name was looked up once, and what it led to was checked once, well or ill; never rejected. Checks
   * whose endpoints count as healthy until they fail hold nobody up for longer than {@link FIRST_HEALTH_ROUND_MS}.
   */
  get warm(): Promise<void> {
    const health = this.#health
    const { done } = this.#warmUp
    return health === undefined ? done : done.then(() => this.#firstRound(health))
  }

  #firstRound(health: ClusterHealth): Promise<void> {
    if ((this.cluster.healthChecks ?? []).some(({ initial }) => initial === 'unhealthy')) return health.firstRound()
    const late = Promise.withResolvers<void>()
    const timer = this.#clock.after(FIRST_HEALTH_ROUND_MS, () => late.resolve())
    return Promise.race([health.firstRound(), late.promise]).finally(() => timer.cancel())
  }

  /** Milliseconds until an endpoint that fails its checks is checked again; undefined when none does. */
  get nextHealthCheckMs(): number | undefined {
    return this.#health?.nextCheckMs
  }

  /** An ordinary response of the endpoint asked to leave it alone: for its active checks, if it has any. */
  failPassively(endpoint: Endpoint, reason: string): void {
    this.#health?.failPassively(endpoint, reason)
  }

  /** Members, usable or not. */
  get endpoints(): readonly Endpoint[] {
    return this.#demand?.endpoints ?? this.#set.endpoints
  }

  /** The last failure of each name that failed last time it was looked up, as `name: reason`. */
  get lookupFailures(): readonly string[] {
    return [...this.#failures.values()]
  }

  /** The endpoint for a request. */
  pick(context: PickContext = FIRST_TRY): Endpoint | NoEndpoint {
    const picked = this.#demand === undefined ? this.#balance(context) : this.#pickDemanded(this.#demand, context)
    if (picked.kind === 'none') this.stats.upstreamCxNoneHealthy.value++
    return picked
  }

  /** Milliseconds until something happens that may give it an endpoint again; undefined when nothing is in sight. */
  get recoveryInMs(): number | undefined {
    const times = [this.nextHealthCheckMs, this.#outliers?.nextReturnMs, this.#discovery.nextTryMs].filter(
      (time) => time !== undefined,
    )
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** Why `target` would be refused whatever it resolves to; for filters, before they look it up. */
  refusalOf({ host, port }: Target): string | undefined {
    return host.kind === 'ip' ? this.#judge?.refusal('', host.ip, port) : this.#judge?.nameRefusal(host.name, port)
  }

  /** Calls `listener` for every endpoint that leaves, until the returned function is called. */
  onEndpointRemoved(listener: EndpointRemovedListener): () => void {
    this.#removedListeners.add(listener)
    return () => this.#removedListeners.delete(listener)
  }

  /** Calls `listener` for every endpoint that fails its active checks, until the returned function is called. */
  onEndpointFailed(listener: EndpointFailedListener): () => void {
    this.#failedListeners.add(listener)
    return () => this.#failedListeners.delete(listener)
  }

  onAddresses(slot: number, config: EndpointConfig, addresses: readonly EndpointAddresses[]): void {
    this.#failures.delete(slot)
    this.#update(slot, config, this.#permitted(slot, config, addresses))
    this.#none = this.#whyNone()
    this.#warmUp.settle(slot)
  }

  onFailure(slot: number, host: string, reason: string): void {
    this.#failures.set(slot, `${host}: ${reason}`)
    this.#none = this.#whyNone()
    this.#warmUp.settle(slot)
  }

  #activeChecks(context: ClusterContext, scope: StatScope): ClusterHealth | undefined {
    const { cluster, stats } = this
    const { clock, random, healthChecks } = context
    if (healthChecks === undefined || (cluster.healthChecks ?? []).length === 0) return undefined
    const onFailed = (endpoint: Endpoint): void => this.#failed(endpoint)
    return new ClusterHealth(cluster, { ...healthChecks, clock, random, scope, stats, onFailed })
  }

  #failed(endpoint: Endpoint): void {
    for (const listener of [...this.#failedListeners]) listener(endpoint)
    // Discovery may have dropped it while it still passed.
    this.#commit()
  }

  #onDemand(context: ClusterContext): EndpointsOnDemand | undefined {
    const { cluster, stats } = this
    const { clock } = context
    const tools = {
      clock,
      stats,
      dialMs: cluster.connectTimeoutMs + DIAL_GRACE_MS,
      onRemoved: (endpoint: Endpoint) => this.#tellRemoved(endpoint),
    }
    if (cluster.discovery === 'original-dst') return new OriginalDestinations(cluster, this.#judge, tools)
    if (cluster.discovery !== 'dynamic-forward-proxy') return undefined
    const { dnsCache } = cluster
    const caches = context.dnsCaches ?? new DnsCaches(context)
    return new NamedTargets(cluster, dnsCache === undefined ? undefined : caches.get(dnsCache), this.#judge, tools)
  }

  #balance(context: PickContext): Endpoint | NoEndpoint {
    const endpoint = this.#balancer.pick(context)
    if (endpoint === undefined) return this.#nobody(context)
    // The policy was asked when the addresses came; since then a listener may have been bound.
    const refusal = this.#judge?.judge(nameOf(endpoint.config), endpoint.addresses).refusal
    return refusal === undefined ? endpoint : none('target_not_allowed', refusal)
  }

  /** What the target policy leaves of a slot's endpoints. */
  #permitted(
    slot: number,
    config: EndpointConfig,
    addresses: readonly EndpointAddresses[],
  ): readonly EndpointAddresses[] {
    const judge = this.#judge
    this.#refusals.delete(slot)
    if (judge === undefined) return addresses
    return addresses.flatMap((list): EndpointAddresses[] => {
      const { permitted, refusal } = judge.judge(nameOf(config), list)
      const [first, ...others] = permitted
      if (refusal !== undefined) this.#refusals.set(slot, refusal)
      return first === undefined ? [] : [[first, ...others]]
    })
  }

  #nobody(context: PickContext): NoEndpoint {
    const reason = this.endpoints.length === 0 ? undefined : this.#balancer.whyNobody(context)
    if (reason === undefined) return this.#none
    return none('no_healthy_upstream', `cluster "${this.cluster.name}" (${placeHint(this.cluster.place)}): ${reason}`)
  }

  #update(slot: number, config: EndpointConfig, addresses: readonly EndpointAddresses[]): void {
    if (this.cluster.discovery === 'logical-dns' && this.#move(addresses)) return
    this.#set.update(slot, config, addresses)
    if (!this.#starting && !this.#commit()) this.stats.updateNoRebuild.value++
  }

  /** Whether anything changed. */
  #commit(): boolean {
    const { added, removed } = this.#set.commit((endpoint) => this.#health?.keeps(endpoint) === true)
    if (added.length === 0 && removed.length === 0) return false
    this.stats.membershipChange.value++
    for (const endpoint of added) {
      this.#health?.add(endpoint)
      endpoint.health.onChange = () => this.#balancer.healthChanged(endpoint)
      this.#outliers?.watch(endpoint)
    }
    for (const endpoint of removed) this.#health?.remove(endpoint)
    this.#balancer.setMembers(this.#set.endpoints)
    this.#none = this.#whyNone()
    for (const endpoint of removed) this.#tellRemoved(endpoint)
    return true
  }

  /** Endpoints that requests name come and go with them; one that was ejected is not replaced by another. */
  #pickDemanded(demand: EndpointsOnDemand, context: PickContext): Endpoint | NoEndpoint {
    const picked = demand.pick(context)
    if (picked.kind === 'none' || this.#outliers === undefined) return picked
    this.#outliers.watch(picked)
    if (picked.health.state !== 'unhealthy') return picked
    const { place } = this.cluster.outlierDetection ?? this.cluster
    return none('no_healthy_upstream', `${picked.text} is left out by outlier_detection (${placeHint(place)})`)
  }

  #tellRemoved(endpoint: Endpoint): void {
    this.#outliers?.forget(endpoint)
    for (const listener of [...this.#removedListeners]) listener(endpoint)
  }

  /** LOGICAL_DNS: the one endpoint stays itself and is dialled elsewhere from now on. */
  #move(addresses: readonly EndpointAddresses[]): boolean {
    const [endpoint] = this.#set.endpoints
    const [to] = addresses
    if (endpoint === undefined || to === undefined) return false
    endpoint.moveTo(to)
    return true
  }

  #whyNone(): NoEndpoint {
    const where = `cluster "${this.cluster.name}" (${placeHint(this.cluster.place)})`
    const count = this.endpoints.length
    if (count > 0)
      return none('no_healthy_upstream', `all ${count} endpoints of ${where} are marked unhealthy or draining`)
    const [refusal] = this.#refusals.values()
    if (refusal !== undefined)
      return none('target_not_allowed', `${where} has no address that may be dialled: ${refusal}`)
    const [failure] = this.#failures.values()
    if (failure !== undefined) return none('dns_resolution_failed', `${where} has no address: lookup of ${failure}`)
    if (this.cluster.endpoints.length === 0) return none('no_healthy_upstream', `${where} has no endpoints`)
    return none('no_healthy_upstream', `${where} has no address yet: its names are being looked up for the first time`)
  }
}

/** The name that an endpoint's addresses come from; '' when it is an address itself. */
function nameOf({ address }: EndpointConfig): string {
  const host = address.kind === 'socket' ? readHost(address.host) : undefined
  return host?.kind === 'name' ? host.name : ''
}
