// Reads the whole answer to one probe, within bounds. One object per request: what still comes after it is over is nobody's.

import type { CloseCause } from '../../core/close-cause.ts'
import { HEALTH_ANSWER_BYTES } from '../../core/limits.ts'
import type { HeaderList } from '../../codec/header-list.ts'
import type { ClientStreamSink, ResponseHead } from '../../codec/http-stream.ts'

export interface Answer {
  readonly head: ResponseHead
  /** As much as was to be kept. */
  readonly body: Buffer
  readonly trailers: HeaderList | undefined
  /** It went on: its connection is not to be used again. */
  readonly cut: boolean
}

/** Gets one of the two calls, unless the reader is stopped. */
export interface AnswerOwner {
  onAnswer(answer: Answer): void
  /** The stream or its connection failed. `begun`: the head had come. */
  onLost(cause: CloseCause, begun: boolean): void
}

export class AnswerReader implements ClientStreamSink {
  readonly #keepBytes: number
  readonly #owner: AnswerOwner
  #head: ResponseHead | undefined
  #pieces: Buffer[] = []
  #kept = 0
  #received = 0
  #over = false

  /** `keepBytes`: of the body; the rest is read and thrown away. */
  constructor(keepBytes: number, owner: AnswerOwner) {
    this.#keepBytes = Math.min(keepBytes, HEALTH_ANSWER_BYTES)
    this.#owner = owner
  }

  /** The head has come. */
  get begun(): boolean {
    return this.#head !== undefined
  }

  /** No call follows. */
  stop(): void {
    this.#over = true
  }

  onInformational(): void {
    // It is not the answer.
  }

  onResponse(head: ResponseHead, endStream: boolean): void {
    this.#head = head
    if (endStream) this.#done(undefined, false)
  }

  onData(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (this.#over) return
    this.#received += end - start
    const room = Math.min(this.#keepBytes - this.#kept, end - start)
    if (room > 0) {
      this.#pieces.push(Buffer.from(buffer.subarray(start, start + room)))
      this.#kept += room
    }
    if (endStream) this.#done(undefined, false)
    else if (this.#received > HEALTH_ANSWER_BYTES) this.#done(undefined, true)
  }

  onTrailers(trailers: HeaderList): void {
    this.#done(trailers, false)
  }

  onDrain(): void {
    // A probe's body is small, and queued whole.
  }

  onReset(cause: CloseCause): void {
    if (this.#over) return
    this.#over = true
    this.#owner.onLost(cause, this.begun)
  }

  #done(trailers: HeaderList | undefined, cut: boolean): void {
    const head = this.#head
    if (this.#over || head === undefined) return
    this.#over = true
    const body = Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#owner.onAnswer({ head, body, trailers, cut })
  }
}
