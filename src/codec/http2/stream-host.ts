// What a stream needs of its connection, so that streams do not know sessions.

import type { ByteStream } from '../../transport/byte-stream.ts'
import type { HeaderList } from '../header-list.ts'
import type { Http2Role } from './error-code.ts'
import type { FrameWriter } from './frame-writer.ts'
import type { Http2Options } from './options.ts'
import type { Http2Stream } from './stream.ts'

export interface StreamHost {
  readonly role: Http2Role
  readonly transport: ByteStream
  readonly writer: FrameWriter
  readonly options: Http2Options
  /** The connection is gone: nothing is written any more. */
  readonly over: boolean

  /** How much of `wanted` DATA bytes may go now in one frame: both limits of the connection, none while others wait. */
  dataAllowance(wanted: number): number
  /** The same for a stream whose turn it is. */
  turnAllowance(wanted: number): number
  /** Writes one DATA frame and takes it from the connection's window. */
  writeData(streamId: number, buffer: Uint8Array, start: number, end: number, endStream: boolean): void
  writeTrailers(streamId: number, trailers: HeaderList): void
  /** The stream has something to send and its own window allows it: it gets its turn. */
  enlist(stream: Http2Stream): void
  /** Payload bytes left this process's hands: they may go back to the connection's window. */
  giveBack(bytes: number): void
  /** Calls `stream.wake()` once, after the present call stack. */
  wakeLater(stream: Http2Stream): void
  /** The stream is closed; said once. */
  streamClosed(stream: Http2Stream, end: StreamEnd): void
}

/** How a stream closed: both ends in order, RST_STREAM by either, RST_STREAM for the peer's fault, or nothing on the wire. */
export type StreamEnd = 'finished' | 'resetByUs' | 'resetByPeer' | 'fault' | 'lost'
