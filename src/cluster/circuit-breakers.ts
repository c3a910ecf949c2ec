// Limits on what a cluster carries at once, per priority. A slot is taken before the work and given back after it; an
// open tunnel holds its request and connection slots for its whole life. Envoy: config.cluster.v3.CircuitBreakers.

import type { CircuitBreakers as Limits } from '../config/model/cluster.ts'
import { placeHint } from '../config/model/place.ts'
import type { Gauge, StatScope } from '../observe/stats/registry.ts'
import type { Endpoint } from './endpoint.ts'

/** What is counted. `pending` are requests that wait for a connection. */
export type BreakerKind = 'connection' | 'pending' | 'request' | 'retry'

interface Breaker {
  readonly kind: BreakerKind
  readonly field: string
  readonly limit: number
  /** 1 while no more is allowed. */
  readonly open: Gauge
  /** Slots that are left; only kept where track_remaining asks for it. */
  readonly remaining: Gauge | undefined
  active: number
}

/** Tunnels count for long, which people who size these limits for requests do not expect. */
const LONG_LIVED: ReadonlySet<BreakerKind> = new Set(['request', 'connection'])

export class CircuitBreakers {
  readonly limits: Limits
  readonly #clusterName: string
  readonly #priority: 'default' | 'high'
  readonly #breakers: Readonly<Record<BreakerKind, Breaker>>

  /** `scope` is the cluster's; `priority` names the gauges. */
  constructor(clusterName: string, priority: 'default' | 'high', limits: Limits, scope: StatScope) {
    const gauges = scope.scope(`circuit_breakers.${priority}.`)
    const { trackRemaining = false } = limits
    const make = (kind: BreakerKind, field: string, limit: number, open: string, remaining: string): Breaker =>
      breaker(kind, field, limit, gauges.gauge(open), trackRemaining ? gauges.gauge(remaining) : undefined)
    this.limits = limits
    this.#clusterName = clusterName
    this.#priority = priority
    this.#breakers = {
      connection: make('connection', 'max_connections', limits.maxConnections, 'cx_open', 'remaining_cx'),
      pending: make(
        'pending',
        'max_pending_requests',
        limits.maxPendingRequests,
        'rq_pending_open',
        'remaining_pending',
      ),
      request: make('request', 'max_requests', limits.maxRequests, 'rq_open', 'remaining_rq'),
      retry: make('retry', 'max_retries', limits.maxRetries, 'rq_retry_open', 'remaining_retries'),
    }
    if (limits.retryBudget !== undefined) this.#show(this.#breakers.retry)
  }

  /** Takes a slot; answers why not when the limit is reached. The caller counts the overflow under its statistic. */
  tryAcquire(kind: BreakerKind): string | undefined {
    const breaker = this.#breakers[kind]
    if (breaker.active >= this.#limit(breaker)) return this.#refusal(breaker)
    this.acquire(kind)
    return undefined
  }

  /** Takes a slot even beyond the limit: the one connection a pool always may have (Envoy's rule, or requests starve). */
  acquire(kind: BreakerKind): void {
    const breaker = this.#breakers[kind]
    breaker.active++
    this.#show(breaker)
  }

  /** Gives a slot back; once per slot taken. */
  release(kind: BreakerKind): void {
    const breaker = this.#breakers[kind]
    if (breaker.active > 0) breaker.active--
    this.#show(breaker)
  }

  /** Takes a slot for a connection to `endpoint`, which per_host_thresholds may limit, too. */
  tryConnect(endpoint: Endpoint): string | undefined {
    const { maxConnectionsPerEndpoint: most, place } = this.limits
    if (most !== undefined && endpoint.connections >= most)
      return (
        `circuit breaker per_host_thresholds max_connections${this.#ofPriority()} of cluster "${this.#clusterName}" is reached ` +
        `for endpoint ${endpoint.text}: ${most} (${placeHint(place)}); open tunnels count for as long as they live`
      )
    const refusal = this.tryAcquire('connection')
    if (refusal === undefined) endpoint.connections++
    return refusal
  }

  /** As `acquire`. */
  connect(endpoint: Endpoint): void {
    this.acquire('connection')
    endpoint.connections++
  }

  /** The connection is gone, or came to nothing. */
  disconnect(endpoint: Endpoint): void {
    this.release('connection')
    if (endpoint.connections > 0) endpoint.connections--
  }

  /** Slots taken. */
  active(kind: BreakerKind): number {
    return this.#breakers[kind].active
  }

  /** A retry budget grows and shrinks with the requests under way, which include those that wait for a connection. */
  #limit({ kind, limit }: Breaker): number {
    const { retryBudget: budget } = this.limits
    if (kind !== 'retry' || budget === undefined) return limit
    return Math.max(budget.minimum, Math.floor((this.#breakers.request.active * budget.percent) / 100))
  }

  #show(breaker: Breaker): void {
    const left = this.#limit(breaker) - breaker.active
    breaker.open.value = left <= 0 ? 1 : 0
    if (breaker.remaining !== undefined) breaker.remaining.value = Math.max(0, left)
  }

  #refusal(breaker: Breaker): string {
    const { retryBudget: budget, place } = this.limits
    const ofBudget = breaker.kind === 'retry' && budget !== undefined
    const field = ofBudget ? 'retry_budget' : breaker.field
    const sum = ofBudget ? ` (${budget.percent} % of the requests under way, at least ${budget.minimum})` : ''
    const more = LONG_LIVED.has(breaker.kind) ? '; open tunnels count for as long as they live' : ''
    return `circuit breaker ${field}${this.#ofPriority()} of cluster "${this.#clusterName}" is reached: ${this.#limit(breaker)}${sum} (${placeHint(place)})${more}`
  }

  #ofPriority(): string {
    return this.#priority === 'high' ? ' (priority HIGH)' : ''
  }
}

function breaker(kind: BreakerKind, field: string, limit: number, open: Gauge, remaining: Gauge | undefined): Breaker {
  open.value = limit <= 0 ? 1 : 0
  if (remaining !== undefined) remaining.value = limit
  return { kind, field, limit, open, remaining, active: 0 }
}
