// One HTTP/2 stream, as both sides have it: state, the two halves, and how it ends. Server and client streams add heads.

import { type CloseCause, closeCause, type CloseLayer } from '../../core/close-cause.ts'
import { errorEntry } from '../../core/errors.ts'
import type { ByteStream, PauseReason, WriteStatus } from '../../transport/byte-stream.ts'
import type { HeaderList } from '../header-list.ts'
import { h2ErrorName, lostErrorCode, protocolErrorCode, resetErrorCode } from './error-code.ts'
import { Incoming } from './incoming.ts'
import { Outgoing } from './outgoing.ts'
import type { StreamEnd, StreamHost } from './stream-host.ts'
import { afterLocalEnd, afterRemoteEnd, remoteOpen, type StreamState } from './stream-state.ts'
import { TunnelBytes } from './tunnel-bytes.ts'

/** What the sinks of server streams, client streams and tunnels have in common. */
export interface StreamSink {
  onData(buffer: Buffer, start: number, end: number, endStream: boolean): void
  onTrailers(trailers: HeaderList): void
  onDrain(): void
  onReset(cause: CloseCause): void
  /** Both messages ended in order and everything was delivered. Only tunnels want to know. */
  onFinished?(): void
  /** Asked before held data is delivered; true when the sink wants no more. Only tunnels. */
  onWake?(): boolean
  /** The first of a tunnel's bytes was held before the tunnel was answered. Only of server streams. */
  onEarlyData?(): void
}

export abstract class Http2Stream {
  readonly protocol = 'HTTP/2'
  readonly id: number
  readonly host: StreamHost
  readonly incoming: Incoming
  readonly outgoing: Outgoing
  state: StreamState = 'open'
  closed: CloseCause | undefined
  sink: StreamSink | undefined
  /** A tunnel was agreed on, or the messages carry one: each direction ends by itself. */
  accepted = false
  /** Links of the connection's lists; the connection's own. */
  enlisted = false
  turnBefore: Http2Stream | undefined
  turnAfter: Http2Stream | undefined
  waking = false
  /** A graceful close waits for the queue: see {@link closeAfterSending}. */
  #closing: CloseCause | undefined
  /** The connection was told that this stream is closed. */
  #done = false
  #toldFinished = false

  constructor(id: number, host: StreamHost, sendWindow: number) {
    this.id = id
    this.host = host
    this.incoming = new Incoming(this, host)
    this.outgoing = new Outgoing(this, host, sendWindow)
  }

  /** Whether the peer's or this side's final response head was there, which decides what an end is called. */
  abstract readonly late: boolean

  /** Whether DATA may come now: on a client not before the final response head (RFC 9113 §8.1). */
  abstract readonly mayReceiveData: boolean

  get connection(): ByteStream {
    return this.host.transport
  }

  get queuedBytes(): number {
    return this.outgoing.queuedBytes
  }

  get writeStatus(): WriteStatus {
    if (this.outgoing.ended) return 'ended'
    return this.outgoing.ending ? 'ending' : 'open'
  }

  sendData(buffer: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    return this.outgoing.send(buffer, start, end, endStream)
  }

  sendTrailers(trailers: HeaderList): void {
    this.outgoing.end(trailers)
  }

  endMessage(): void {
    this.outgoing.end(undefined)
  }

  pauseReading(reason: PauseReason): void {
    this.incoming.pause(reason)
  }

  resumeReading(reason: PauseReason): void {
    this.incoming.resume(reason)
  }

  setHighWater(bytes: number): void {
    this.outgoing.highWater = bytes
  }

  intoByteStream(onTrailers?: (trailers: HeaderList) => void): ByteStream {
    this.accepted = true
    return new TunnelBytes(this, onTrailers)
  }

  separateDirections(): void {
    this.accepted = true
  }

  reset(cause: CloseCause): void {
    this.resetWith(this.resetCode(cause), cause, false)
  }

  /** What RST_STREAM says of `cause`. */
  protected resetCode(cause: CloseCause): number {
    return errorEntry(cause.code).http2
  }

  /** What the peer is told once all of our message went out and the rest of its own is not wanted. */
  protected codeAfterEnd(cause: CloseCause): number {
    return this.resetCode(cause)
  }

  /** RST_STREAM with `code`. `reply`: the peer's fault made it necessary. */
  resetWith(code: number, cause: CloseCause, reply: boolean): void {
    if (this.#done || this.state === 'closed') {
      // Over for the protocol; what was held for the sink is not delivered any more.
      if (!this.incoming.delivered) this.#end(cause)
      return
    }
    if (!this.host.over) {
      this.host.writer.rstStream(this.id, code, reply)
      this.host.options.stats.tx_reset++
    }
    this.#close(reply ? 'fault' : 'resetByUs', cause)
  }

  /** Sends what is queued and the end, then lets go of the peer's direction too. */
  closeAfterSending(cause: CloseCause): void {
    if (this.state === 'closed') return this.resetWith(0, cause, false)
    this.#closing = cause
    this.closed ??= cause
    this.incoming.discard()
    if (this.outgoing.ended) this.localEnded()
    else this.outgoing.end(undefined)
  }

  /** RST_STREAM arrived. */
  peerReset(code: number): void {
    const { role } = this.host
    const by = role === 'server' ? 'client' : 'upstream'
    this.#close(
      'resetByPeer',
      closeCause(by, 'http2', resetErrorCode(role, code, this.late), `RST_STREAM ${h2ErrorName(code)}`),
    )
  }

  /** The connection is gone, or ends without this stream. */
  lost(cause: CloseCause): void {
    this.#close('lost', cause)
  }

  /** The cause for the loss of a connection that its peer ended or broke. */
  lossCause(layer: CloseLayer, kind: 'lost' | 'protocol', detail: string): CloseCause {
    const { role } = this.host
    const code = kind === 'lost' ? lostErrorCode(role, this.late) : protocolErrorCode(role, this.late)
    return closeCause(role === 'server' ? 'client' : 'upstream', layer, code, detail)
  }

  /** END_STREAM was sent. */
  localEnded(): void {
    if (this.state === 'closed') return
    this.state = afterLocalEnd(this.state)
    const closing = this.#closing
    if (this.state === 'closed') this.#finish('us')
    else if (closing !== undefined) this.resetWith(this.codeAfterEnd(closing), closing, false)
    else this.afterLocalEnd()
  }

  /** END_STREAM arrived; called before the last bytes are delivered, so that the state is right for the sink. */
  remoteEnded(): void {
    this.incoming.ended = true
    this.state = afterRemoteEnd(this.state)
  }

  /** After the last bytes or trailers went to the sink. */
  afterRemoteEnd(): void {
    if (this.state === 'closed') this.#finish('peer')
  }

  /** For a server that answered before the request ended. */
  protected afterLocalEnd(): void {}

  /** The message is complete, but bytes of it still wait for the peer. */
  endWaits(): void {}

  /** Bytes arrived that nobody takes yet. */
  bytesHeld(_bytes: number): void {}

  /** Called by the connection once, after {@link StreamHost.wakeLater}. */
  wake(): void {
    if (this.sink?.onWake?.() === true) return
    this.incoming.deliverHeld()
    this.#tellFinished()
  }

  drained(): void {
    this.sink?.onDrain()
  }

  /** Both directions ended in order. `last`: whose end came second. */
  #finish(last: 'us' | 'peer'): void {
    if (this.#done) return
    this.#done = true
    const by = this.host.role === 'server' ? 'client' : 'upstream'
    const cause = this.closed ?? closeCause(last === 'us' ? by : 'proxy', 'http2', 'finished')
    this.closed = cause
    this.host.streamClosed(this, 'finished')
    if (this.#closing === undefined) return this.#tellFinished()
    this.#closing = undefined
    this.#end(cause)
  }

  #tellFinished(): void {
    if (this.#toldFinished || this.state !== 'closed' || !this.incoming.delivered) return
    this.#toldFinished = true
    this.sink?.onFinished?.()
  }

  /** The one way out for a stream that does not end in order. */
  #close(end: StreamEnd, given: CloseCause): void {
    if (this.#done) return
    this.#done = true
    // A peer that had ended its side sends nothing more: there is no reset to remember then.
    const silent = end === 'resetByUs' && !remoteOpen(this.state)
    this.state = 'closed'
    this.#closing = undefined
    const cause = this.closed ?? given
    this.closed = cause
    this.host.streamClosed(this, silent ? 'lost' : end)
    this.#end(cause)
  }

  #end(cause: CloseCause): void {
    this.closed ??= cause
    this.outgoing.discard()
    this.incoming.discard()
    this.#toldFinished = true
    this.sink?.onReset(cause)
  }

  /**
   * RFC 9113 §8.1: the peer's message is complete and nobody wants the rest of ours. The stream is closed, but what the
   * peer sent stands and is delivered in full, also when it is held now. `resetCode`: what the peer is told, if it does
   * not know.
   */
  protected stopSending(resetCode: number | undefined): void {
    const by = this.host.role === 'server' ? 'client' : 'upstream'
    this.#done = true
    this.state = 'closed'
    this.closed ??= closeCause(by, 'http2', 'finished', 'the message was answered in full before it ended')
    if (resetCode !== undefined && !this.host.over) {
      this.host.writer.rstStream(this.id, resetCode, false)
      this.host.options.stats.tx_reset++
    }
    this.host.streamClosed(this, resetCode === undefined ? 'resetByPeer' : 'finished')
    this.outgoing.release()
    this.#tellFinished()
  }

  /** The stream was never opened: nothing of it goes out, and the sink hears `cause` after the present call stack. */
  refused(cause: CloseCause): void {
    this.#done = true
    this.state = 'closed'
    this.outgoing.discard()
    queueMicrotask(() => {
      if (!this.incoming.delivered) this.#end(cause)
    })
  }
}
