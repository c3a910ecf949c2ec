// One direction of a tunnel: what one stream receives goes straight into the other, with back-pressure, byte count and end.

import type { CloseCause } from '../core/close-cause.ts'
import type { Deadline, TimerWheel } from '../core/timer-wheel.ts'
import { type ByteStream, type ByteStreamSink, PAUSE } from '../transport/byte-stream.ts'

/** Sees the bytes of a direction before they leave; must not keep or change them. */
export type TunnelObserver = (buffer: Buffer, start: number, end: number) => void

/** What a direction tells its tunnel. */
export interface DirectionOwner {
  onDirectionEnd(direction: Direction): void
  onSourceClosed(direction: Direction, cause: CloseCause): void
}

/** The sink of `source`; writes to `target`. */
export class Direction implements ByteStreamSink {
  readonly singleDestination = true
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

  constructor(
    source: ByteStream,
    target: ByteStream,
    owner: DirectionOwner,
    wheel: TimerWheel,
    idle: Deadline,
    observer: TunnelObserver | undefined,
  ) {
    this.source = source
    this.target = target
    this.#owner = owner
    this.#wheel = wheel
    this.#idle = idle
    this.#observer = observer
    this.lastActivityMs = wheel.nowMs
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.bytes += end - start
    this.lastActivityMs = this.#wheel.nowMs
    this.#idle.touch()
    if (this.#observer !== undefined) this.#observer(buffer, start, end)
    if (this.target.write(buffer, start, end)) return
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
