// A connection that belongs to whoever asked for it: dialled, counted and handed over. Never pooled, never shared.

import { closeCause, type CloseCause } from '../core/close-cause.ts'
import type { DenseItem } from '../core/dense-set.ts'
import { nextConnectionId } from '../core/ids.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { Dial } from '../transport/tcp.ts'
import { connectionClosed, connectionOpened } from './connection-counts.ts'
import type { Dialled, Dialler, DialFailure, DialTarget } from './dial.ts'
import { reportConnectFailure } from './outlier-report.ts'
import type { PoolContext } from './pool-context.ts'
import type { ConnectWaiter, DialNeed, RawConnection, Ticket, UpstreamFailure } from './stream-need.ts'

/** Keeps the connects that are under way. */
export interface RawConnectOwner {
  onRawConnectOver(connect: RawConnect): void
}

export class RawConnect implements Ticket, DialTarget, DenseItem {
  denseIndex = -1
  readonly #context: PoolContext
  readonly #endpoint: Endpoint
  readonly #priority: DialNeed['priority']
  readonly #waiter: ConnectWaiter
  readonly #owner: RawConnectOwner
  #dial: Dial | undefined
  #over = false

  constructor(
    context: PoolContext,
    endpoint: Endpoint,
    priority: DialNeed['priority'],
    waiter: ConnectWaiter,
    owner: RawConnectOwner,
  ) {
    this.#context = context
    this.#endpoint = endpoint
    this.#priority = priority
    this.#waiter = waiter
    this.#owner = owner
  }

  /** Takes the slots and dials; why not, when a circuit breaker is open. */
  start(dialler: Dialler): UpstreamFailure | undefined {
    const { stats } = this.#context
    const breakers = this.#context.breakers(this.#priority)
    // As in Envoy's tcp_proxy the limit holds even for the first connection: nobody queues for another one to end.
    const noConnection = breakers.tryConnect(this.#endpoint)
    if (noConnection !== undefined) {
      stats.upstreamCxOverflow.value++
      return this.#overflow(noConnection)
    }
    const noPending = breakers.tryAcquire('pending')
    if (noPending !== undefined) {
      stats.upstreamRqPendingOverflow.value++
      this.#context.releaseDial(this.#priority, this.#endpoint)
      return this.#overflow(noPending)
    }
    stats.upstreamRqPendingTotal.value++
    stats.upstreamRqPendingActive.value++
    this.#dial = dialler.dial(this)
    return undefined
  }

  cancel(): void {
    if (!this.#end()) return
    this.#context.stats.upstreamRqCancelled.value++
    this.#dial?.cancel()
    this.#context.releaseDial(this.#priority, this.#endpoint)
  }

  /** The cluster goes. */
  fail(cause: CloseCause): void {
    if (!this.#end()) return
    this.#dial?.cancel()
    this.#context.releaseDial(this.#priority, this.#endpoint)
    this.#refuse({ code: 'upstream_connection_failure', explanation: cause.detail, transportFailure: '', cause })
  }

  onDialled({ stream }: Dialled): void {
    if (!this.#end()) {
      stream.reset(closeCause('proxy', 'tcp', 'finished', 'the dial was given up'))
      return
    }
    const context = this.#context
    const endpoint = this.#endpoint
    const priority = this.#priority
    const openedMs = context.clock.now()
    connectionOpened(context.stats, endpoint)
    stream.setHighWater(context.cluster.bufferLimitBytes)
    endpoint.outlier?.localOrigin('session-success')
    let released = false
    const connection: RawConnection = {
      id: nextConnectionId(),
      endpoint,
      stream,
      release(cause) {
        if (released) return
        released = true
        connectionClosed(context.stats, endpoint, stream, context.clock.now() - openedMs, cause)
        context.releaseDial(priority, endpoint)
      },
    }
    this.#waiter.onConnected(connection)
  }

  onDialFailed(failure: DialFailure): void {
    if (!this.#end()) return
    this.#context.releaseDial(this.#priority, this.#endpoint)
    reportConnectFailure(this.#endpoint, failure.code)
    this.#refuse(failure)
  }

  #refuse(failure: DialFailure): void {
    this.#waiter.onConnectFailed({ ...failure, endpoint: this.#endpoint })
  }

  #overflow(explanation: string): UpstreamFailure {
    return {
      code: 'upstream_overflow',
      explanation,
      transportFailure: '',
      cause: undefined,
      endpoint: this.#endpoint,
    }
  }

  /** It waits no more; false when that was so before. */
  #end(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#context.breakers(this.#priority).release('pending')
    this.#context.stats.upstreamRqPendingActive.value--
    this.#owner.onRawConnectOver(this)
    return true
  }
}
