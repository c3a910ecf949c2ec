// Pauses of one connection's reading by two owners, the codec and the exchange on top of it, who may use the same reason
// without undoing one another.

import { type ByteStream, PAUSE, type PauseReason } from '../../transport/byte-stream.ts'

export class ReadGate {
  readonly #stream: ByteStream
  #codec = 0
  #exchange = 0

  constructor(stream: ByteStream) {
    this.#stream = stream
  }

  pauseForCodec(reason: PauseReason): void {
    this.#codec |= reason
    this.#stream.pauseReading(reason)
  }

  resumeForCodec(reason: PauseReason): void {
    if ((this.#codec & reason) === 0) return
    this.#codec &= ~reason
    if ((this.#exchange & reason) === 0) this.#stream.resumeReading(reason)
  }

  pauseForExchange(reason: PauseReason): void {
    this.#exchange |= reason
    this.#stream.pauseReading(reason)
  }

  resumeForExchange(reason: PauseReason): void {
    this.#exchange &= ~reason
    if ((this.#codec & reason) === 0) this.#stream.resumeReading(reason)
  }

  /** Lifts every pause of the exchange, which is over. */
  releaseExchange(): void {
    if (this.#exchange === 0) return
    for (const reason of Object.values(PAUSE)) if ((this.#exchange & reason) !== 0) this.resumeForExchange(reason)
  }

  /** Lifts every pause: what still arrives is thrown away. */
  releaseAll(): void {
    this.handOver(0)
  }

  /** Lifts every pause but `kept`, which whoever reads from now on has set too. */
  handOver(kept: PauseReason | 0): void {
    const set = (this.#codec | this.#exchange) & ~kept
    this.#codec = 0
    this.#exchange = 0
    if (set === 0) return
    for (const reason of Object.values(PAUSE)) if ((set & reason) !== 0) this.#stream.resumeReading(reason)
  }
}
