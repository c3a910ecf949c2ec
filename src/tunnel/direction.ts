// One direction of a tunnel: what one stream receives goes straight into the other, with back-pressure, byte count and end.

import type { CloseCause } from '../core/close-cause.ts'
import type { Deadline, TimerWheel } from '../core/timer-wheel.ts'
import { type ByteStream, type ByteStreamSink, PAUSE } from '../transport/byte-stream.ts'

/** Sees the bytes of a direction before they leave; must not keep or change them. */
export type TunnelObserver = (buffer: Buffer, start: number, end: number) => void

/** Stands in for the target: writes what may go on, and answers as `write` does. */
export interface TunnelGate {
  pass(buffer: Buffer, start: number, end: number): boolean
}

/** What a direction tells its tunnel. */
export interface DirectionOwner {
  onDirectionEnd(direction: Direction): void
  onSourceClosed(direction: Direction, cause: CloseCause): void
}

/** The sink of `source`; writes to `target`. */
export class Direction implements ByteStreamSink {
  /** A gate may write more than once for one read, so what it writes must not be borrowed. */
  readonly singleDestination: boolean
  /** Bytes that went this way. */
  bytes = 0
  /** How often `source` had to wait for `target`. */
  pauses = 0
  /** `source` ended its direction. */
  ended = false
  /** `source` is gone. */
  closed = false
  /** Wheel time of the last bytes. */
  lastActivityMs: number
  readonly source: ByteStream
  readonly target: ByteStream
  readonly #owner: DirectionOwner
  readonly #wheel: TimerWheel
  readonly #idle: Deadline
  readonly #observer: TunnelObserver | undefined
  readonly #gate: TunnelGate | undefined

  constructor(
    source: ByteStream,
    target: ByteStream,
    owner: DirectionOwner,
    wheel: TimerWheel,
    idle: Deadline,
    observer: TunnelObserver | undefined,
    gate: TunnelGate | undefined,
  ) {
    this.source = source
    this.target = target
    this.#owner = owner
    this.#wheel = wheel
    this.#idle = idle
    this.#observer = observer
    this.#gate = gate
    this.singleDestination = gate === undefined
    this.lastActivityMs = wheel.nowMs
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.bytes += end - start
    this.lastActivityMs = this.#wheel.nowMs
    this.#idle.touch()
    if (this.#observer !== undefined) this.#observer(buffer, start, end)
    const { target } = this
    if (this.#gate === undefined ? target.write(buffer, start, end) : this.#gate.pass(buffer, start, end)) return
    this.pauses++
    this.source.pauseReading(PAUSE.peerSlow)
  }

  onEnd(): void {
    if (this.ended) return
    this.ended = true
    this.#owner.onDirectionEnd(this)
  }

  /** `source` can take bytes again, so its feeder, which is the target of this direction, may read on. */
  onDrain(): void {
    this.#idle.touch()
    this.target.resumeReading(PAUSE.peerSlow)
  }

  onClose(cause: CloseCause): void {
    if (this.closed) return
    this.closed = true
    this.#owner.onSourceClosed(this, cause)
  }
}
