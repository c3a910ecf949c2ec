// The pools of a cluster: by endpoint, then by what their connections have in common. Keys come from requests, so pools
// that are empty are forgotten: those of one client at once, the others when there are many.

import type { CloseCause } from '../core/close-cause.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { DiallerFactory } from './dial.ts'
import { EndpointPool } from './endpoint-pool.ts'
import type { PoolContext } from './pool-context.ts'
import type { PoolKeys } from './pool-key.ts'
import type { DialNeed } from './stream-need.ts'

/** Pools of one endpoint after which empty ones are looked for. */
const MANY_POOLS = 256

interface EndpointPools {
  readonly byKey: Map<string, EndpointPool>
  /** Size at which empty ones are looked for; doubles with those that are in use, so that looking stays rare. */
  sweepAt: number
}

export class PoolTable {
  readonly #context: PoolContext
  readonly #keys: PoolKeys
  readonly #diallers: DiallerFactory
  readonly #pools = new Map<Endpoint, EndpointPools>()

  constructor(context: PoolContext, keys: PoolKeys, diallers: DiallerFactory) {
    this.#context = context
    this.#keys = keys
    this.#diallers = diallers
  }

  /** Pools in all, empty ones included. */
  get size(): number {
    let size = 0
    for (const { byKey } of this.#pools.values()) size += byKey.size
    return size
  }

  /** The pool whose connections `need` can use. */
  poolFor(endpoint: Endpoint, need: DialNeed): EndpointPool {
    let pools = this.#pools.get(endpoint)
    if (pools === undefined) {
      pools = { byKey: new Map(), sweepAt: MANY_POOLS }
      this.#pools.set(endpoint, pools)
    }
    // As in Envoy each priority has connections of its own: those of the other one may be used up.
    const key = need.priority === 'high' ? `\0high ${this.#keys.keyFor(need)}` : this.#keys.keyFor(need)
    return pools.byKey.get(key) ?? this.#add(pools, key, endpoint, need)
  }

  drain(cause: CloseCause): void {
    for (const pool of this.#all()) pool.drain(cause)
  }

  close(cause: CloseCause): void {
    for (const pool of this.#all()) pool.close(cause)
  }

  drainEndpoint(endpoint: Endpoint, cause: CloseCause): void {
    for (const pool of [...(this.#pools.get(endpoint)?.byKey.values() ?? [])]) pool.drain(cause)
    this.#forgetRemoved(endpoint)
  }

  /** New streams to the endpoint get new connections. */
  retireEndpoint(endpoint: Endpoint, cause: CloseCause): void {
    for (const pool of [...(this.#pools.get(endpoint)?.byKey.values() ?? [])]) pool.retire(cause)
  }

  #add(pools: EndpointPools, key: string, endpoint: Endpoint, need: DialNeed): EndpointPool {
    const { byKey } = pools
    if (byKey.size >= pools.sweepAt) {
      for (const [name, pool] of byKey) if (pool.empty) byKey.delete(name)
      pools.sweepAt = Math.max(MANY_POOLS, 2 * byKey.size)
    }
    // An ordinary pool outlives the client that it was made for, and must not keep its connection.
    const downstream = this.#keys.ofClient ? need.downstream : undefined
    const purpose = { serverName: need.serverName, downstream, priority: need.priority }
    const pool = new EndpointPool(this.#context, endpoint, purpose, this.#diallers, () => {
      if (endpoint.removed) this.#forgetRemoved(endpoint)
      else if (this.#keys.perClient && byKey.get(key) === pool) byKey.delete(key)
    })
    byKey.set(key, pool)
    return pool
  }

  #forgetRemoved(endpoint: Endpoint): void {
    const pools = this.#pools.get(endpoint)
    if (pools === undefined) return
    for (const pool of pools.byKey.values()) if (!pool.empty) return
    this.#pools.delete(endpoint)
  }

  /** A copy: pools that become empty leave the table. */
  #all(): EndpointPool[] {
    return [...this.#pools.values()].flatMap(({ byKey }) => [...byKey.values()])
  }
}
