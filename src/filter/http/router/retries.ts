// The tries of one request that may have more than one: counts them, holds their slot of the circuit breaker, waits
// between them, and remembers where they went. Made only for requests with a retry policy. Envoy: RetryState.

import type { Timer } from '../../../core/clock.ts'
import type { Endpoint } from '../../../cluster/endpoint.ts'
import type { HeaderList } from '../../../codec/header-list.ts'
import type { ResponseHead } from '../../../codec/http-stream.ts'
import type { ClusterUpstream } from '../../../upstream/cluster-upstream.ts'
import type { DialNeed } from '../../../upstream/stream-need.ts'
import { avoidance } from './retry-avoidance.ts'
import { askedPauseMs, backoffMs } from './retry-backoff.ts'
import { retriesAnswer, retriesLoss, type Loss } from './retry-decision.ts'
import type { RetryPlan } from './retry-plan.ts'
import type { RouterTools } from './router-tools.ts'

/** `limit`: it would, but there were enough tries. `overflow`: but the cluster allows no more retries at once. */
export type RetryVerdict = 'no' | 'again' | 'limit' | 'overflow'

export class Retries {
  readonly #plan: RetryPlan
  readonly #upstream: ClusterUpstream
  readonly #priority: 'default' | 'high'
  readonly #tools: RouterTools
  readonly #tried: Endpoint[] = []
  #left: number
  #over = false
  #holdsSlot = false
  #timer: Timer | undefined
  #askedPauseMs: number | undefined

  constructor(plan: RetryPlan, upstream: ClusterUpstream, priority: 'default' | 'high', tools: RouterTools) {
    this.#plan = plan
    this.#upstream = upstream
    this.#priority = priority
    this.#tools = tools
    this.#left = plan.retries
  }

  /** Nothing that comes is retried any more: the request cannot be replayed, or the client has seen something of an answer. */
  get over(): boolean {
    return this.#over
  }

  /** The first try is over. */
  get retrying(): boolean {
    return this.#left < this.#plan.retries
  }

  /** What is asked of the endpoint of the next try. */
  get avoidance(): Pick<DialNeed, 'rejects' | 'repicks' | 'triedPriorities'> | undefined {
    return avoidance(this.#plan.policy, this.#tried)
  }

  /** A try went there. */
  attempted(endpoint: Endpoint): void {
    this.#tried.push(endpoint)
  }

  /** A final answer came that opens no tunnel. */
  onAnswer(head: ResponseHead): RetryVerdict {
    const wanted = !this.#over && retriesAnswer(this.#plan, head, this.#tools.headerPrefix)
    if (wanted) return this.#again(head.headers)
    this.succeeded()
    return 'no'
  }

  /** A try failed. */
  onLoss(loss: Loss): RetryVerdict {
    if (!this.#over && retriesLoss(this.#plan, loss)) return this.#again(undefined)
    this.stop()
    return 'no'
  }

  /** An answer goes to the client, or its tunnel opens. */
  succeeded(): void {
    if (this.#holdsSlot) this.#upstream.stats.upstreamRqRetrySuccess.value++
    this.stop()
  }

  /** No more retries; the try under way goes on. */
  stop(): void {
    this.#over = true
    this.#timer?.cancel()
    this.#releaseSlot()
  }

  /** Calls `go` when the next try is due. */
  wait(go: () => void): void {
    const { policy, retries } = this.#plan
    const { stats } = this.#upstream
    const random = this.#tools.random()
    const asked = this.#askedPauseMs
    this.#askedPauseMs = undefined
    if (asked === undefined) stats.upstreamRqRetryBackoffExponential.value++
    else stats.upstreamRqRetryBackoffRatelimited.value++
    const delayMs = asked ?? backoffMs(policy.backoff, retries - this.#left - 1, random)
    this.#timer = this.#tools.clock.after(delayMs, go)
  }

  #again(headers: HeaderList | undefined): RetryVerdict {
    const { stats } = this.#upstream
    this.#releaseSlot()
    if (this.#left === 0) {
      this.#over = true
      stats.upstreamRqRetryLimitExceeded.value++
      return 'limit'
    }
    this.#left--
    if (this.#upstream.breakers(this.#priority).tryAcquire('retry') !== undefined) {
      this.#over = true
      stats.upstreamRqRetryOverflow.value++
      return 'overflow'
    }
    this.#holdsSlot = true
    stats.upstreamRqRetry.value++
    if (headers !== undefined) this.#readPause(headers)
    return 'again'
  }

  #readPause(headers: HeaderList): void {
    const tools = this.#tools
    this.#askedPauseMs = askedPauseMs(this.#plan.policy, headers, tools.clock.wallNow(), tools.random())
  }

  #releaseSlot(): void {
    if (!this.#holdsSlot) return
    this.#holdsSlot = false
    this.#upstream.breakers(this.#priority).release('retry')
  }
}
