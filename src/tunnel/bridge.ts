// Joins two byte streams into one tunnel, whatever carries them: bytes, back-pressure, half-close, reset, idle and duration
// limits, accounting. Knows no HTTP. Called when an upgrade or CONNECT was accepted, and by the TCP proxy.

import { type CloseCause, closeCause } from '../core/close-cause.ts'
import type { Clock } from '../core/clock.ts'
import type { Deadline, TimerWheel } from '../core/timer-wheel.ts'
import { type ByteStream, PAUSE } from '../transport/byte-stream.ts'
import { Direction, type DirectionOwner, type TunnelGate, type TunnelObserver } from './direction.ts'
import { type HalfClosePolicy, halfCloseEndsAll, orderlyCause } from './half-close.ts'

/** Milliseconds that a closing tunnel waits for what is queued to leave before it resets both sides. */
export const CLOSE_GRACE_MS = 5000

/**
 * Milliseconds that a reader may stop taking its last bytes after an orderly end. A system's socket buffer is emptied by
 * megabytes before this side sees that anything moved, so a slow reader looks like one that stopped.
 */
export const LAST_BYTES_MS = 60_000

/**
 * Milliseconds without bytes after which a tunnel ends whose one side has ended, when it has no idle limit: a client that left
 * by FIN, before an application that never speaks, would otherwise hold two connections for ever.
 */
export const HALF_CLOSED_IDLE_MS = 3600 * 1000

/** Without an idle limit the deadline only keeps the wheel's time moving: about a year. */
const FOREVER_MS = 365 * 24 * 3600 * 1000

export interface BridgeOptions {
  readonly wheel: TimerWheel
  readonly clock: Clock
  /** Milliseconds without bytes either way after which the tunnel closes; 0 or undefined = never. */
  readonly idleMs: number | undefined
  /** Milliseconds a tunnel may live; 0 or undefined = for ever. */
  readonly maxDurationMs?: number | undefined
  /** Milliseconds a closing tunnel has to send what is queued. {@link CLOSE_GRACE_MS} unless set. */
  readonly closeGraceMs?: number
  /** Milliseconds without progress that the last bytes of an orderly end get. {@link LAST_BYTES_MS} unless set. */
  readonly lastBytesMs?: number
  /** What the end of the client's direction means; `carry` unless set. */
  readonly onDownstreamEnd?: HalfClosePolicy
  /** What the end of the upstream's direction means; `carry` unless set. */
  readonly onUpstreamEnd?: HalfClosePolicy
  /** Whether both sides have said their last word: the end of one direction is then the end of all. */
  readonly isConcluded?: (() => boolean) | undefined
  /** Sees what the client sends. */
  readonly observeDownstream?: TunnelObserver | undefined
  /** Sees what the upstream sends. */
  readonly observeUpstream?: TunnelObserver | undefined
  /** Decides what of the client's bytes goes on; without it all does. */
  readonly gateDownstream?: TunnelGate | undefined
  /** Decides what of the upstream's bytes goes on. */
  readonly gateUpstream?: TunnelGate | undefined
  /** Whether both sides were told the end: one that leaves then, however it does, does not take the other one's last words. */
  readonly isParting?: (() => boolean) | undefined
  /** Cause of the idle and the duration limit, for those that name another; the defaults are the stream's. */
  readonly idleCause?: CloseCause
  readonly maxDurationCause?: CloseCause
  /** Called exactly once, in a later turn, when both streams are gone. */
  readonly onEnd: (summary: TunnelSummary) => void
}

/** What became of a tunnel. */
export interface TunnelSummary {
  readonly cause: CloseCause
  readonly bytesFromDownstream: number
  readonly bytesFromUpstream: number
  readonly durationMs: number
}

/** A tunnel that runs. */
export interface Tunnel {
  readonly downstream: ByteStream
  readonly upstream: ByteStream
  readonly bytesFromDownstream: number
  readonly bytesFromUpstream: number
  /** How often reading was held back because the other side was slow. */
  readonly downstreamPauses: number
  readonly upstreamPauses: number
  /** Time of the last bytes either way, by the wheel's clock: up to one tick old. */
  readonly lastActivityMs: number
  /** The first cause; undefined while nothing ended the tunnel. */
  readonly cause: CloseCause | undefined
  /** Sends what is queued and closes both sides, by reset when the grace is over. The first cause wins. */
  close(cause: CloseCause): void
  /** Bytes that wait to be sent to each side. */
  queuedBytes(): { readonly toClient: number; readonly toUpstream: number }
  /** Resets both sides at once. */
  reset(cause: CloseCause): void
}

/** Joins the streams: takes both over as their sink and lifts their `notReady` pause. */
export function bridge(downstream: ByteStream, upstream: ByteStream, options: BridgeOptions): Tunnel {
  const tunnel = new RunningTunnel(downstream, upstream, options)
  tunnel.start()
  return tunnel
}

const IDLE = closeCause('proxy', 'tunnel', 'stream_idle_timeout')
const HALF_CLOSED = closeCause(
  'proxy',
  'tunnel',
  'stream_idle_timeout',
  'one side had ended and nothing moved for an hour',
)
const MAX_DURATION = closeCause('proxy', 'tunnel', 'max_stream_duration')

class RunningTunnel implements Tunnel, DirectionOwner {
  readonly downstream: ByteStream
  readonly upstream: ByteStream
  cause: CloseCause | undefined
  readonly #options: BridgeOptions
  readonly #openedMs: number
  readonly #up: Direction
  readonly #down: Direction
  readonly #idle: Deadline
  readonly #duration: Deadline | undefined
  #grace: Deadline | undefined
  #halfClosed: Deadline | undefined
  /** Bytes that waited to be sent when the grace began or was prolonged. */
  #queuedAtGrace = 0
  /** Who ended a direction first. */
  #firstEnder: 'client' | 'upstream' | undefined
  /** Both streams were told to close; each takes the time it needs. */
  #closing = false
  #over = false

  constructor(downstream: ByteStream, upstream: ByteStream, options: BridgeOptions) {
    const { wheel, idleMs = 0, maxDurationMs = 0 } = options
    this.downstream = downstream
    this.upstream = upstream
    this.#options = options
    this.#openedMs = options.clock.now()
    this.#idle = wheel.arm(idleMs > 0 ? idleMs : FOREVER_MS, () => this.close(options.idleCause ?? IDLE))
    if (maxDurationMs > 0) {
      this.#duration = wheel.arm(maxDurationMs, () => this.close(options.maxDurationCause ?? MAX_DURATION))
    }
    const { observeDownstream, observeUpstream, gateDownstream, gateUpstream } = options
    this.#up = new Direction(downstream, upstream, this, wheel, this.#idle, observeDownstream, gateDownstream)
    this.#down = new Direction(upstream, downstream, this, wheel, this.#idle, observeUpstream, gateUpstream)
  }

  get bytesFromDownstream(): number {
    return this.#up.bytes
  }

  get bytesFromUpstream(): number {
    return this.#down.bytes
  }

  get downstreamPauses(): number {
    return this.#up.pauses
  }

  get upstreamPauses(): number {
    return this.#down.pauses
  }

  get lastActivityMs(): number {
    return Math.max(this.#up.lastActivityMs, this.#down.lastActivityMs)
  }

  queuedBytes(): { readonly toClient: number; readonly toUpstream: number } {
    return { toClient: this.downstream.queuedBytes, toUpstream: this.upstream.queuedBytes }
  }

  start(): void {
    this.#startDirection(this.#up)
    this.#startDirection(this.#down)
  }

  close(cause: CloseCause): void {
    if (this.#over || this.#closing) return
    this.cause ??= cause
    this.#closing = true
    this.#grace?.cancel()
    this.#armGrace()
    this.downstream.close(this.cause)
    this.upstream.close(this.cause)
  }

  reset(cause: CloseCause): void {
    if (this.#over) return
    this.cause ??= cause
    this.#awaitClose()
    this.downstream.reset(this.cause)
    this.upstream.reset(this.cause)
  }

  onDirectionEnd(direction: Direction): void {
    const by = direction === this.#up ? 'client' : 'upstream'
    this.#firstEnder ??= by
    const { onDownstreamEnd = 'carry', onUpstreamEnd = 'carry' } = this.#options
    const bothEnded = this.#up.ended && this.#down.ended
    if (!bothEnded && this.#options.isConcluded?.() === true) return this.close(orderlyCause(by))
    if (!bothEnded && (by === 'client' ? onDownstreamEnd : onUpstreamEnd) === 'close') {
      return this.close(halfCloseEndsAll(by))
    }
    direction.target.endWriting()
    if (!bothEnded && (this.#options.idleMs ?? 0) <= 0) this.#awaitOtherEnd(HALF_CLOSED_IDLE_MS)
    // Both said all they had; what is queued gets its time, then a peer that takes nothing is left.
    if (bothEnded) this.#awaitClose()
  }

  #awaitOtherEnd(ms: number): void {
    this.#halfClosed = this.#options.wheel.arm(ms, () => {
      const leftMs = HALF_CLOSED_IDLE_MS - (this.#options.clock.now() - this.lastActivityMs)
      if (leftMs > 0) this.#awaitOtherEnd(leftMs)
      else this.close(HALF_CLOSED)
    })
  }

  onSourceClosed(direction: Direction, cause: CloseCause): void {
    const other = direction === this.#up ? this.#down : this.#up
    if (cause.code !== 'finished') this.cause ??= cause
    if (other.closed) return this.#finish()
    this.#awaitClose()
    if (this.#closing) return
    // An orderly end of one side leaves the other to send what is queued; anything else is passed on as it came.
    const parting = this.#options.isParting?.() === true
    const broke = cause.code !== 'finished' && this.cause === cause && !parting
    // What the upstream said before its end is the client's to have, and a reset would destroy what that one has not read
    // yet. A client that is reset after its end has given up, whatever was meant for it.
    if (broke && !(direction === this.#down && direction.ended)) other.source.reset(cause)
    else if (broke || !other.ended) other.source.close(this.#finalCause())
  }

  #startDirection(direction: Direction): void {
    const { source } = direction
    source.setSink(direction)
    if (source.readStatus === 'ended' && source.closed === undefined) direction.onEnd()
    if (source.closed !== undefined) this.#awaitClose()
    source.resumeReading(PAUSE.notReady)
  }

  /** From here on the tunnel ends within the grace, unless its last bytes still move. */
  #awaitClose(): void {
    if (this.#grace === undefined) this.#armGrace()
  }

  #armGrace(): void {
    const { wheel, closeGraceMs = CLOSE_GRACE_MS, lastBytesMs = LAST_BYTES_MS } = this.#options
    this.#queuedAtGrace = this.#queued()
    this.#grace = wheel.arm(this.#closing ? closeGraceMs : lastBytesMs, () => this.#graceOver())
  }

  #queued(): number {
    return this.downstream.queuedBytes + this.upstream.queuedBytes
  }

  #graceOver(): void {
    // After an orderly end a slow reader gets the rest however long it takes, as long as it takes something; the idle and
    // duration limits, and whoever closes the tunnel, do not wait for it.
    if (!this.#closing && this.#queued() < this.#queuedAtGrace) return this.#armGrace()
    const cause = this.#finalCause()
    this.cause ??= cause
    this.downstream.reset(cause)
    this.upstream.reset(cause)
    this.#finish()
  }

  #finalCause(): CloseCause {
    return this.cause ?? orderlyCause(this.#firstEnder ?? 'client')
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.cause = this.#finalCause()
    this.#idle.cancel()
    this.#duration?.cancel()
    this.#grace?.cancel()
    this.#halfClosed?.cancel()
    const durationMs = this.#options.clock.now() - this.#openedMs
    const { bytesFromDownstream, bytesFromUpstream } = this
    this.#options.onEnd({ cause: this.cause, bytesFromDownstream, bytesFromUpstream, durationMs })
  }
}
