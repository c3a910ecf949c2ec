// The lower contract: one ordered stream of bytes each way, whatever carries it (TCP, TLS, pipe, internal pair, memory,
// an HTTP/2 stream that became a tunnel). The tunnel, the codecs and the listeners know only this.

import type { CloseCause } from '../core/close-cause.ts'
import type { ConnectionState } from './connection-state.ts'

/**
 * Why reading is paused. Pauses are counted by reason: reading resumes when no reason is left, so two pausers cannot
 * undo one another. Pausing twice for one reason is one pause.
 */
export const PAUSE = {
  /** The other side's write queue is over its high-water mark. */
  peerSlow: 1,
  /** Nobody is ready for the bytes yet: the tunnel is not accepted, the codec is not chosen. */
  notReady: 2,
  /** A request waits in the pipeline behind another one. */
  pipeline: 4,
  /** A filter holds the body. */
  filter: 8,
} as const
export type PauseReason = (typeof PAUSE)[keyof typeof PAUSE]

export type WriteStatus = 'open' | 'ending' | 'ended'
export type ReadStatus = 'open' | 'paused' | 'ended'

/** Receives what happens on a stream. One sink at a time; methods are called on the sink, never detached. */
export interface ByteStreamSink {
  /**
   * True when all bytes of the stream go to one other stream. Then that one may borrow the read buffer of this stream for a
   * write that is not done, and this stream does not read meanwhile. Never true for a connection that carries many streams.
   */
  readonly singleDestination?: boolean
  /**
   * Bytes `buffer[start, end)` arrived. They are valid only during the call: copy what must wait. The callee may
   * write, pause, end or reset any stream, also this one.
   */
  onData(buffer: Buffer, start: number, end: number): void
  /** The peer ended its direction (FIN, END_STREAM). The other direction stays open. Called once, after all data. */
  onEnd(): void
  /** `queuedBytes` fell under the low-water mark after `write` answered false. */
  onDrain(): void
  /** The stream is gone, both ways. Called exactly once, last, also after `reset` and `close` by this side, never within them. */
  onClose(cause: CloseCause): void
}

/** Facts of the TLS session that carries a stream. */
export interface TlsInfo {
  /** `TLSv1.2`, `TLSv1.3`. */
  readonly version: string
  readonly cipher: string
  /** SNI as the client sent it, lower-cased; '' when absent. */
  readonly serverName: string
  /** Agreed ALPN protocol; '' when none. */
  readonly alpn: string
  /** Session id in hexadecimal, '' when unknown. */
  readonly sessionId: string
  readonly sessionReused: boolean
  /** DER of the peer certificate; absent when it sent none. Parse lazily. */
  readonly peerCertificate?: Buffer
  /** DER of the certificate this side used; absent when unknown. */
  readonly localCertificate?: Buffer
  /** Whether the peer certificate was verified against the configured roots. */
  readonly peerVerified: boolean
}

/** An address as printed in logs: `1.2.3.4:80`, `[::1]:80`, `/path/of.sock`, `envoy://internal_client_address/`. */
export interface StreamAddress {
  /** IP, socket path or internal listener name. */
  readonly ip: string
  /** 0 for anything but TCP. */
  readonly port: number
  /** The whole, as printed. */
  readonly text: string
}

export interface StreamInfo {
  readonly local: StreamAddress
  readonly remote: StreamAddress
  /** Absent on plaintext streams. */
  readonly tls?: TlsInfo
  /** What else is known of an accepted connection; absent when nothing is. */
  readonly state?: ConnectionState
}

export interface ByteStream {
  readonly info: StreamInfo
  /** Bytes accepted by `write` that have not left this process. */
  readonly queuedBytes: number
  readonly writeStatus: WriteStatus
  readonly readStatus: ReadStatus
  /** The first cause; undefined while the stream lives. */
  readonly closed: CloseCause | undefined
  /** Payload bytes read and written so far (plaintext under TLS). */
  readonly bytesRead: number
  readonly bytesWritten: number

  /**
   * Sets who receives; reading starts with the first sink unless paused. May be called again (protocol switch). A sink set
   * after the end gets `onClose` in a later turn.
   */
  setSink(sink: ByteStreamSink): void
  /**
   * Queues `buffer[start, end)`; the bytes are copied or sent before it returns, so the caller keeps the buffer.
   * Answers false when `queuedBytes` is over the high-water mark: stop until `onDrain`. Never blocks, never throws;
   * ignored after `endWriting`, `close` or the end of the stream. Writes of one loop turn leave in one system call.
   */
  write(buffer: Uint8Array, start: number, end: number): boolean
  /** `text` as latin1 bytes, like {@link write}. Used for HTTP/1 heads. */
  writeLatin1(text: string): boolean
  /** Sends what is queued now instead of at the end of the loop turn. */
  flush(): void
  /** Half-close: everything queued is sent, then FIN / END_STREAM / close_notify. */
  endWriting(): void
  /** Sends what is queued, then closes both ways. The sink gets `onClose(cause)`, with an earlier cause if there was one. */
  close(cause: CloseCause): void
  /** Drops what is queued and resets (RST, RST_STREAM). */
  reset(cause: CloseCause): void
  pauseReading(reason: PauseReason): void
  resumeReading(reason: PauseReason): void
  /** Sets the write high-water mark in bytes; the low one is half of it. */
  setHighWater(bytes: number): void
}
