// One attempt at an HTTP upstream: a stream of the cluster's pools, the response or the tunnel it brings. Nothing of a
// tunnel's payload moves before it is accepted: the server codec keeps it until then.

import { closeCause, type CloseCause } from '../../../core/close-cause.ts'
import type { ErrorCode } from '../../../core/errors.ts'
import type { HeaderList } from '../../../codec/header-list.ts'
import type { ClientStream, ClientStreamSink, RequestHead, ResponseHead } from '../../../codec/http-stream.ts'
import { PAUSE } from '../../../transport/byte-stream.ts'
import type { StreamWaiter, Ticket, UpstreamFailure } from '../../../upstream/stream-need.ts'
import { earlyCode, lateCause } from '../../../upstream/lost-stream.ts'
import { tunnelRequest, type TunnelRequest } from '../../../upstream/tunnel-request.ts'
import type { UpstreamConnection } from '../../../upstream/upstream-connection.ts'
import { dialNeed } from './dial-need.ts'
import type { Attempt, AttemptOwner, Forwarding } from './forwarding.ts'
import { prepareForEndpoint } from './prepare-request.ts'
import { UpstreamAttempt } from './upstream-attempt.ts'
import { UpstreamBody } from './upstream-body.ts'

export class HttpAttempt extends UpstreamAttempt implements Attempt, StreamWaiter, ClientStreamSink {
  readonly #endStream: boolean
  readonly #body = new UpstreamBody()
  #ticket: Ticket | undefined
  #connection: UpstreamConnection | undefined
  #stream: ClientStream | undefined
  #tunnelRequest: TunnelRequest | undefined
  #responded = false

  /** `endStream`: the request has no body. */
  constructor(forwarding: Forwarding, owner: AttemptOwner, endStream: boolean) {
    super(forwarding, owner)
    this.#endStream = endStream
  }

  start(): void {
    if (!this.enter()) return
    const { head } = this.forwarding
    const need = {
      ...dialNeed(this.forwarding, undefined),
      upgrade: head.tunnel?.kind === 'upgrade',
      downstreamProtocol: head.protocol,
    }
    this.#ticket = this.upstream.acquire(need, this)
  }

  data(buffer: Buffer, start: number, end: number, endStream: boolean): boolean {
    if (this.done) return true
    if (this.#stream !== undefined) return this.#stream.sendData(buffer, start, end, endStream)
    this.#body.keep(buffer, start, end, endStream)
    return false
  }

  trailers(trailers: HeaderList): void {
    if (this.done) return
    if (this.#stream === undefined) this.#body.keepTrailers(trailers)
    else this.#stream.sendTrailers(trailers)
  }

  pauseUpstream(): void {
    this.#stream?.pauseReading(PAUSE.peerSlow)
  }

  resumeUpstream(): void {
    this.#stream?.resumeReading(PAUSE.peerSlow)
  }

  abort(cause: CloseCause): void {
    if (this.done) return
    this.finish()
    this.#ticket?.cancel()
    if (this.#stream === undefined) return
    this.#stream.reset(cause)
    this.upstream.stats.upstreamRqTxReset.value++
  }

  // ── the pool's answer ──

  onStreamReady(connection: UpstreamConnection): void {
    if (this.done) return
    const { head, destination } = this.forwarding
    const { endpoint, client } = connection
    this.#ticket = undefined
    this.#connection = connection
    this.arrive({ id: connection.id, endpoint, info: connection.stream.info, protocol: client.protocol })
    if (connection.multiplexed && announcesBody(head)) {
      const explanation = 'a tunnel request with a Content-Length other than 0 cannot be a CONNECT (RFC 9113 §8.5)'
      this.fail('request_with_body_upgrade', explanation)
      return
    }
    prepareForEndpoint(head, destination, endpoint.hostname)
    this.#send(connection)
  }

  onStreamFailed(failure: UpstreamFailure): void {
    if (this.done) return
    this.#ticket = undefined
    this.failedToArrive(failure)
  }

  // ── the upstream stream ──

  onInformational(head: ResponseHead): void {
    if (!this.done && this.#tunnelRequest === undefined) this.forwarding.sink.onInformational(head)
  }

  onResponse(head: ResponseHead, endStream: boolean): void {
    if (this.done) return
    const { sink, tools } = this.forwarding
    const { facts } = sink
    this.#responded = true
    facts.times.upstreamResponseStart = tools.clock.now()
    const tunnel = this.#tunnelRequest
    const outcome = tunnel?.judge(head) ?? { kind: 'response' }
    if (outcome.kind === 'invalid') {
      this.#giveUp(outcome.code, outcome.explanation, sink.selected?.route.place)
      return
    }
    if (this.#connection !== undefined) this.upstream.onResponseHead(this.#connection.endpoint, head.status)
    if (outcome.kind === 'accepted') {
      this.#acceptTunnel(head)
      return
    }
    facts.responseCodeDetails =
      outcome.kind === 'refused' && head.status < 400 ? 'websocket_handshake_unsuccessful' : 'via_upstream'
    if (tunnel !== undefined) {
      this.owner.tunnelAnswered()
      this.#stream?.endMessage()
    } else if (!tools.suppressEnvoyHeaders && facts.times.requestEnd !== undefined) this.#addServiceTime(head)
    if (endStream) this.#responseEnded()
    sink.onResponse(head, endStream)
  }

  onData(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (this.done) return
    if (endStream) this.#responseEnded()
    if (!this.forwarding.sink.onResponseData(buffer, start, end, endStream)) this.pauseUpstream()
  }

  onTrailers(trailers: HeaderList): void {
    if (this.done) return
    this.#responseEnded()
    this.forwarding.sink.onResponseTrailers(trailers)
  }

  onDrain(): void {
    if (!this.done) this.forwarding.sink.onRequestDrain()
  }

  onReset(cause: CloseCause): void {
    if (this.done) return
    this.upstream.stats.upstreamRqRxReset.value++
    if (this.#responded) {
      this.finish()
      this.owner.attemptDone()
      this.forwarding.sink.onUpstreamReset(lateCause(cause))
      return
    }
    this.fail(earlyCode(cause), cause.detail)
  }

  protected expire(explanation: string): void {
    this.#giveUp('upstream_max_stream_duration', explanation, this.upstream.place)
  }

  #send(connection: UpstreamConnection): void {
    const { head, sink, tools } = this.forwarding
    if (head.tunnel !== undefined) this.#tunnelRequest = tunnelRequest(head, connection.client.protocol)
    const headOnly = this.#endStream && this.#body.empty
    const stream = connection.client.request(this.#tunnelRequest?.head ?? head, headOnly, this)
    this.#stream = stream
    stream.setHighWater(tools.bufferLimitBytes)
    if (headOnly) sink.facts.times.upstreamRequestEnd = tools.clock.now()
    if (!this.#body.empty) this.#body.sendTo(stream)
    sink.onRequestDrain()
  }

  #acceptTunnel(head: ResponseHead): void {
    const stream = this.#stream
    const connection = this.#connection
    if (stream === undefined || connection === undefined) return
    const { sink } = this.forwarding
    const { protocol } = connection.client
    this.owner.tunnelAnswered()
    const maxDurationMs = this.handOver()
    this.owner.attemptDone()
    sink.facts.responseCodeDetails = 'via_upstream'
    sink.onTunnelAccepted(head, {
      open: () => stream.intoByteStream(),
      protocol,
      endpoint: connection.stream.info.remote.text,
      maxDurationMs,
      hopNote: this.upstream.hopNote(connection.endpoint, protocol),
      release: () => this.giveBack(),
    })
  }

  #addServiceTime(head: ResponseHead): void {
    const { tools, sink } = this.forwarding
    const { times } = sink.facts
    const elapsed = tools.clock.now() - (times.upstreamStart ?? times.start)
    head.headers.set(tools.serviceTimeHeader, String(Math.round(elapsed)))
  }

  /** Gives up on a stream that still lives. */
  #giveUp(code: ErrorCode, explanation: string, place = this.upstream.place): void {
    const stream = this.#stream
    this.finish()
    stream?.reset(closeCause('proxy', 'http', code, explanation))
    this.owner.attemptFailed(code, explanation, place)
  }

  #responseEnded(): void {
    this.forwarding.sink.facts.times.upstreamResponseEnd = this.forwarding.tools.clock.now()
    this.finish()
    this.owner.attemptDone()
  }
}

/**
 * Whether a tunnel request declares content (RFC 9110 §9.3.6, RFC 8441 §5: it has none). The peer of an HTTP/2 connection may answer that with a connection error, which
 * would take everybody else's tunnels along.
 */
function announcesBody({ tunnel, headers }: RequestHead): boolean {
  return tunnel !== undefined && Number(headers.get('content-length') ?? 0) > 0
}
