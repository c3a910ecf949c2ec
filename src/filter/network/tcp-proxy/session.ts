// One client connection of a tcp_proxy, from accept to log line: holds the client back until an upstream stands, tries
// endpoints one after the other, then lets the bridge do the rest (envoy.md §2.8). Calls no one per chunk.

import { closeCause, type CloseCause } from '../../../core/close-cause.ts'
import type { Timer } from '../../../core/clock.ts'
import { JitteredBackoff } from '../../../core/jittered-backoff.ts'
import type { Deadline } from '../../../core/timer-wheel.ts'
import type { Endpoint } from '../../../cluster/endpoint.ts'
import type { CircuitBreakers } from '../../../config/model/cluster.ts'
import { addFlag, blankFacts } from '../../../format/blank-facts.ts'
import type { StreamFacts } from '../../../format/stream-facts.ts'
import { type ByteStreamSink, PAUSE } from '../../../transport/byte-stream.ts'
import { ConnectionState } from '../../../transport/connection-state.ts'
import type { ReplayableStream } from '../../../transport/replay.ts'
import type { Attempt, AttemptFailure, AttemptOwner, UpstreamSide } from '../../../upstream/attempt.ts'
import { TunnelAttempt } from '../../../upstream/tunnel-attempt.ts'
import type { Arrival, ServedConnection } from '../../network-filter.ts'
import { noteFailure, noteUpstream } from './attempt-facts.ts'
import { EarlyData } from './early-data.ts'
import { endOfAttempts, noCluster, overflowing, refusedHead, type SessionEnd } from './failed-session.ts'
import { idleCause, OpenSession } from './open-session.ts'
import { chooseCluster, earlyDataLimit, idleTimeoutMs, tunnelingDisabled } from './overrides.ts'
import { RawAttempt } from './raw-attempt.ts'
import type { SessionCluster, TcpProxyRuntime } from './runtime.ts'
import { SessionLog } from './session-log.ts'
import { sessionNeed } from './session-need.ts'
import { tunnelHead } from './tunnel-head.ts'
import { tunnelParts } from './tunnel-parts.ts'

export class TcpSession implements ServedConnection, ByteStreamSink, AttemptOwner {
  denseIndex = -1
  readonly facts: StreamFacts
  readonly #runtime: TcpProxyRuntime
  readonly #client: ReplayableStream
  readonly #onClosed: (session: TcpSession) => void
  readonly #log: SessionLog
  readonly #idleMs: number | undefined
  readonly #early: EarlyData | undefined
  readonly #tried: Endpoint[] = []
  readonly #backoff: JitteredBackoff | undefined
  #idle: Deadline | undefined
  #duration: Deadline | undefined
  #attempt: Attempt | undefined
  #retry: Timer | undefined
  #cluster: SessionCluster | undefined
  /** Of the last attempt's tunnel request; '' for a TCP connection. */
  #method = ''
  #authority = ''
  #open: OpenSession | undefined
  #draining: CloseCause | undefined
  /** The first reason to end. */
  #cause: CloseCause | undefined
  #over = false

  constructor(runtime: TcpProxyRuntime, arrival: Arrival, onClosed: (session: TcpSession) => void) {
    const { config } = runtime
    const { stream } = arrival
    this.#runtime = runtime
    this.#client = stream
    this.#onClosed = onClosed
    if (config.tunneling !== undefined && stream.info.state === undefined)
      stream.amend({ state: new ConnectionState() })
    this.facts = blankFacts(runtime.clock, arrival.id, stream.info, arrival, undefined)
    if (arrival.serverName !== '') this.facts.requestedServerName = arrival.serverName
    const { state } = stream.info
    this.#idleMs = idleTimeoutMs(config, state)
    const limit = earlyDataLimit(config, state, runtime.bufferLimitBytes)
    this.#early = limit === undefined ? undefined : new EarlyData(limit)
    this.#backoff = config.backoff === undefined ? undefined : new JitteredBackoff(config.backoff, runtime.random)
    this.#log = new SessionLog(runtime, this.facts, (facts) => this.#countInto(facts))
  }

  /** Takes the client's stream over. */
  start(): void {
    const { config, stats, wheel } = this.#runtime
    stats.cxTotal.value++
    this.#log.started()
    if (this.#idleMs !== undefined) this.#idle = wheel.arm(this.#idleMs, () => this.#idleExpired())
    this.#armDuration()
    if (this.#early === undefined) this.#client.pauseReading(PAUSE.notReady)
    this.#client.setSink(this)
    // The TLS handshake, if any, is done when a connection arrives here, so that mode has nothing to wait for.
    if (config.connectMode !== 'on-downstream-data') this.#connect()
  }

  /** A session goes on, unless check_drain_close is set. */
  drain(cause: CloseCause): void {
    this.#draining = cause
    this.#open?.drain(cause)
  }

  close(cause: CloseCause): void {
    if (this.#open !== undefined) this.#open.close(cause)
    else this.#end({ cause, reason: '' })
  }

  // ── the client, before an upstream stands ──

  onData(buffer: Buffer, start: number, end: number): void {
    const early = this.#early
    if (early === undefined || this.#cause !== undefined) return
    if (early.bytes === 0) this.#runtime.stats.earlyDataReceived.value++
    this.#idle?.touch()
    if (!early.keep(buffer, start, end)) this.#client.pauseReading(PAUSE.notReady)
    this.#connectIfWaiting()
  }

  onEnd(): void {
    this.#connectIfWaiting()
  }

  onDrain(): void {
    // Nothing was written.
  }

  onClose(cause: CloseCause): void {
    this.#cause ??= cause
    this.#attempt?.cancel(this.#cause)
    const early = this.#early?.bytes ?? 0
    this.#runtime.stats.cxRxBytesTotal.value += early
    this.facts.bytesReceived = early
    this.#finish(this.#cause)
  }

  // ── attempts ──

  onUpstream(side: UpstreamSide): void {
    this.#attempt = undefined
    this.#idle?.cancel()
    noteUpstream(this.facts, side, this.#runtime.clock.now())
    this.#log.connected()
    if (this.#early !== undefined && this.#early.bytes > 0) this.#client.unread(this.#early.take())
    const open = new OpenSession({
      runtime: this.#runtime,
      facts: this.facts,
      client: this.#client,
      side,
      method: this.#method,
      authority: this.#method === '' ? (this.facts.requestedServerName ?? '') : this.#authority,
      idleMs: this.#idleMs,
      onEnd: (cause) => this.#finish(cause),
    })
    this.#open = open
    if (this.#draining !== undefined) open.drain(this.#draining)
  }

  onAttemptFailed(failure: AttemptFailure): void {
    const { config } = this.#runtime
    const { facts } = this
    this.#attempt = undefined
    noteFailure(facts, failure)
    if (failure.endpoint !== undefined && !this.#tried.includes(failure.endpoint)) this.#tried.push(failure.endpoint)
    const end = endOfAttempts(failure, facts, config.maxConnectAttempts, this.#method !== '')
    if (end === undefined) return this.#tryAgain()
    if (end.exhausted && this.#cluster !== undefined) this.#cluster.stats.upstreamCxConnectAttemptsExceeded.value++
    this.#end(end)
  }

  #connectIfWaiting(): void {
    if (this.#attempt === undefined && this.#retry === undefined && this.#cause === undefined) this.#connect()
  }

  #connect(): void {
    const { facts } = this
    const { config, random, clock } = this.#runtime
    const name = chooseCluster(config, facts.downstream.state, random)
    const upstream = this.#runtime.cluster(name)
    facts.clusterName = name
    if (upstream === undefined) {
      this.#runtime.stats.cxNoRoute.value++
      return this.#end(noCluster(config, name, facts))
    }
    this.#cluster = upstream
    // Envoy asks before every attempt, also when a shared HTTP/2 connection could carry it.
    const { limits, active } = connectionLimit(upstream)
    if (active >= limits.maxConnections) {
      upstream.stats.upstreamCxOverflow.value++
      return this.#end(overflowing(upstream.name, limits, facts))
    }
    const attempt = this.#newAttempt(upstream)
    if (attempt === undefined) return
    facts.attempts++
    facts.times.upstreamStart ??= clock.now()
    this.#attempt = attempt
    attempt.start()
  }

  /** Undefined when the session ended because its tunnel cannot be asked for. */
  #newAttempt(upstream: SessionCluster): Attempt | undefined {
    const { config } = this.#runtime
    const { facts } = this
    const { tunneling } = config
    if (tunneling === undefined || tunnelingDisabled(facts.downstream.state)) {
      return new RawAttempt(upstream, sessionNeed(facts, upstream, config, '', this.#tried), this)
    }
    const made = tunnelHead(tunneling, facts, upstream.secure)
    if (made.kind === 'invalid') {
      const { listenerName, downstream } = facts
      this.#runtime.log.warning('a tunnel is not asked for', {
        listener: listenerName,
        client: downstream.remote.text,
        reason: made.explanation,
      })
      this.#end(refusedHead(made.explanation))
      return undefined
    }
    const { head } = made
    this.#method = head.method
    this.#authority = head.authority
    const need = sessionNeed(facts, upstream, config, upstream.serverNameFor(head), this.#tried)
    return new TunnelAttempt(tunnelParts(upstream, tunneling, head, need, facts), this)
  }

  #tryAgain(): void {
    const delayMs = this.#backoff?.nextMs() ?? 0
    this.#retry = this.#runtime.clock.after(delayMs, () => {
      this.#retry = undefined
      this.#connect()
    })
  }

  // ── the end ──

  #armDuration(): void {
    const { config, random, wheel } = this.#runtime
    const { maxDurationMs, maxDurationJitterPercent } = config
    if (maxDurationMs === undefined) return
    const limitMs = Math.round(maxDurationMs * (1 + (random() * maxDurationJitterPercent) / 100))
    const detail = `max_downstream_connection_duration: ${limitMs} ms`
    this.#duration = wheel.arm(limitMs, () => {
      const cause = closeCause('proxy', 'tunnel', 'max_connection_duration', detail)
      this.close(cause)
    })
  }

  #idleExpired(): void {
    this.#end({ cause: idleCause(this.#runtime, this.#idleMs), reason: '' })
  }

  /** Ends a session that has no upstream. */
  #end({ cause, reason }: SessionEnd): void {
    if (this.#cause !== undefined || this.#over) return
    this.#cause = cause
    if (reason !== '') this.facts.localCloseReason = reason
    this.#retry?.cancel()
    this.#attempt?.cancel(cause)
    this.#attempt = undefined
    this.#client.close(cause)
  }

  #countInto(facts: StreamFacts): void {
    if (this.#over) return
    if (this.#open === undefined) facts.bytesReceived = this.#early?.bytes ?? 0
    else this.#open.countInto(facts)
  }

  #finish(cause: CloseCause): void {
    if (this.#over) return
    const { facts } = this
    const { stats, clock } = this.#runtime
    this.#over = true
    this.#idle?.cancel()
    this.#duration?.cancel()
    this.#retry?.cancel()
    facts.cause = cause
    facts.times.end = clock.now()
    if (cause.code === 'tcp_session_idle_timeout') {
      stats.idleTimeout.value++
      facts.localCloseReason = 'tcp_session_idle_timeout'
    } else if (cause.code === 'max_connection_duration') {
      stats.maxDuration.value++
      facts.localCloseReason = 'max_connection_duration_reached'
      addFlag(facts, 'DT')
    }
    this.#tellFailure(cause)
    this.#log.ended()
    this.#onClosed(this)
  }

  /** Its client hears no reason, so the log must have it. A client that left by itself needs none. */
  #tellFailure(cause: CloseCause): void {
    if (this.#open !== undefined || cause.by === 'client') return
    const { facts } = this
    const { ledger, config } = this.#runtime
    ledger.fail({
      id: facts.streamId,
      type: this.#method === '' ? 'TCP' : this.#method,
      wallMs: this.#runtime.clock.wallNow(),
      client: facts.downstream.remote.text || 'pipe',
      listener: facts.listenerName,
      authority: this.#authority,
      cluster: facts.clusterName,
      place: config.place,
      cause,
    })
  }
}

function connectionLimit(upstream: SessionCluster): { limits: CircuitBreakers; active: number } {
  const breakers = upstream.breakers('default')
  return { limits: breakers.limits, active: breakers.active('connection') }
}
