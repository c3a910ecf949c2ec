// The balancing of a living cluster: keeps the load balancer for the endpoints and health of now, and the counts of them. A
// change costs next to nothing; the balancer is made anew when the next endpoint is picked, however much changed until then.

import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import { DEFAULT_SPREAD } from '../../config/model/balancing.ts'
import type { Cluster } from '../../config/model/cluster.ts'
import type { StatScope } from '../../observe/stats/registry.ts'
import type { ClusterStats } from '../cluster-stats.ts'
import type { Endpoint } from '../endpoint.ts'
import { LoadBalancer, type LoadBalancerParts } from './load-balancer.ts'
import type { PickContext } from './picker.ts'
import { tableStats } from './table-stats.ts'

export interface ClusterBalancerTools {
  readonly clock: Clock
  readonly random: Random
  readonly stats: ClusterStats
  readonly scope: StatScope
}

/**
 * Milliseconds between two tables (RING_HASH, MAGLEV) for changes of health: one takes some milliseconds to make, and endpoints
 * that flap would have one made for each request. Envoy merges such changes as well (update_merge_window).
 */
const TABLE_MS = 100

/** Picks in search of an endpoint that is still fit, in a table made before the last changes. */
const STALE_REPICKS = 16

/** How an endpoint counts. */
type Standing = 'healthy' | 'degraded' | 'excluded' | 'unfit'

export class ClusterBalancer {
  readonly #parts: LoadBalancerParts
  readonly #slowStart: boolean
  readonly #clock: Clock
  readonly #stats: ClusterStats
  /** Members as they were last counted. */
  readonly #standings = new Map<Endpoint, Standing>()
  readonly #counts: Record<Standing, number> = { healthy: 0, degraded: 0, excluded: 0, unfit: 0 }
  #endpoints: readonly Endpoint[] = []
  #balancer: LoadBalancer | undefined
  /** Something changed since the balancer was made. */
  #stale = false
  /** The policy goes by a table. */
  readonly #slowToMake: boolean
  /** Clock time before which no other table is made for changes of health. */
  #keepUntilMs = 0

  constructor(cluster: Cluster, { clock, random, stats, scope }: ClusterBalancerTools) {
    const { balancing, spread } = cluster
    const tables = tableStats(balancing, scope)
    const onPanic = (): void => void stats.lbHealthyPanic.value++
    const parts = { balancing, spread, random, now: () => clock.now(), onPanic }
    this.#parts = tables === undefined ? parts : { ...parts, tables }
    this.#slowStart = 'slowStart' in balancing && balancing.slowStart !== undefined
    this.#slowToMake = tables !== undefined
    this.#clock = clock
    this.#stats = stats
  }

  /** Why `pick` had nobody, as far as it is not that all are unfit. */
  whyNobody({ strict }: PickContext): string | undefined {
    if (strict === true) return 'the endpoint that the request asks for is not among those that may be used now'
    const { failInPanic, panicThreshold } = this.#parts.spread ?? DEFAULT_SPREAD
    const usable = this.#counts.healthy + this.#counts.degraded
    if (!failInPanic || usable === 0) return undefined
    const percent = Math.round(panicThreshold * 100)
    return `only ${usable} of ${this.#endpoints.length} endpoints may be used, which is less than ${percent} % (fail_traffic_on_panic)`
  }

  /** Other members. */
  setMembers(endpoints: readonly Endpoint[]): void {
    const members = new Set(endpoints)
    for (const endpoint of this.#standings.keys()) {
      if (members.has(endpoint)) continue
      this.#count(endpoint, undefined)
    }
    this.#endpoints = endpoints
    for (const endpoint of endpoints) {
      if (!this.#standings.has(endpoint) && this.#slowStart) endpoint.health.healthySinceMs ??= this.#clock.now()
      this.#count(endpoint, standingOf(endpoint))
    }
    this.#stats.membershipTotal.value = endpoints.length
    this.#stale = true
    this.#keepUntilMs = 0
  }

  /** A member's health changed. */
  healthChanged(endpoint: Endpoint): void {
    if (this.#standings.has(endpoint)) this.#count(endpoint, standingOf(endpoint))
    this.#stale = true
  }

  /** undefined = nobody will do. */
  pick(context: PickContext): Endpoint | undefined {
    const balancer = this.#balancer
    if (balancer === undefined) return this.#renewed().pick(context)
    if (!this.#stale) return balancer.pick(context)
    if (!this.#slowToMake || this.#clock.now() >= this.#keepUntilMs) return this.#renewed().pick(context)
    return pickFit(balancer, context) ?? this.#renewed().pick(context)
  }

  #renewed(): LoadBalancer {
    this.#stale = false
    if (this.#slowToMake) this.#keepUntilMs = this.#clock.now() + TABLE_MS
    this.#balancer = new LoadBalancer(this.#parts, this.#endpoints, this.#balancer)
    return this.#balancer
  }

  /** `standing` undefined = it is a member no more. */
  #count(endpoint: Endpoint, standing: Standing | undefined): void {
    const before = this.#standings.get(endpoint)
    if (before === standing) return
    this.#add(before, -1)
    this.#add(standing, 1)
    if (standing === undefined) this.#standings.delete(endpoint)
    else this.#standings.set(endpoint, standing)
  }

  #add(standing: Standing | undefined, difference: number): void {
    if (standing === undefined) return
    this.#counts[standing] += difference
    const { membershipHealthy, membershipDegraded, membershipExcluded } = this.#stats
    membershipHealthy.value = this.#counts.healthy
    membershipDegraded.value = this.#counts.degraded
    membershipExcluded.value = this.#counts.excluded
  }
}

/** What `balancer`, which is not of today, picks that is fit today; undefined when it finds none. */
function pickFit(balancer: LoadBalancer, context: PickContext): Endpoint | undefined {
  const endpoint = balancer.pick(context)
  if (endpoint === undefined || isFit(endpoint) || isPanicking(balancer, endpoint)) return endpoint
  const { rejects } = context
  const another = balancer.pick({
    ...context,
    repicks: STALE_REPICKS,
    rejects: (other) => !isFit(other) || rejects?.(other) === true,
  })
  return another === undefined || !isFit(another) ? undefined : another
}

const isFit = ({ health }: Endpoint): boolean => health.state === 'healthy' || health.state === 'degraded'

/** Its priority takes endpoints as they are. */
const isPanicking = ({ load }: LoadBalancer, { config }: Endpoint): boolean => load.panic[config.priority] === true

function standingOf({ health }: Endpoint): Standing {
  if (health.flags.pendingActive) return 'excluded'
  return health.state === 'healthy' || health.state === 'degraded' ? health.state : 'unfit'
}
