// The connections of one endpoint in one mode (HTTP/1.1, HTTP/2, or whichever ALPN agrees), and the requests that wait
// for one. HTTP/1.1 connections serve one stream at a time and idle on a stack; multiplexed ones are shared.

import type { CloseCause } from '../core/close-cause.ts'
import { DenseSet } from '../core/dense-set.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { Dialled, Dialler, DialFailure, DialTarget } from './dial.ts'
import { sharedDials, singleDials, undecided } from './lane-demand.ts'
import { failedBy, lostUnused, overflow } from './lane-failure.ts'
import { PendingList } from './pending-list.ts'
import { PendingStream } from './pending-stream.ts'
import type { SlotWaiter } from './slot-queue.ts'
import type { StreamNeed, StreamWaiter, Ticket, UpstreamFailure } from './stream-need.ts'
import { UpstreamConnection, type ConnectionOwner } from './upstream-connection.ts'
import type { PoolContext } from './pool-context.ts'

/** How a lane's connections come to their HTTP version. */
export type LaneMode = 'http1' | 'http2' | 'auto'

/** What a lane asks of the pool above it. */
export interface LaneOwner {
  /**
   * The connection speaks HTTP/2 without extended CONNECT, so this upgrade cannot use this lane. Takes the waiter to
   * another lane, or fails it.
   */
  onUpgradeRefused(need: StreamNeed, waiter: StreamWaiter, endpoint: Endpoint): Ticket | undefined
  /** Nothing is open and nothing waits any more. */
  onLaneEmpty(): void
}

export class Lane implements ConnectionOwner, DialTarget, SlotWaiter {
  readonly endpoint: Endpoint
  readonly priority: 'default' | 'high'
  readonly #context: PoolContext
  readonly #mode: LaneMode
  readonly #dialler: Dialler
  readonly #owner: LaneOwner
  readonly #idle: UpstreamConnection[] = []
  readonly #shared: UpstreamConnection[] = []
  readonly #all = new DenseSet<UpstreamConnection>()
  readonly #pending = new PendingList<PendingStream>()
  #dialling = 0
  #draining = false
  /** What ALPN agreed last time; an `auto` lane dials as many connections as requests wait once it is HTTP/1.1. */
  #agreed: 'http1' | 'http2' | undefined
  /** Streams that one shared connection carries, as the last peer's SETTINGS said; undefined until any came. */
  #room: number | undefined
  /** preconnect_policy wants connections before there are requests for them. */
  readonly #anticipates: boolean

  constructor(
    context: PoolContext,
    endpoint: Endpoint,
    mode: LaneMode,
    priority: 'default' | 'high',
    dialler: Dialler,
    owner: LaneOwner,
  ) {
    this.priority = priority
    this.#context = context
    this.endpoint = endpoint
    this.#mode = mode
    this.#dialler = dialler
    this.#owner = owner
    this.#anticipates = context.cluster.preconnectRatio > 1
  }

  /** Nothing open, nothing waiting. */
  get empty(): boolean {
    return this.#all.size === 0 && this.#pending.size === 0 && this.#dialling === 0
  }

  acquire(need: StreamNeed, waiter: StreamWaiter): Ticket | undefined {
    const connection = this.#usable(need)
    if (connection !== undefined) {
      this.#hand(connection, waiter)
      if (this.#anticipates) this.#dialAsNeeded(true)
      return undefined
    }
    if (need.upgrade && this.#knownWithoutUpgrade()) return this.#owner.onUpgradeRefused(need, waiter, this.endpoint)
    const breakers = this.#context.breakers(need.priority)
    const refusal = breakers.tryAcquire('pending')
    if (refusal !== undefined) {
      this.#context.stats.upstreamRqPendingOverflow.value++
      waiter.onStreamFailed(overflow(refusal, this.endpoint))
      return undefined
    }
    const pending = new PendingStream(this, need, waiter)
    this.#pending.add(pending)
    this.#context.stats.upstreamRqPendingTotal.value++
    this.#context.stats.upstreamRqPendingActive.value++
    this.#dialAsNeeded(true)
    return pending
  }

  /** Takes a cancelled request off the list. A connection dialled for it stays for the next one. */
  forget(pending: PendingStream): void {
    if (!this.#settle(pending)) return
    this.#context.stats.upstreamRqCancelled.value++
    this.#tellWhenEmpty()
  }

  onSlotFree(): void {
    this.#dialAsNeeded()
  }

  /** No new streams; closes idle connections at once and the others when their streams end. */
  drain(cause: CloseCause): void {
    this.#draining = true
    for (const connection of this.#all.snapshot()) connection.drain(cause)
  }

  /** The connections of now serve no new streams; later ones are as ever. */
  retire(cause: CloseCause): void {
    for (const connection of this.#all.snapshot()) connection.drain(cause)
  }

  /** Ends everything now. */
  close(cause: CloseCause): void {
    this.#draining = true
    for (const pending of this.#pending.snapshot()) {
      if (this.#settle(pending)) pending.waiter.onStreamFailed(failedBy(cause, this.endpoint))
    }
    for (const connection of this.#all.snapshot()) connection.client.close(cause)
  }

  onConnectionAvailable(connection: UpstreamConnection): void {
    if (connection.multiplexed) this.#learn(connection)
    this.#serve(connection)
    if (this.#pending.size > 0) this.#dialAsNeeded()
    if (connection.multiplexed || connection.idle || connection.retired) return
    if (connection.client.availableStreams > 0) this.#park(connection)
  }

  onConnectionGone(connection: UpstreamConnection, cause: CloseCause): void {
    if (!this.#all.delete(connection)) return
    connection.idleDeadline?.cancel()
    removeFrom(this.#idle, connection)
    removeFrom(this.#shared, connection)
    this.#context.onConnectionClosed(connection, cause, this.priority)
    // A peer that speaks another protocol, or none, would be dialled again and again for those that wait for its SETTINGS.
    if (connection.multiplexed && connection.requests === 0) this.#failShared(lostUnused(cause, this.endpoint))
    else this.#dialAsNeeded()
    this.#tellWhenEmpty()
  }

  onDialled(dialled: Dialled): void {
    this.#dialling--
    const { stream, toProxy } = dialled
    const connection = new UpstreamConnection(this, this.endpoint, stream, this.#context.clock.now(), toProxy)
    const version = this.#mode === 'auto' ? dialled.version : this.#mode
    this.#agreed = version
    this.#all.add(connection)
    if (version === 'http2') this.#shared.push(connection)
    this.#context.attachCodec(connection, version)
    if (this.#draining) {
      connection.drain()
      return
    }
    // HTTP/2 may refuse streams until its SETTINGS came; then the codec calls onAvailability.
    this.onConnectionAvailable(connection)
    this.#dialAsNeeded()
  }

  onDialFailed(failure: DialFailure): void {
    this.#dialling--
    this.#context.releaseDial(this.priority, this.endpoint)
    const failed: UpstreamFailure = { ...failure, endpoint: this.endpoint }
    if (this.#sharesConnections()) this.#failShared(failed)
    else this.#failFirst(failed)
    this.#tellWhenEmpty()
  }

  /**
   * A shared connection would have served all that wait, so all of them fail; unless another one may still serve them.
   * Then nothing is dialled either before that one is settled.
   */
  #failShared(failure: UpstreamFailure): void {
    if (this.#dialling > 0 || this.#shared.some(undecided)) return
    for (const pending of this.#pending.snapshot()) if (this.#settle(pending)) pending.waiter.onStreamFailed(failure)
    this.#dialAsNeeded()
  }

  /** An HTTP/1.1 connection would have served the first; unless the dials that are left suffice for all. */
  #failFirst(failure: UpstreamFailure): void {
    const { first } = this.#pending
    if (first !== undefined && this.#pending.size > this.#dialling && this.#settle(first))
      first.waiter.onStreamFailed(failure)
    this.#dialAsNeeded()
  }

  #tellWhenEmpty(): void {
    if (this.#pending.size === 0) this.#context.forgetSlotWaiter(this)
    if (this.empty) this.#owner.onLaneEmpty()
  }

  #sharesConnections(): boolean {
    return this.#mode === 'http2' || (this.#mode === 'auto' && this.#agreed !== 'http1')
  }

  #usable(need: StreamNeed): UpstreamConnection | undefined {
    for (const connection of this.#shared) if (connection.canServe(need)) return connection
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined) return undefined
      connection.idle = false
      if (connection.canServe(need)) return connection
    }
  }

  #knownWithoutUpgrade(): boolean {
    const last = this.#shared.at(-1)
    return last !== undefined && !last.retired && last.client.extendedConnect === false
  }

  #hand(connection: UpstreamConnection, waiter: StreamWaiter): void {
    connection.requests++
    const limit = this.#context.maxRequestsPerConnection
    const last = limit !== undefined && connection.requests >= limit
    waiter.onStreamReady(connection)
    if (!last) return
    this.#context.stats.upstreamCxMaxRequests.value++
    connection.drain()
  }

  #serve(connection: UpstreamConnection): void {
    let pending = this.#pending.first
    while (pending !== undefined && !connection.retired && connection.client.availableStreams > 0) {
      const next: PendingStream | undefined = pending.behind
      if (connection.canServe(pending.need) && this.#settle(pending)) this.#hand(connection, pending.waiter)
      // A waiter may have had the next one cancelled, which then leads nowhere.
      pending = next?.done === true ? this.#pending.first : next
    }
  }

  /** The peer's SETTINGS: how many streams it takes, and whether upgrades are among them. */
  #learn(connection: UpstreamConnection): void {
    const { extendedConnect, availableStreams, activeStreams } = connection.client
    // A connection that is full, or told to go away, says nothing of the next one.
    if (extendedConnect !== undefined && availableStreams > 0) this.#room = availableStreams + activeStreams
    if (extendedConnect === false) this.#rejectUpgrades()
  }

  #rejectUpgrades(): void {
    for (const pending of this.#pending.snapshot()) {
      if (!pending.need.upgrade || !this.#settle(pending)) continue
      pending.moved = this.#owner.onUpgradeRefused(pending.need, pending.waiter, this.endpoint)
    }
  }

  #settle(pending: PendingStream): boolean {
    if (pending.done) return false
    pending.done = true
    this.#pending.delete(pending)
    this.#context.breakers(pending.need.priority).release('pending')
    this.#context.stats.upstreamRqPendingActive.value--
    return true
  }

  #park(connection: UpstreamConnection): void {
    connection.idle = true
    this.#idle.push(connection)
  }

  /** `anticipate`: a request came, which is when connections are opened ahead of the next ones. */
  #dialAsNeeded(anticipate = false): void {
    if (this.#draining) return
    const wanted = this.#wantedDials(anticipate ? this.#context.cluster.preconnectRatio : 1)
    for (let i = this.#dialling; i < wanted; i++) {
      if (!this.#context.mayDial(this, this.#all.size + this.#dialling)) return
      this.#dialling++
      this.#dialler.dial(this)
    }
  }

  #wantedDials(ratio: number): number {
    const pending = this.#pending.size
    if (pending === 0 && ratio <= 1) return 0
    if (this.#sharesConnections()) return sharedDials(pending, this.#shared, this.#room, ratio)
    const idle = this.#idle.length
    return singleDials(pending, this.#all.size - idle, idle, ratio)
  }
}

function removeFrom(list: UpstreamConnection[], connection: UpstreamConnection): void {
  const index = list.indexOf(connection)
  if (index >= 0) list.splice(index, 1)
}
