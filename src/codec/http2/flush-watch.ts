// Streams whose response is complete here while its last bytes still wait for the client's window or socket. No exchange
// times them any more, and a client that opens no window would keep their memory: those that stand still are reset.

import { closeCause } from '../../core/close-cause.ts'
import type { Timer } from '../../core/clock.ts'
import { H2_ERROR } from './error-code.ts'
import type { Http2Options } from './options.ts'
import type { Http2Stream } from './stream.ts'

export class FlushWatch {
  readonly #options: Http2Options
  /** Bytes that waited at the last look. */
  readonly #streams = new Map<Http2Stream, number>()
  #timer: Timer | undefined

  constructor(options: Http2Options) {
    this.#options = options
  }

  /** Watches `stream` until it is gone. */
  add(stream: Http2Stream): void {
    if (this.#options.streamFlushTimeoutMs === 0) return
    this.#streams.set(stream, stream.queuedBytes)
    if (this.#timer === undefined) this.#arm()
  }

  delete(stream: Http2Stream): void {
    if (this.#streams.delete(stream) && this.#streams.size === 0) this.stop()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    this.#timer = this.#options.clock.after(this.#options.streamFlushTimeoutMs, () => this.#look())
  }

  #look(): void {
    this.#timer = undefined
    for (const [stream, before] of [...this.#streams]) {
      const { queuedBytes } = stream
      if (queuedBytes < before) this.#streams.set(stream, queuedBytes)
      else this.#reset(stream)
    }
    if (this.#streams.size > 0) this.#arm()
  }

  #reset(stream: Http2Stream): void {
    const detail = `the client took nothing of the response for ${this.#options.streamFlushTimeoutMs} ms`
    this.#options.stats.tx_flush_timeout++
    stream.resetWith(H2_ERROR.cancel, closeCause('client', 'http2', 'stream_idle_timeout', detail), false)
  }
}
