// TCP as a byte stream: what the listener and the upstream pools import. The parts are in the files beside this one.

/** Options of a TCP socket. */
export interface SocketOptions {
  /** Sends small writes at once (no Nagle). True unless set. */
  readonly noDelay?: boolean
  /** Seconds of silence after which the system probes the peer; absent = no probes. */
  readonly keepAliveSeconds?: number
}

export { type Dial, type DialSink, dialTcp } from './dial.ts'
export { type AcceptSink, type StreamListener, listenTcp } from './listen.ts'
