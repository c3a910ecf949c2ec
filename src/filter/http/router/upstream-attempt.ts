// What every attempt occupies of a cluster and gives back once: a request slot of the circuit breaker, then a place on
// an endpoint, for as long as max_stream_duration and the limits of one try let it. Also writes down for the log where the
// request went, and tells the outlier detection how it went there.

import type { Timer } from '../../../core/clock.ts'
import type { Deadline } from '../../../core/timer-wheel.ts'
import type { ErrorCode } from '../../../core/errors.ts'
import type { ConnectionId } from '../../../core/ids.ts'
import type { Endpoint } from '../../../cluster/endpoint.ts'
import type { Place } from '../../../config/model/place.ts'
import type { StreamInfo } from '../../../transport/byte-stream.ts'
import type { ClusterUpstream } from '../../../upstream/cluster-upstream.ts'
import { reportLoss } from '../../../upstream/outlier-report.ts'
import type { UpstreamFailure } from '../../../upstream/stream-need.ts'
import type { AttemptOwner, Forwarding } from './forwarding.ts'

/** Where an attempt arrived. */
export interface Arrived {
  readonly id: ConnectionId
  readonly endpoint: Endpoint
  readonly info: StreamInfo
  /** `%UPSTREAM_PROTOCOL%`; '' when it is no HTTP. */
  readonly protocol: string
}

export abstract class UpstreamAttempt {
  protected readonly forwarding: Forwarding
  protected readonly owner: AttemptOwner
  /** Over, or handed over: nothing that still comes counts. */
  protected done = false
  /** The request's head has gone out. */
  protected sent = false
  #arrived: Arrived | undefined
  #admitted = false
  #duration: Deadline | undefined
  #tryLimit: Timer | undefined
  #tryIdle: Deadline | undefined

  constructor(forwarding: Forwarding, owner: AttemptOwner) {
    this.forwarding = forwarding
    this.owner = owner
  }

  get endpointText(): string | undefined {
    return this.#arrived?.info.remote.text
  }

  protected get upstream(): ClusterUpstream {
    return this.forwarding.destination.upstream
  }

  /** Takes the request slot; false when there is none and the client was told. */
  protected enter(): boolean {
    const { destination, sink, tools } = this.forwarding
    const refusal = destination.upstream.admit(destination.priority)
    if (refusal !== undefined) {
      this.fail('upstream_overflow', refusal)
      return false
    }
    this.#admitted = true
    sink.facts.times.upstreamStart = tools.clock.now()
    return true
  }

  /** The connection is there. */
  protected arrive(arrived: Arrived): void {
    const { sink, tools } = this.forwarding
    const { facts } = sink
    const { info, endpoint } = arrived
    this.#arrived = arrived
    facts.upstream = info
    // Asked for while the socket lives: the line is written when it is gone.
    if (sink.logged || tools.upstreamLoggers.length > 0) void info.local
    facts.upstreamHostName = endpoint.hostname
    facts.upstreamProtocol = arrived.protocol
    facts.upstreamConnectionId = arrived.id
    facts.upstreamTransportFailure = ''
    facts.times.upstreamReady = tools.clock.now()
    this.#note(endpoint, info.remote.text)
    this.upstream.onStreamStart(endpoint)
    this.#armDuration()
  }

  /** Nobody to connect to, or nobody there. */
  protected failedToArrive({ code, explanation, transportFailure, endpoint }: UpstreamFailure): void {
    this.forwarding.sink.facts.upstreamTransportFailure = transportFailure
    if (endpoint !== undefined) this.#note(endpoint, endpoint.text)
    this.fail(code, explanation, this.upstream.place, endpoint)
  }

  /** Ends the attempt and has the client told. */
  protected fail(
    code: ErrorCode,
    explanation: string,
    place: Place | undefined = this.upstream.place,
    endpoint: Endpoint | undefined = this.#arrived?.endpoint,
  ): void {
    if (this.#arrived !== undefined) reportLoss(this.#arrived.endpoint, code)
    this.finish()
    this.owner.attemptFailed({ code, explanation, place, endpoint, sent: this.sent })
  }

  /** Gives everything back. */
  protected finish(): void {
    if (this.done) return
    this.done = true
    this.giveBack()
  }

  /** A tunnel goes on without the attempt; answers what the cluster still lets it live, ms. */
  protected handOver(): number | undefined {
    this.done = true
    this.#cancelLimits()
    const limitMs = this.upstream.cluster.common.maxStreamDurationMs
    const { upstreamReady } = this.forwarding.sink.facts.times
    return limitMs === undefined || upstreamReady === undefined
      ? undefined
      : Math.max(1, limitMs - (this.forwarding.tools.clock.now() - upstreamReady))
  }

  /** The attempt, or the tunnel it became, is over. */
  protected giveBack(): void {
    const { destination } = this.forwarding
    this.#cancelLimits()
    if (this.#arrived !== undefined) {
      this.upstream.onStreamEnd(this.#arrived.endpoint)
      this.#log()
    }
    if (this.#admitted) this.upstream.leave(destination.priority)
  }

  /** The request is with the upstream in whole: per_try_timeout runs from here. */
  protected armTryLimit(): void {
    const limitMs = this.forwarding.destination.plan?.perTryTimeoutMs
    if (limitMs === undefined || this.#tryLimit !== undefined) return
    this.#tryLimit = this.forwarding.tools.clock.after(limitMs, () => {
      this.upstream.stats.upstreamRqPerTryTimeout.value++
      this.#tryExpired('per_try_timeout', `did not answer within ${limitMs} ms`)
    })
  }

  /** per_try_idle_timeout runs from here, and anew whenever the upstream says something. */
  protected armTryIdle(): void {
    const limitMs = this.forwarding.destination.plan?.perTryIdleTimeoutMs
    if (limitMs === undefined) return
    this.#tryIdle = this.forwarding.tools.wheel.arm(limitMs, () => {
      this.upstream.stats.upstreamRqPerTryIdleTimeout.value++
      this.#tryExpired('per_try_idle_timeout', `sent nothing for ${limitMs} ms`)
    })
  }

  /** The upstream said something. */
  protected touchTry(): void {
    this.#tryIdle?.touch()
  }

  /** Gives up on an upstream that still lives. */
  protected abstract giveUp(code: ErrorCode, explanation: string, place?: Place): void

  #tryExpired(code: ErrorCode, what: string): void {
    this.giveUp(code, `${this.endpointText ?? 'the upstream'} ${what}`, this.forwarding.destination.plan?.policy.place)
  }

  #cancelLimits(): void {
    this.#duration?.cancel()
    this.#tryLimit?.cancel()
    this.#tryIdle?.cancel()
  }

  #note(endpoint: Endpoint, text: string): void {
    const { retries, sink } = this.forwarding
    sink.facts.attempts++
    sink.facts.attemptedHosts.push(text)
    retries?.attempted(endpoint)
  }

  #armDuration(): void {
    const limitMs = this.upstream.cluster.common.maxStreamDurationMs
    if (limitMs === undefined) return
    this.#duration = this.forwarding.tools.wheel.arm(limitMs, () => {
      this.upstream.stats.upstreamRqMaxDurationReached.value++
      const explanation = `the stream lived for ${limitMs} ms, the max_stream_duration of cluster "${this.upstream.name}"`
      this.giveUp('upstream_max_stream_duration', explanation)
    })
  }

  #log(): void {
    const { upstreamLoggers, clock } = this.forwarding.tools
    if (upstreamLoggers.length === 0) return
    const { facts } = this.forwarding.sink
    facts.logType = 'UpstreamEnd'
    facts.now = clock.now()
    for (const logger of upstreamLoggers) logger.log(facts)
  }
}
