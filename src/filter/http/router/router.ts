// The terminal filter: answers directly, redirects, or sends the request to an endpoint of the route's cluster and
// brings back the response or the tunnel. One attempt; nothing of a tunnel's payload moves before it is accepted.

import { closeCause, type CloseCause } from '../../../core/close-cause.ts'
import { errorEntry, type ErrorCode } from '../../../core/errors.ts'
import type { Deadline } from '../../../core/timer-wheel.ts'
import type { HeaderList } from '../../../codec/header-list.ts'
import type { ClientStream, ClientStreamSink, RequestHead, ResponseHead } from '../../../codec/http-stream.ts'
import type { ForwardAction } from '../../../config/model/route.ts'
import { PAUSE } from '../../../transport/byte-stream.ts'
import type { ClusterUpstream } from '../../../upstream/cluster-upstream.ts'
import type { StreamWaiter, Ticket, UpstreamFailure } from '../../../upstream/stream-need.ts'
import { tunnelRequest, type TunnelRequest } from '../../../upstream/tunnel-request.ts'
import type { UpstreamConnection } from '../../../upstream/upstream-connection.ts'
import type { TerminalFilter, TerminalSink, UpstreamTunnel } from '../../http-filter.ts'
import { answerLocally } from './local-answer.ts'
import { chooseDestination, prepareForEndpoint, prepareRequest, type Destination } from './prepare-request.ts'
import type { RouterTools } from './router-tools.ts'
import { UpstreamBody } from './upstream-body.ts'

export class Router implements TerminalFilter, StreamWaiter, ClientStreamSink {
  readonly #tools: RouterTools
  readonly #sink: TerminalSink
  readonly #body = new UpstreamBody()
  #head: RequestHead | undefined
  #endStream = false
  #action: ForwardAction | undefined
  #upstream: ClusterUpstream | undefined
  #destination: Destination | undefined
  #ticket: Ticket | undefined
  #connection: UpstreamConnection | undefined
  #stream: ClientStream | undefined
  #tunnelRequest: TunnelRequest | undefined
  #timeout: Deadline | undefined
  /** The cluster's max_stream_duration, from the moment the pool gave a connection. */
  #duration: Deadline | undefined
  #responded = false
  #admitted = false
  #done = false

  constructor(tools: RouterTools, sink: TerminalSink) {
    this.#tools = tools
    this.#sink = sink
  }

  start(head: RequestHead, endStream: boolean): void {
    const { selected } = this.#sink
    this.#tools.stats.routerRqTotal.value++
    const action = selected?.route.action
    if (selected === undefined || action?.kind !== 'forward') {
      answerLocally(this.#sink, head, this.#tools)
      return
    }
    this.#head = head
    this.#endStream = endStream
    this.#action = action
    const destination = chooseDestination(this.#sink, head, selected, action, this.#tools)
    if (destination.kind === 'missing') {
      this.#tools.stats.noCluster.value++
      const { clusterNotFoundStatus: status } = action
      this.#sink.sendLocalReply({
        code: 'cluster_not_found',
        status,
        explanation: destination.explanation,
        place: selected.route.place,
      })
      return
    }
    this.#destination = destination
    this.#upstream = destination.upstream
    if (destination.member !== undefined) this.#sink.useWeighted(destination.member)
    this.#sink.facts.clusterName = destination.upstream.name
    prepareRequest(head, destination, this.#tools)
    // Deviation: Envoy times CONNECT and other upgrades only from the end of a request that never ends; here every kind
    // of upgrade has the route timeout until it is accepted (envoy.md §5.2 #41068).
    if (endStream || head.tunnel !== undefined) this.#armTimeout()
    this.#acquire(head)
  }

  data(buffer: Buffer, start: number, end: number, endStream: boolean): boolean {
    if (this.#done) return true
    if (endStream) this.#requestEnded()
    if (this.#stream === undefined) {
      this.#body.keep(buffer, start, end, endStream)
      return false
    }
    return this.#stream.sendData(buffer, start, end, endStream)
  }

  trailers(trailers: HeaderList): void {
    if (this.#done) return
    this.#requestEnded()
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
    if (this.#done) return
    const stream = this.#stream
    this.#finish()
    this.#ticket?.cancel()
    stream?.reset(cause)
    if (this.#upstream !== undefined && stream !== undefined) this.#upstream.stats.upstreamRqTxReset.value++
  }

  // ── the pool's answer ──

  onStreamReady(connection: UpstreamConnection): void {
    const head = this.#head
    if (this.#done || head === undefined) return
    const { facts } = this.#sink
    this.#ticket = undefined
    this.#connection = connection
    facts.upstream = connection.stream.info
    if (this.#sink.logged || this.#tools.upstreamLoggers.length > 0) void facts.upstream.local
    facts.upstreamHostName = connection.endpoint.hostname
    facts.upstreamProtocol = connection.client.protocol
    facts.upstreamConnectionId = connection.id
    facts.attempts++
    facts.attemptedHosts.push(connection.stream.info.remote.text)
    facts.times.upstreamReady = this.#tools.clock.now()
    this.#upstream?.onStreamStart(connection.endpoint)
    if (connection.multiplexed && announcesBody(head)) {
      const explanation = 'an upgrade with a Content-Length other than 0 cannot be an extended CONNECT (RFC 8441)'
      this.#fail('request_with_body_upgrade', explanation)
      return
    }
    if (this.#destination !== undefined) prepareForEndpoint(head, this.#destination, connection.endpoint.hostname)
    this.#armDuration()
    this.#send(connection, head)
  }

  onStreamFailed(failure: UpstreamFailure): void {
    if (this.#done) return
    this.#ticket = undefined
    this.#sink.facts.upstreamTransportFailure = failure.transportFailure
    if (failure.endpoint !== undefined) this.#sink.facts.attemptedHosts.push(failure.endpoint.text)
    this.#fail(failure.code, failure.explanation)
  }

  // ── the upstream stream ──

  onInformational(head: ResponseHead): void {
    if (!this.#done && this.#head?.tunnel === undefined) this.#sink.onInformational(head)
  }

  onResponse(head: ResponseHead, endStream: boolean): void {
    if (this.#done) return
    const { facts } = this.#sink
    this.#responded = true
    facts.times.upstreamResponseStart = this.#tools.clock.now()
    const tunnel = this.#tunnelRequest
    const outcome = tunnel?.judge(head) ?? { kind: 'response' }
    if (outcome.kind === 'invalid') {
      this.#failStream(outcome.code, outcome.explanation)
      return
    }
    if (this.#connection !== undefined) this.#upstream?.onResponseHead(this.#connection.endpoint, head.status)
    if (outcome.kind === 'accepted') {
      this.#acceptTunnel(head)
      return
    }
    facts.responseCodeDetails =
      outcome.kind === 'refused' && head.status < 400 ? 'websocket_handshake_unsuccessful' : 'via_upstream'
    if (tunnel !== undefined) {
      this.#timeout?.cancel()
      this.#stream?.endMessage()
    } else if (!this.#tools.suppressEnvoyHeaders && facts.times.requestEnd !== undefined) this.#addServiceTime(head)
    this.#pass(head, endStream)
  }

  onData(buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (this.#done) return
    if (endStream) this.#responseEnded()
    if (!this.#sink.onResponseData(buffer, start, end, endStream)) this.pauseUpstream()
  }

  onTrailers(trailers: HeaderList): void {
    if (this.#done) return
    this.#responseEnded()
    this.#sink.onResponseTrailers(trailers)
  }

  onDrain(): void {
    if (!this.#done) this.#sink.onRequestDrain()
  }

  onReset(cause: CloseCause): void {
    if (this.#done) return
    if (this.#upstream !== undefined) this.#upstream.stats.upstreamRqRxReset.value++
    if (this.#responded) {
      this.#finish()
      this.#sink.onUpstreamReset(lateCause(cause))
      return
    }
    this.#fail(earlyCode(cause), cause.detail)
  }

  #acquire(head: RequestHead): void {
    const destination = this.#destination
    if (destination === undefined) return
    const refusal = destination.upstream.admit(destination.priority)
    if (refusal !== undefined) {
      this.#fail('upstream_overflow', refusal)
      return
    }
    this.#admitted = true
    this.#sink.facts.times.upstreamStart = this.#tools.clock.now()
    const need = {
      upgrade: head.tunnel?.kind === 'upgrade',
      downstreamProtocol: head.protocol,
      serverName: destination.serverName,
      priority: destination.priority,
    }
    this.#ticket = destination.upstream.acquire(need, this)
  }

  #send(connection: UpstreamConnection, head: RequestHead): void {
    if (head.tunnel !== undefined) {
      // A tunnel request has no content in HTTP/2 (RFC 9110 §9.3.6, RFC 8441 §5): the peer would refuse it without a word.
      if (connection.multiplexed && Number(head.headers.get('content-length') ?? 0) > 0) {
        this.#fail('request_with_body_upgrade', 'the upgrade announces a body and the upstream speaks HTTP/2')
        return
      }
      this.#tunnelRequest = tunnelRequest(head, connection.client.protocol)
    }
    const outgoing = this.#tunnelRequest?.head ?? head
    const headOnly = this.#endStream && this.#body.empty
    const stream = connection.client.request(outgoing, headOnly, this)
    this.#stream = stream
    stream.setHighWater(this.#tools.bufferLimitBytes)
    if (headOnly) this.#sink.facts.times.upstreamRequestEnd = this.#tools.clock.now()
    if (!this.#body.empty) this.#body.sendTo(stream)
    this.#sink.onRequestDrain()
  }

  #pass(head: ResponseHead, endStream: boolean): void {
    if (endStream) this.#responseEnded()
    this.#sink.onResponse(head, endStream)
  }

  #acceptTunnel(head: ResponseHead): void {
    const stream = this.#stream
    const connection = this.#connection
    const upstream = this.#upstream
    if (stream === undefined || connection === undefined || upstream === undefined) return
    this.#timeout?.cancel()
    this.#duration?.cancel()
    this.#done = true
    const { endpoint } = connection
    const priority = this.#destination?.priority ?? 'default'
    const tunnel: UpstreamTunnel = {
      open: () => stream.intoByteStream(),
      endpoint: connection.stream.info.remote.text,
      maxDurationMs: this.#durationLeftMs(),
      hopNote: upstream.hopNote(endpoint, connection.client.protocol),
      release: () => {
        upstream.onStreamEnd(endpoint)
        upstream.leave(priority)
        this.#logUpstream()
      },
    }
    this.#sink.facts.responseCodeDetails = 'via_upstream'
    this.#sink.onTunnelAccepted(head, tunnel)
  }

  #addServiceTime(head: ResponseHead): void {
    const { times } = this.#sink.facts
    const elapsed = this.#tools.clock.now() - (times.upstreamStart ?? times.start)
    head.headers.set(this.#tools.serviceTimeHeader, String(Math.round(elapsed)))
  }

  #requestEnded(): void {
    this.#sink.facts.times.upstreamRequestEnd = this.#tools.clock.now()
    this.#endStream = true
    this.#armTimeout()
  }

  #armTimeout(): void {
    const timeoutMs = this.#action?.timeoutMs
    if (timeoutMs === undefined || this.#timeout !== undefined) return
    this.#timeout = this.#tools.wheel.arm(timeoutMs, () => this.#timedOut(timeoutMs))
  }

  #armDuration(): void {
    const limitMs = this.#upstream?.cluster.common.maxStreamDurationMs
    if (limitMs === undefined) return
    this.#duration = this.#tools.wheel.arm(limitMs, () => this.#durationReached(limitMs))
  }

  #durationLeftMs(): number | undefined {
    const limitMs = this.#upstream?.cluster.common.maxStreamDurationMs
    const { upstreamReady } = this.#sink.facts.times
    return limitMs === undefined || upstreamReady === undefined
      ? undefined
      : Math.max(1, limitMs - (this.#tools.clock.now() - upstreamReady))
  }

  #durationReached(limitMs: number): void {
    if (this.#upstream !== undefined) this.#upstream.stats.upstreamRqMaxDurationReached.value++
    const explanation = `the stream lived for ${limitMs} ms, the max_stream_duration of cluster "${this.#upstream?.name ?? ''}"`
    this.#failStream('upstream_max_stream_duration', explanation, this.#upstream?.place)
  }

  #timedOut(timeoutMs: number): void {
    if (this.#upstream !== undefined) this.#upstream.stats.upstreamRqTimeout.value++
    const endpoint = this.#connection?.stream.info.remote.text
    const who = endpoint === undefined ? 'no connection was ready' : `${endpoint} did not answer`
    const place = this.#action?.timeoutPlace
    this.#failStream('response_timeout', `${who} within ${timeoutMs} ms`, place)
  }

  /** Gives up on a stream that still lives. */
  #failStream(code: ErrorCode, explanation: string, place = this.#sink.selected?.route.place): void {
    const stream = this.#stream
    this.#finish()
    this.#ticket?.cancel()
    stream?.reset(closeCause('proxy', 'http', code, explanation))
    this.#sink.sendLocalReply({ code, explanation, place })
  }

  #fail(code: ErrorCode, explanation: string): void {
    const place =
      errorEntry(code).fault === 'proxy'
        ? (this.#upstream?.place ?? this.#sink.selected?.route.place)
        : this.#upstream?.place
    this.#finish()
    this.#sink.sendLocalReply({ code, explanation, place })
  }

  #responseEnded(): void {
    this.#sink.facts.times.upstreamResponseEnd = this.#tools.clock.now()
    this.#finish()
  }

  #logUpstream(): void {
    const { upstreamLoggers, clock } = this.#tools
    if (upstreamLoggers.length === 0) return
    const { facts } = this.#sink
    facts.logType = 'UpstreamEnd'
    facts.now = clock.now()
    for (const logger of upstreamLoggers) logger.log(facts)
  }

  #finish(): void {
    if (this.#done) return
    this.#done = true
    this.#timeout?.cancel()
    this.#duration?.cancel()
    const connection = this.#connection
    if (connection !== undefined) this.#upstream?.onStreamEnd(connection.endpoint)
    if (connection !== undefined) this.#logUpstream()
    if (this.#admitted) this.#upstream?.leave(this.#destination?.priority ?? 'default')
  }
}

/**
 * Whether an upgrade declares content. The peer of an HTTP/2 connection may answer that with a connection error, which
 * would take everybody else's tunnels along.
 */
function announcesBody({ tunnel, headers }: RequestHead): boolean {
  return tunnel?.kind === 'upgrade' && Number(headers.get('content-length') ?? 0) > 0
}

/** What an upstream failure is called before its response began. */
function earlyCode(cause: CloseCause): ErrorCode {
  switch (cause.code) {
    case 'upstream_closed':
      return 'upstream_closed_before_response'
    case 'upstream_reset':
      return 'upstream_reset_before_response'
    default:
      return errorEntry(cause.code).status === 0 ? 'upstream_closed_before_response' : cause.code
  }
}

/** What an upstream failure is called after its response began. */
function lateCause(cause: CloseCause): CloseCause {
  switch (cause.code) {
    case 'upstream_protocol_error':
      return { ...cause, code: 'upstream_protocol_error_late' }
    case 'upstream_closed_before_response':
    case 'upstream_connection_failure':
      return { ...cause, code: 'upstream_closed' }
    case 'upstream_reset_before_response':
    case 'upstream_refused_stream':
      return { ...cause, code: 'upstream_reset' }
    default:
      return cause
  }
}
