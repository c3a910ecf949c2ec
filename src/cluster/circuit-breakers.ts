// Limits on what a cluster carries at once, per priority. A slot is taken before the work and given back after it; an
// open tunnel holds its request and connection slots for its whole life. Envoy: config.cluster.v3.CircuitBreakers.

import type { CircuitBreakers as Limits } from '../config/model/cluster.ts'
import { placeHint } from '../config/model/place.ts'
import type { Gauge, StatScope } from '../observe/stats/registry.ts'

/** What is counted. `pending` are requests that wait for a connection. */
export type BreakerKind = 'connection' | 'pending' | 'request' | 'retry'

interface Breaker {
  readonly field: string
  readonly limit: number
  /** 1 while no more is allowed. */
  readonly open: Gauge
  active: number
}

export class CircuitBreakers {
  readonly limits: Limits
  readonly #clusterName: string
  readonly #breakers: Readonly<Record<BreakerKind, Breaker>>

  /** `scope` is the cluster's; `priority` names the gauges. */
  constructor(clusterName: string, priority: 'default' | 'high', limits: Limits, scope: StatScope) {
    const gauges = scope.scope(`circuit_breakers.${priority}.`)
    this.limits = limits
    this.#clusterName = clusterName
    this.#breakers = {
      connection: breaker('max_connections', limits.maxConnections, gauges.gauge('cx_open')),
      pending: breaker('max_pending_requests', limits.maxPendingRequests, gauges.gauge('rq_pending_open')),
      request: breaker('max_requests', limits.maxRequests, gauges.gauge('rq_open')),
      retry: breaker('max_retries', limits.maxRetries, gauges.gauge('rq_retry_open')),
    }
  }

  /** Takes a slot; answers why not when the limit is reached. The caller counts the overflow under its statistic. */
  tryAcquire(kind: BreakerKind): string | undefined {
    const breaker = this.#breakers[kind]
    if (breaker.active >= breaker.limit) return this.#refusal(breaker)
    take(breaker)
    return undefined
  }

  /** Takes a slot even beyond the limit: the one connection a pool always may have (Envoy's rule, or requests starve). */
  acquire(kind: BreakerKind): void {
    take(this.#breakers[kind])
  }

  /** Gives a slot back; once per slot taken. */
  release(kind: BreakerKind): void {
    const breaker = this.#breakers[kind]
    if (breaker.active > 0) breaker.active--
    if (breaker.active < breaker.limit) breaker.open.value = 0
  }

  /** Slots taken. */
  active(kind: BreakerKind): number {
    return this.#breakers[kind].active
  }

  #refusal({ field, limit }: Breaker): string {
    const more =
      field === 'max_requests' || field === 'max_connections' ? '; open tunnels count for as long as they live' : ''
    return `circuit breaker ${field} of cluster "${this.#clusterName}" is reached: ${limit} (${placeHint(this.limits.place)})${more}`
  }
}

function breaker(field: string, limit: number, open: Gauge): Breaker {
  open.value = limit <= 0 ? 1 : 0
  return { field, limit, open, active: 0 }
}

function take(breaker: Breaker): void {
  breaker.active++
  if (breaker.active >= breaker.limit) breaker.open.value = 1
}
