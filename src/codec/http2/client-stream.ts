// A request sent on a client's connection: the stream plus what its response head decides (RFC 9113 §8.1).

import { closeCause } from '../../core/close-cause.ts'
import type { ClientStream, ClientStreamSink, ResponseHead, TunnelIntent } from '../http-stream.ts'
import { H2_ERROR } from './error-code.ts'
import { acceptsTunnel, normaliseAcceptance } from './response-head.ts'
import { Http2Stream } from './stream.ts'
import type { StreamHost } from './stream-host.ts'

export class Http2ClientStream extends Http2Stream implements ClientStream {
  /** The final response head arrived. */
  late = false
  readonly #tunnel: TunnelIntent | undefined
  readonly #headRequest: boolean
  #clientSink: ClientStreamSink

  constructor(
    id: number,
    host: StreamHost,
    sendWindow: number,
    tunnel: TunnelIntent | undefined,
    method: string,
    sink: ClientStreamSink,
  ) {
    super(id, host, sendWindow)
    this.#tunnel = tunnel
    this.#headRequest = method === 'HEAD'
    this.#clientSink = sink
    this.sink = sink
  }

  get mayReceiveData(): boolean {
    return this.late
  }

  setSink(sink: ClientStreamSink): void {
    this.#clientSink = sink
    this.sink = sink
  }

  /** 1xx. */
  informational(head: ResponseHead): void {
    this.#clientSink.onInformational(head)
  }

  /** The final head. `contentLength`: as announced. */
  response(head: ResponseHead, endStream: boolean, contentLength: string | undefined): void {
    this.late = true
    if (this.#tunnel !== undefined && acceptsTunnel(head.status)) return this.#acceptance(head, this.#tunnel, endStream)
    // RFC 9110 §6.4.1: these have no content, whatever their length says.
    if (this.#bodiless(head.status)) this.incoming.expected = 0
    else if (contentLength !== undefined) this.incoming.expected = Number(contentLength)
    if (endStream) {
      this.remoteEnded()
      this.incoming.delivered = true
    }
    this.#clientSink.onResponse(head, endStream)
    if (endStream) this.afterRemoteEnd()
  }

  #acceptance(head: ResponseHead, tunnel: TunnelIntent, endStream: boolean): void {
    normaliseAcceptance(head, tunnel)
    // The end is told to a tunnel that is taken as its half-close. A CONNECT whose far side is over already is no tunnel
    // to those who want one (envoy.md §2.8).
    if (endStream) this.remoteEnded()
    const over = endStream && tunnel.kind === 'connect'
    this.#clientSink.onResponse(head, over)
    if (this.accepted || this.state === 'closed') return
    if (over) {
      this.incoming.delivered = true
      this.afterRemoteEnd()
      return
    }
    const cause = closeCause('proxy', 'http2', 'internal', 'an agreed tunnel was not taken')
    this.resetWith(H2_ERROR.cancel, cause, false)
  }

  /** RFC 9113 §8.1.1: whether a head that ends the stream promised content all the same. */
  lacksContent(status: number, contentLength: string | undefined): boolean {
    if (contentLength === undefined || Number(contentLength) === 0 || this.#bodiless(status)) return false
    return this.#tunnel === undefined || !acceptsTunnel(status)
  }

  #bodiless(status: number): boolean {
    return this.#headRequest || status === 204 || status === 304
  }

  /** RFC 9113 §8.1: RST_STREAM(NO_ERROR) after a complete response leaves the response as it is. */
  override peerReset(code: number): void {
    if (code === H2_ERROR.noError && this.incoming.ended) this.stopSending(undefined)
    else super.peerReset(code)
  }

  /** The response is complete and the request is not: nobody reads the rest of it. */
  override afterRemoteEnd(): void {
    super.afterRemoteEnd()
    if (this.accepted || this.state !== 'halfClosedRemote') return
    this.stopSending(H2_ERROR.cancel)
  }
}
