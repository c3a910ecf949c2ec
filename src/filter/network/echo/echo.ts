// Sends a client its own bytes back, its end included. Envoy: extensions.filters.network.echo.

import type { CloseCause } from '../../../core/close-cause.ts'
import { type ByteStream, type ByteStreamSink, PAUSE } from '../../../transport/byte-stream.ts'
import type { ServedConnection, TerminalNetworkFilter } from '../../network-filter.ts'

export const echo: TerminalNetworkFilter = {
  serve({ stream }, onClosed) {
    const connection = new EchoConnection(stream, onClosed)
    stream.setSink(connection)
    return connection
  },
}

class EchoConnection implements ServedConnection, ByteStreamSink {
  denseIndex = -1
  readonly #stream: ByteStream
  readonly #onClosed: (connection: ServedConnection) => void

  constructor(stream: ByteStream, onClosed: (connection: ServedConnection) => void) {
    this.#stream = stream
    this.#onClosed = onClosed
  }

  onData(buffer: Buffer, start: number, end: number): void {
    // The client that does not read its own bytes is not read either.
    if (!this.#stream.write(buffer, start, end)) this.#stream.pauseReading(PAUSE.peerSlow)
  }

  onEnd(): void {
    this.#stream.endWriting()
  }

  onDrain(): void {
    this.#stream.resumeReading(PAUSE.peerSlow)
  }

  onClose(): void {
    this.#onClosed(this)
  }

  drain(): void {
    // There is no end of a piece of work to wait for: the connection goes on until somebody closes it.
  }

  close(cause: CloseCause): void {
    this.#stream.close(cause)
  }
}
