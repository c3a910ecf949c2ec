// An attempt to reach an upstream through an HTTP proxy: one CONNECT, CONNECT-UDP or POST on a connection of the cluster's
// pools. Nothing of the client's bytes is sent before the proxy has agreed (envoy.md §2.8).

import { closeCause, type CloseCause } from '../core/close-cause.ts'
import type { ErrorCode } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import type { Cluster } from '../config/model/cluster.ts'
import type { ByteStream } from '../transport/byte-stream.ts'
import { bodyByteStream } from '../codec/body-stream.ts'
import type { HeaderList } from '../codec/header-list.ts'
import type { ClientStream, ClientStreamSink, HttpProtocol, RequestHead, ResponseHead } from '../codec/http-stream.ts'
import type { ClusterStats } from '../cluster/cluster-stats.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { Attempt, AttemptOwner, UpstreamSide } from './attempt.ts'
import { earlyCode } from './lost-stream.ts'
import { reportAnswer, reportConnectFailure, reportLoss } from './outlier-report.ts'
import { noteFields, type Propagation } from './propagated-fields.ts'
import type { StreamNeed, StreamWaiter, Ticket, UpstreamFailure } from './stream-need.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

/** What is used of a cluster; cluster-upstream.ts is one. */
export interface TunnelCluster {
  readonly cluster: Cluster
  readonly stats: ClusterStats
  acquire(need: StreamNeed, waiter: StreamWaiter): Ticket | undefined
  admit(priority: 'default'): string | undefined
  leave(priority: 'default'): void
  hopNote(endpoint: Endpoint, protocol: HttpProtocol): string
  onStreamStart(endpoint: Endpoint): void
  onResponseHead(endpoint: Endpoint, status: number, headers?: HeaderList): void
  onStreamEnd(endpoint: Endpoint): void
}

export interface TunnelAttemptParts {
  readonly upstream: TunnelCluster
  /** Without `tunnel` the two bodies are the tunnel: a POST. */
  readonly head: RequestHead
  readonly need: StreamNeed
  /** Whether the answer's status agrees to the tunnel. */
  readonly accepts: (status: number, multiplexed: boolean) => boolean
  readonly propagation: Propagation
}

export class TunnelAttempt implements Attempt, StreamWaiter, ClientStreamSink {
  readonly #parts: TunnelAttemptParts
  readonly #owner: AttemptOwner
  #ticket: Ticket | undefined
  #connection: UpstreamConnection | undefined
  #stream: ClientStream | undefined
  #admitted = false
  #done = false

  constructor(parts: TunnelAttemptParts, owner: AttemptOwner) {
    this.#parts = parts
    this.#owner = owner
  }

  start(): void {
    const { upstream, need } = this.#parts
    const refusal = upstream.admit('default')
    if (refusal !== undefined) return this.#fail('upstream_overflow', refusal)
    this.#admitted = true
    const ticket = upstream.acquire(need, this)
    if (!this.#done) this.#ticket = ticket
  }

  cancel(cause: CloseCause): void {
    if (this.#done) return
    this.#finish()
    this.#ticket?.cancel()
    if (this.#stream === undefined) return
    this.#stream.reset(cause)
    this.#parts.upstream.stats.upstreamRqTxReset.value++
  }

  // ── the pool's answer ──

  onStreamReady(connection: UpstreamConnection): void {
    if (this.#done) return
    const { upstream, head } = this.#parts
    this.#ticket = undefined
    this.#connection = connection
    connection.endpoint.outlier?.localOrigin('connect-success')
    upstream.onStreamStart(connection.endpoint)
    this.#owner.onAsked?.(connection)
    this.#stream = connection.client.request(head, false, this)
    this.#stream.setHighWater(upstream.cluster.bufferLimitBytes)
  }

  onStreamFailed({ code, explanation, transportFailure, endpoint }: UpstreamFailure): void {
    if (this.#done) return
    this.#ticket = undefined
    if (endpoint !== undefined) reportConnectFailure(endpoint, code)
    this.#finish()
    this.#owner.onAttemptFailed({ code, explanation, transportFailure, endpoint, status: 0 })
  }

  // ── the proxy's answer ──

  onInformational(): void {
    // It says nothing about the tunnel.
  }

  onResponse(head: ResponseHead, endStream: boolean): void {
    const connection = this.#connection
    const stream = this.#stream
    if (this.#done || connection === undefined || stream === undefined) return
    const { upstream, accepts, propagation } = this.#parts
    upstream.onResponseHead(connection.endpoint, head.status, head.headers)
    reportAnswer(connection.endpoint, head)
    this.#owner.onAnswer?.(head)
    this.#note(propagation.headersKey, head.headers, head.status)
    // An answer that is already over opens nothing.
    if (endStream || !accepts(head.status, connection.multiplexed)) return this.#refused(head, endStream)
    this.#done = true
    this.#owner.onUpstream(this.#side(connection, stream))
  }

  onData(): void {
    // Only of an answer that is no agreement, whose stream is reset.
  }

  onTrailers(): void {
    // As above.
  }

  onDrain(): void {
    // Nothing is sent before the agreement.
  }

  onReset(cause: CloseCause): void {
    if (this.#done) return
    this.#parts.upstream.stats.upstreamRqRxReset.value++
    if (this.#connection !== undefined) reportLoss(this.#connection.endpoint, earlyCode(cause))
    this.#fail(earlyCode(cause), cause.detail)
  }

  #side(connection: UpstreamConnection, stream: ClientStream): UpstreamSide {
    const { endpoint, client } = connection
    return {
      stream: this.#bytes(stream),
      endpoint,
      connectionId: connection.id,
      info: connection.stream.info,
      protocol: client.protocol,
      hopNote: this.#parts.upstream.hopNote(endpoint, client.protocol),
      release: () => this.#giveBack(),
    }
  }

  #bytes(stream: ClientStream): ByteStream {
    const { head, propagation } = this.#parts
    const { trailersKey } = propagation
    const onTrailers =
      trailersKey === undefined
        ? undefined
        : (trailers: HeaderList): void => this.#note(trailersKey, trailers, undefined)
    if (head.tunnel !== undefined) return stream.intoByteStream(onTrailers)
    return bodyByteStream(stream, onTrailers === undefined ? {} : { onTrailers })
  }

  #refused(head: ResponseHead, endStream: boolean): void {
    const { status } = head
    const { method, authority, tunnel } = this.#parts.head
    const asked = tunnel?.kind === 'upgrade' ? tunnel.type.toUpperCase() : method
    const reason = head.reason === '' ? '' : ` ${printable(head.reason).slice(0, MAX_REASON)}`
    const ended = endStream && status >= 200 && status < 300 ? ' and ended the stream' : ''
    const explanation = `the proxy answered ${status}${reason} to ${asked} ${authority}${ended}`
    this.#finish()
    this.#stream?.reset(closeCause('proxy', 'tunnel', 'tunnel_refused', explanation))
    const endpoint = this.#connection?.endpoint
    this.#owner.onAttemptFailed({ code: 'tunnel_refused', explanation, transportFailure: '', endpoint, status })
  }

  #note(key: string | undefined, fields: HeaderList, status: number | undefined): void {
    if (key !== undefined) noteFields(this.#parts.propagation.state, key, fields, status)
  }

  #fail(code: ErrorCode, explanation: string): void {
    this.#finish()
    const endpoint = this.#connection?.endpoint
    this.#owner.onAttemptFailed({ code, explanation, transportFailure: '', endpoint, status: 0 })
  }

  #finish(): void {
    if (this.#done) return
    this.#done = true
    this.#giveBack()
  }

  #giveBack(): void {
    const { upstream } = this.#parts
    if (this.#connection !== undefined) upstream.onStreamEnd(this.#connection.endpoint)
    if (this.#admitted) upstream.leave('default')
  }
}

/** Characters of a proxy's reason phrase that are worth a log line. */
const MAX_REASON = 100
