// How a cluster chooses: the endpoint that an affinity asks for, else a priority by load, a locality by weight, and there
// the picker of the balancing policy. One is a snapshot of endpoints and their health: a change makes another one.

import { type Balancing, DEFAULT_SPREAD, type LoadSpread } from '../../config/model/balancing.ts'
import type { Endpoint } from '../endpoint.ts'
import { EdfQueue } from './edf-queue.ts'
import { weightedLocalities } from './localities.ts'
import { goesByHash, makePicker, type TableListener } from './make-picker.ts'
import type { PickContext, Picker, PickerTools } from './picker.ts'
import { type PriorityLoad, priorityLoad } from './priority-load.ts'
import { healthOf, type HealthClass, type PriorityMembers, sortByPriority } from './priority-set.ts'

/** Picks that are thrown away in search of an endpoint that was not tried, unless the request says how many. */
const REPICKS = 3

export interface LoadBalancerParts extends PickerTools {
  readonly balancing: Balancing
  /** undefined = Envoy's defaults. */
  readonly spread: LoadSpread | undefined
  readonly tables?: TableListener
  /** A pick fell on a priority in panic. */
  readonly onPanic?: () => void
}

/** A picker and the endpoints it was made of. */
interface KeptPicker {
  readonly endpoints: readonly Endpoint[]
  readonly picker: Picker | undefined
}

export class LoadBalancer {
  readonly #parts: LoadBalancerParts
  readonly #spread: LoadSpread
  readonly #byHash: boolean
  readonly #endpoints: readonly Endpoint[]
  readonly #priorities: readonly PriorityMembers[]
  readonly #load: PriorityLoad
  /** Made when they are first needed. */
  readonly #pickers = new Map<string, Picker | undefined>()
  readonly #flat: Map<string, KeptPicker>
  readonly #kept = new Map<string, KeptPicker>()
  #byText: Map<string, Endpoint> | undefined

  /** `previous`: what of it has the same endpoints goes on where it was. */
  constructor(parts: LoadBalancerParts, endpoints: readonly Endpoint[], previous?: LoadBalancer) {
    this.#parts = parts
    this.#spread = parts.spread ?? DEFAULT_SPREAD
    this.#byHash = goesByHash(parts.balancing)
    this.#endpoints = endpoints
    this.#priorities = sortByPriority(endpoints)
    this.#load = priorityLoad(
      this.#priorities.map((members) => healthOf(members, this.#spread)),
      this.#spread,
    )
    this.#flat = previous === undefined ? new Map<string, KeptPicker>() : previous.#kept
  }

  /** Loads by priority, for tests and admin pages. */
  get load(): PriorityLoad {
    return this.#load
  }

  /** undefined: nobody is fit, or nobody but the preferred one would do and it is not. */
  pick(context: PickContext): Endpoint | undefined {
    const { preferred, strict, tried } = context
    if (preferred !== undefined && (strict === true || tried.length === 0)) {
      const endpoint = this.#named(preferred)
      if (endpoint !== undefined) return endpoint
    }
    if (strict === true) return undefined
    const first = this.#pickOnce(context, 0)
    return first === undefined || !unwanted(context, first) ? first : this.#pickAnother(context, first)
  }

  #pickAnother(context: PickContext, first: Endpoint): Endpoint {
    let endpoint = first
    const repicks = context.repicks ?? REPICKS
    for (let attempt = 1; attempt <= repicks && unwanted(context, endpoint); attempt++) {
      endpoint = this.#pickOnce(context, attempt) ?? endpoint
    }
    return context.tried.includes(endpoint) ? this.#untried(context, endpoint) : endpoint
  }

  /** Chance, or the hash, met tried ones only: any other of the same priority is better than those. */
  #untried(context: PickContext, endpoint: Endpoint): Endpoint {
    const priority = endpoint.config.priority
    const { healthy = [], degraded = [], all = [] } = this.#priorities[priority] ?? {}
    const fit = this.#load.panic[priority] === true ? all : healthy.includes(endpoint) ? healthy : degraded
    const others = fit.filter((other) => !unwanted(context, other))
    return others[Math.floor(this.#parts.random() * others.length)] ?? endpoint
  }

  /** The endpoint with that address, while it is fit for use. */
  #named(text: string): Endpoint | undefined {
    this.#byText ??= new Map(this.#endpoints.map((endpoint) => [endpoint.text, endpoint]))
    const endpoint = this.#byText.get(text)
    if (endpoint === undefined || endpoint.text !== text) return undefined
    const { state } = endpoint.health
    return state === 'healthy' || state === 'degraded' ? endpoint : undefined
  }

  #pickOnce({ hash, triedPriorities }: PickContext, attempt: number): Endpoint | undefined {
    const load = triedPriorities === undefined ? this.#load : this.#loadWithout(triedPriorities)
    const chosen = this.#choosePriority(hash, load)
    if (load.panic[chosen.priority] === true) {
      this.#parts.onPanic?.()
      if (this.#spread.failInPanic) return undefined
      return this.#picker(chosen.priority, 'all')?.pick(hash, attempt)
    }
    return this.#picker(chosen.priority, chosen.health)?.pick(hash, attempt)
  }

  /** The loads as if nobody were fit in these priorities; as they are when nobody is left then. */
  #loadWithout(tried: readonly number[]): PriorityLoad {
    const none = { healthy: 0, degraded: 0 }
    const load = priorityLoad(
      this.#priorities.map((members, priority) => {
        const health = healthOf(members, this.#spread)
        if (!tried.includes(priority)) return health
        return { ...health, ...none, members: 0, counted: { ...health.counted, ...none } }
      }),
      this.#spread,
    )
    const left = tried.reduce(
      (sum, priority) => sum - (load.healthy[priority] ?? 0) - (load.degraded[priority] ?? 0),
      100,
    )
    return left > 0 ? load : this.#load
  }

  /** Of a cluster that goes by hashes, a request has one and the same priority as long as the loads stay. */
  #choosePriority(
    hash: bigint | undefined,
    { healthy, degraded }: PriorityLoad,
  ): { readonly priority: number; readonly health: HealthClass } {
    if (healthy[0] === 100) return FIRST
    const byHash = this.#byHash && hash !== undefined
    let left = byHash ? Number(hash % 100n) : Math.floor(this.#parts.random() * 100)
    for (const [priority, load] of healthy.entries()) {
      if (left < load) return { priority, health: 'healthy' }
      left -= load
    }
    for (const [priority, load] of degraded.entries()) {
      if (left < load) return { priority, health: 'degraded' }
      left -= load
    }
    return FIRST
  }

  #picker(priority: number, health: HealthClass): Picker | undefined {
    const key = `${priority} ${health}`
    if (this.#pickers.has(key)) return this.#pickers.get(key)
    const picker = this.#makePicker(key, priority, health)
    this.#pickers.set(key, picker)
    return picker
  }

  #makePicker(key: string, priority: number, health: HealthClass): Picker | undefined {
    const members = this.#priorities[priority]
    if (members === undefined) return undefined
    const endpoints = members[health]
    // In panic localities do not count: their weights were given for a world in order.
    if (this.#spread.localityWeighted && !this.#byHash && health !== 'all') {
      const localities = weightedLocalities(members.all, endpoints, this.#spread.overprovisioning)
      const parts = localities.flatMap(({ endpoints: own, weight }, index) => {
        const picker = this.#keep(`${key} ${index}`, own)
        return picker === undefined ? [] : [{ picker, weight }]
      })
      if (parts.length > 0) return new LocalityPicker(parts)
    }
    return this.#keep(key, endpoints)
  }

  /** The picker of the snapshot before when it has the same endpoints, in their order: it goes on where it was. */
  #keep(key: string, endpoints: readonly Endpoint[]): Picker | undefined {
    const old = this.#flat.get(key)
    const { balancing, tables } = this.#parts
    const kept =
      old !== undefined && sameEndpoints(old.endpoints, endpoints)
        ? old
        : { endpoints, picker: makePicker(balancing, endpoints, this.#spread, this.#parts, tables) }
    this.#kept.set(key, kept)
    return kept.picker
  }
}

const FIRST = { priority: 0, health: 'healthy' } as const

const unwanted = ({ tried, rejects }: PickContext, endpoint: Endpoint): boolean =>
  tried.includes(endpoint) || rejects?.(endpoint) === true

const sameEndpoints = (one: readonly Endpoint[], other: readonly Endpoint[]): boolean =>
  one.length === other.length && one.every((endpoint, index) => endpoint === other[index])

/** Localities in turn, as often as they weigh. */
class LocalityPicker implements Picker {
  readonly #first: Picker
  readonly #queue: EdfQueue<{ readonly picker: Picker; readonly weight: number }>

  constructor(parts: readonly { readonly picker: Picker; readonly weight: number }[]) {
    const [first] = parts
    if (first === undefined) throw new Error('no localities')
    this.#first = first.picker
    this.#queue = new EdfQueue(parts, ({ weight }) => weight)
  }

  pick(hash?: bigint, attempt?: number): Endpoint {
    return (this.#queue.pick()?.picker ?? this.#first).pick(hash, attempt)
  }
}
