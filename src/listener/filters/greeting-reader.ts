// Reads the first bytes of an accepted connection until a listener filter has seen enough, takes what belongs to the filter
// and puts the rest back, so that the next reader begins where the filter ended.

import { Buffer } from 'node:buffer'
import { type CloseCause, closeCause } from '../../core/close-cause.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import type { ByteStreamSink } from '../../transport/byte-stream.ts'
import type { ReplayableStream } from '../../transport/replay.ts'
import type { ListenerFilterOutcome } from '../listener-filter.ts'

/** What the bytes so far mean. */
export type GreetingVerdict =
  /** Not before there are `bytes` bytes in all. */
  | { readonly kind: 'wait'; readonly bytes: number }
  /** The first `bytes` bytes are the filter's own. */
  | { readonly kind: 'pass'; readonly bytes: number }
  | { readonly kind: 'refuse'; readonly cause: CloseCause }

export interface GreetingJudge {
  /** `bytes`: all that arrived; never empty. Called with at least as many as the last verdict waits for. */
  judge(bytes: Buffer): GreetingVerdict
  /** The client ended while the judge waits; `bytes` may be empty. */
  judgeEnd(bytes: Buffer): GreetingVerdict
}

/** Begins to read; `done` is called once, with the stream's sink taken off. */
export function readGreeting(
  stream: ReplayableStream,
  limits: { readonly clock: Clock; readonly timeoutMs: number },
  judge: GreetingJudge,
  done: (outcome: ListenerFilterOutcome) => void,
): void {
  stream.setSink(new GreetingReader(stream, limits, judge, done))
}

const FIRST_BYTES = 256

class GreetingReader implements ByteStreamSink {
  readonly #stream: ReplayableStream
  readonly #judge: GreetingJudge
  readonly #done: (outcome: ListenerFilterOutcome) => void
  readonly #timer: Timer | undefined
  #held: Buffer = Buffer.alloc(FIRST_BYTES)
  #length = 0
  #wanted = 1
  #over = false

  constructor(
    stream: ReplayableStream,
    { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
    judge: GreetingJudge,
    done: (outcome: ListenerFilterOutcome) => void,
  ) {
    this.#stream = stream
    this.#judge = judge
    this.#done = done
    if (timeoutMs > 0) this.#timer = clock.after(timeoutMs, () => this.#timedOut(timeoutMs))
  }

  onData(buffer: Buffer, start: number, end: number): void {
    if (this.#over) return
    this.#hold(buffer, start, end)
    // A client that sends one byte at a time must not make each of them cost a reading of all.
    if (this.#length >= this.#wanted) this.#settle(this.#judge.judge(this.#bytes()))
  }

  onEnd(): void {
    if (!this.#over) this.#settle(this.#judge.judgeEnd(this.#bytes()))
  }

  onDrain(): void {
    // Nothing is written here.
  }

  onClose(cause: CloseCause): void {
    if (this.#over) return
    this.#stop()
    this.#done({ kind: 'gone', cause })
  }

  #bytes(): Buffer {
    return this.#held.subarray(0, this.#length)
  }

  #hold(buffer: Buffer, start: number, end: number): void {
    const length = this.#length + end - start
    if (length > this.#held.length) {
      const larger = Buffer.alloc(Math.max(length, 2 * this.#held.length))
      this.#held.copy(larger, 0, 0, this.#length)
      this.#held = larger
    }
    buffer.copy(this.#held, this.#length, start, end)
    this.#length = length
  }

  #settle(verdict: GreetingVerdict): void {
    switch (verdict.kind) {
      case 'wait':
        this.#wanted = verdict.bytes
        return
      case 'pass':
        this.#stop()
        this.#stream.unread(this.#held.subarray(verdict.bytes, this.#length))
        return this.#done({ kind: 'passed' })
      case 'refuse':
        return this.#refuse(verdict.cause, false)
    }
  }

  #timedOut(timeoutMs: number): void {
    const detail = `no greeting within ${timeoutMs} ms`
    this.#refuse(closeCause('client', 'tcp', 'listener_filter_timeout', detail), true)
  }

  #refuse(cause: CloseCause, timeout: boolean): void {
    this.#stop()
    this.#stream.unread(this.#bytes())
    this.#done({ kind: 'refused', cause, timeout })
  }

  #stop(): void {
    this.#over = true
    this.#timer?.cancel()
  }
}
