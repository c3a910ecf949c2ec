// Bytes that were read to decide something (is it TLS, which host, which HTTP version) go to whoever owns the stream next.

import type { Buffer } from 'node:buffer'
import type { ByteStream, StreamAddress } from './byte-stream.ts'
import type { ConnectionState } from './connection-state.ts'

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
  /** Changes what `info` says of an accepted connection; absent fields stay. Streams made on top of this one inherit it. */
  amend(facts: StreamAmendment): void
}

/** What a listener filter learnt. */
export interface StreamAmendment {
  readonly local?: StreamAddress
  readonly remote?: StreamAddress
  readonly state?: ConnectionState
}
