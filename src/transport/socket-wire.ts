// What a socket stream needs of a socket, so that it runs on the runtime's own handles where they can be had, which costs
// less, and on `net.Socket` where not.

import type { Socket } from 'node:net'
import type { StreamAddress } from './byte-stream.ts'

/** A connected socket. It keeps no bytes of its own: what cannot be sent at once stays in the caller's buffer. */
export interface SocketWire {
  /** Receives everything below; set before `start`. */
  owner: WireOwner | undefined
  /** Whether the answer of `onRead` is obeyed. */
  readonly swapsBuffers: boolean
  readonly local: StreamAddress
  readonly remote: StreamAddress
  /** The system's number of the socket; -1 when it has none (any more). */
  readonly descriptor: number
  start(): void
  stop(): void
  /**
   * Sends all of `buffer`. Answers 0 when the system took it, a negative errno when it failed, otherwise the bytes that
   * are left: then `buffer` must stay untouched until `onWritten`, and no other write may begin.
   */
  write(buffer: Uint8Array): number
  /** Bytes of the unfinished write that have not left. */
  pendingBytes(): number
  /** Sends FIN. */
  shutdown(): void
  /** Closes; `onWireClosed` follows in a later turn, after `onWritten` of an unfinished write. */
  close(): void
  /** Closes with RST where the socket has such a thing. */
  reset(): void
  /** The socket as `node:net` knows it; this wire is dead afterwards. */
  detach(): Socket
  /** Lets the process end although the socket is open. */
  unref(): void
}

export interface WireOwner {
  /** `buffer[0, length)` arrived. The answer, if any, is the buffer to read into from now on. */
  onRead(buffer: Buffer, length: number): Buffer | undefined
  /** FIN arrived (`errno` 0) or reading failed. */
  onReadEnd(errno: number): void
  /** The unfinished write ended; `errno` is 0 or negative. */
  onWritten(errno: number): void
  onWireClosed(): void
}
