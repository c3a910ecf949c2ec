// One attempt at an HTTP upstream: a stream of the cluster's pools, the response or the tunnel it brings. Nothing of a
// tunnel's payload moves before it is accepted: the server codec keeps it until then, for the next attempt, too.

import { closeCause, type CloseCause } from '../../../core/close-cause.ts'
import type { ErrorCode } from '../../../core/errors.ts'
import type { Endpoint } from '../../../cluster/endpoint.ts'
import type { HeaderList } from '../../../codec/header-list.ts'
import type { ClientStream, ClientStreamSink, RequestHead, ResponseHead } from '../../../codec/http-stream.ts'
import type { Place } from '../../../config/model/place.ts'
import { PAUSE } from '../../../transport/byte-stream.ts'
import { reportAnswer, reportConnectFailure, reportLoss } from '../../../upstream/outlier-report.ts'
import type { StreamWaiter, Ticket, UpstreamFailure } from '../../../upstream/stream-need.ts'
import { earlyCode, lateCause } from '../../../upstream/lost-stream.ts'
import { tunnelRequest, type TunnelRequest } from '../../../upstream/tunnel-request.ts'
import type { UpstreamConnection } from '../../../upstream/upstream-connection.ts'
import { markAnswer } from './answer-marks.ts'
import { dialNeed } from './dial-need.ts'
import type { Attempt } from './forwarding.ts'
import { prepareForEndpoint } from './prepare-request.ts'
import { UpstreamAttempt } from './upstream-attempt.ts'
import { frameRules } from './websocket-policy.ts'

export class HttpAttempt extends UpstreamAttempt implements Attempt, StreamWaiter, ClientStreamSink {
  #ticket: Ticket | undefined
  #connection: UpstreamConnection | undefined
  #stream: ClientStream | undefined
  #tunnelRequest: TunnelRequest | undefined
  /** Nothing more of the request follows. */
  #requestEnded = false
  #responded = false

  start(endStream: boolean): void {
    this.#requestEnded = endStream
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
    const { body } = this.forwarding
    if (endStream) this.#requestEnded = true
    if (this.#stream === undefined) {
      body.keep(buffer, start, end, endStream)
      return false
    }
    if (body.retained && !body.retain(buffer, start, end, endStream)) this.owner.bodyNotKept()
    if (endStream) this.armTryLimit()
    return this.#stream.sendData(buffer, start, end, endStream)
  }

  trailers(trailers: HeaderList): void {
    if (this.done) return
    const { body } = this.forwarding
    this.#requestEnded = true
    if (this.#stream === undefined || body.retained) body.keepTrailers(trailers)
    if (this.#stream === undefined) return
    this.armTryLimit()
    this.#stream.sendTrailers(trailers)
  }

  pauseUpstream(): void {
    this.#stream?.pauseReading(PAUSE.peerSlow)
  }

  resumeUpstream(): void {
    this.#stream?.resumeReading(PAUSE.peerSlow)
  }

  abort(cause: CloseCause): void {
    if (this.done) return
    if (cause.code === 'response_timeout' && !this.#responded) reportAbort(this.#connection, cause)
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
    endpoint.outlier?.localOrigin('connect-success')
    if (connection.multiplexed && announcesBody(head)) {
      const explanation = 'a tunnel request with a Content-Length other than 0 cannot be a CONNECT (RFC 9113 §8.5)'
      this.fail('request_with_body_upgrade', explanation)
      return
    }
    prepareForEndpoint(head, destination, endpoint.config.authority ?? endpoint.hostname)
    this.#send(connection)
  }

  onStreamFailed(failure: UpstreamFailure): void {
    if (this.done) return
    this.#ticket = undefined
    if (failure.endpoint !== undefined) reportConnectFailure(failure.endpoint, failure.code)
    this.failedToArrive(failure)
  }

  // ── the upstream stream ──

  onInformational(head: ResponseHead): void {
    if (this.done) return
    this.touchTry()
    if (this.#tunnelRequest !== undefined) return
    this.owner.committed()
    this.forwarding.sink.onInformational(head)
  }

  onResponse(head: ResponseHead, endStream: boolean): void {
    const connection = this.#connection
    if (this.done || connection === undefined) return
    const { sink, tools } = this.forwarding
    const { endpoint } = connection
    this.touchTry()
    sink.facts.times.upstreamResponseStart = tools.clock.now()
    const outcome = this.#tunnelRequest?.judge(head) ?? { kind: 'response' }
    if (outcome.kind === 'invalid') {
      this.giveUp(outcome.code, outcome.explanation, sink.selected?.route.place)
      return
    }
    this.upstream.onResponseHead(endpoint, head.status, head.headers)
    reportAnswer(endpoint, head)
    if (outcome.kind === 'accepted') {
      this.#acceptTunnel(head)
      return
    }
    // envoy.md §2.4: what is neither a tunnel nor an error is told to the client as it is.
    const unsuccessful = outcome.kind === 'refused' && head.status < 400
    if (!unsuccessful && !this.owner.takesAnswer(head, endpoint)) {
      this.#dropAnswer(endStream)
      return
    }
    sink.facts.responseCodeDetails = unsuccessful ? 'websocket_handshake_unsuccessful' : 'via_upstream'
    this.#passAnswer(head, endpoint, endStream)
  }

  onData(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (this.done) return
    this.touchTry()
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

  /** Gives up on a stream that still lives. */
  protected giveUp(code: ErrorCode, explanation: string, place?: Place): void {
    if (this.done) return
    this.finish()
    this.#ticket?.cancel()
    this.#stream?.reset(closeCause('proxy', 'http', code, explanation))
    this.fail(code, explanation, place)
  }

  #send(connection: UpstreamConnection): void {
    const { head, sink, tools, body, destination } = this.forwarding
    if (head.tunnel !== undefined) {
      const vouches = destination.rewrite.action.websocket !== undefined
      this.#tunnelRequest = tunnelRequest(head, connection.client.protocol, vouches)
    }
    const headOnly = this.#requestEnded && body.empty
    const stream = connection.client.request(this.#tunnelRequest?.head ?? head, headOnly, this)
    this.sent = true
    this.#stream = stream
    stream.setHighWater(tools.bufferLimitBytes)
    if (!body.empty && !body.sendTo(stream)) this.owner.bodyNotKept()
    if (this.#requestEnded) sink.facts.times.upstreamRequestEnd = tools.clock.now()
    if (!this.done) {
      this.armTryIdle()
      // A tunnel's request has no end, so its answer is waited for from here on.
      if (this.#requestEnded || head.tunnel !== undefined) this.armTryLimit()
    }
    sink.onRequestDrain()
  }

  #passAnswer(head: ResponseHead, endpoint: Endpoint, endStream: boolean): void {
    const { sink, tools } = this.forwarding
    this.#responded = true
    if (this.#tunnelRequest !== undefined) {
      this.owner.tunnelAnswered()
      this.#stream?.endMessage()
    } else if (!tools.suppressEnvoyHeaders && sink.facts.times.requestEnd !== undefined) this.#addServiceTime(head)
    markAnswer(this.forwarding, endpoint, head.headers)
    if (endStream) this.#responseEnded()
    sink.onResponse(head, endStream)
  }

  /** The request is tried again: what is left of this answer is not wanted. */
  #dropAnswer(endStream: boolean): void {
    const stream = this.#stream
    this.finish()
    // What has ended on both sides leaves its connection to others.
    if (endStream && this.#requestEnded && this.#tunnelRequest === undefined) return
    stream?.reset(closeCause('proxy', 'http', 'retried', 'the request is tried again'))
  }

  #acceptTunnel(head: ResponseHead): void {
    const stream = this.#stream
    const connection = this.#connection
    if (stream === undefined || connection === undefined) return
    const { sink } = this.forwarding
    const { protocol } = connection.client
    this.owner.tunnelAnswered()
    markAnswer(this.forwarding, connection.endpoint, head.headers)
    const maxDurationMs = this.handOver()
    this.owner.attemptDone()
    sink.facts.responseCodeDetails = 'via_upstream'
    sink.onTunnelAccepted(head, {
      open: () => stream.intoByteStream(),
      protocol,
      endpoint: connection.stream.info.remote.text,
      maxDurationMs,
      frames: frameRules(this.forwarding.destination.rewrite.action.websocket, head),
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

  #responseEnded(): void {
    this.forwarding.sink.facts.times.upstreamResponseEnd = this.forwarding.tools.clock.now()
    this.finish()
    this.owner.attemptDone()
  }
}

/** The request was given up for want of an answer. */
function reportAbort(connection: UpstreamConnection | undefined, { code }: CloseCause): void {
  if (connection !== undefined) reportLoss(connection.endpoint, code)
}

/**
 * Whether a tunnel request declares content (RFC 9110 §9.3.6, RFC 8441 §5: it has none). The peer of an HTTP/2 connection may answer that with a connection error, which
 * would take everybody else's tunnels along.
 */
function announcesBody({ tunnel, headers }: RequestHead): boolean {
  return tunnel !== undefined && Number(headers.get('content-length') ?? 0) > 0
}
