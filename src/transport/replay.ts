// Bytes that were read to decide something (is it TLS, which host, which HTTP version) go to whoever owns the stream next.

import type { Buffer } from 'node:buffer'
import type { ByteStream } from './byte-stream.ts'

/** A stream that takes read bytes back. After their delivery it costs nothing. */
export interface ReplayableStream extends ByteStream {
  /**
   * Puts `bytes` back before all that follows and takes the sink off: nothing is read until the next `setSink`, which
   * receives them in a later turn, then, when the peer had ended its direction meanwhile, `onEnd`. The stream keeps
   * `bytes`. An empty buffer only takes the sink off.
   */
  unread(bytes: Buffer): void
  /**
   * Gives bytes that the sink's `onData` was just called with to the sink that was set meanwhile. Only within that call,
   * with its own arguments.
   */
  passOn(buffer: Buffer, start: number, end: number): void
}
