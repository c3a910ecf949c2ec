// An attempt to reach the upstream through an HTTP proxy: one CONNECT or POST on a connection of the cluster's pools.
// Nothing of the client's bytes is sent before the proxy has agreed (envoy.md §2.8).

import { closeCause, type CloseCause } from '../../../core/close-cause.ts'
import { errorEntry, type ErrorCode } from '../../../core/errors.ts'
import { printable } from '../../../core/printable.ts'
import { bodyByteStream } from '../../../codec/body-stream.ts'
import type { HeaderList } from '../../../codec/header-list.ts'
import type { ClientStream, ClientStreamSink, RequestHead, ResponseHead } from '../../../codec/http-stream.ts'
import type { TunnelingConfig } from '../../../config/model/tcp-proxy.ts'
import type { DialNeed, StreamWaiter, Ticket, UpstreamFailure } from '../../../upstream/stream-need.ts'
import type { UpstreamConnection } from '../../../upstream/upstream-connection.ts'
import type { Attempt, AttemptOwner, UpstreamSide } from './attempt.ts'
import { noteFields } from './propagated-fields.ts'
import { TCP_PROXY_STATE } from './overrides.ts'
import type { SessionCluster } from './runtime.ts'

export interface TunnelAttemptParts {
  readonly upstream: SessionCluster
  readonly config: TunnelingConfig
  readonly head: RequestHead
  readonly need: DialNeed
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
    const ticket = upstream.acquire({ ...need, upgrade: false, downstreamProtocol: 'HTTP/1.1' }, this)
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
    upstream.onStreamStart(connection.endpoint)
    this.#stream = connection.client.request(head, false, this)
    this.#stream.setHighWater(upstream.cluster.bufferLimitBytes)
  }

  onStreamFailed({ code, explanation, transportFailure, endpoint }: UpstreamFailure): void {
    if (this.#done) return
    this.#ticket = undefined
    this.#finish()
    this.#owner.onAttemptFailed({ code, explanation, transportFailure, endpoint, status: 0 })
  }

  // ── the proxy's answer ──

  onInformational(): void {
    // It says nothing about the tunnel.
  }

  onResponse(head: ResponseHead, endStream: boolean): void {
    const connection = this.#connection
    if (this.#done || connection === undefined) return
    const { upstream, config } = this.#parts
    upstream.onResponseHead(connection.endpoint, head.status)
    if (config.propagateResponseHeaders) this.#note(TCP_PROXY_STATE.responseHeaders, head.headers, head.status)
    if (!accepts(head.status, endStream, connection.multiplexed)) return this.#refused(head, endStream)
    const side = this.#agree(connection)
    if (side !== undefined) this.#owner.onUpstream(side)
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
    this.#fail(earlyCode(cause), cause.detail)
  }

  #agree(connection: UpstreamConnection): UpstreamSide | undefined {
    const stream = this.#stream
    const { upstream, config } = this.#parts
    const { endpoint, client } = connection
    if (stream === undefined) return undefined
    this.#done = true
    const onTrailers = config.propagateResponseTrailers
      ? (trailers: HeaderList): void => this.#note(TCP_PROXY_STATE.responseTrailers, trailers, undefined)
      : undefined
    return {
      stream: config.usePost
        ? bodyByteStream(stream, onTrailers === undefined ? {} : { onTrailers })
        : stream.intoByteStream(onTrailers),
      endpoint,
      connectionId: connection.id,
      info: connection.stream.info,
      protocol: client.protocol,
      hopNote: upstream.hopNote(endpoint, client.protocol),
      release: () => this.#giveBack(),
    }
  }

  #refused(head: ResponseHead, endStream: boolean): void {
    const connection = this.#connection
    const { method, authority } = this.#parts.head
    const reason = head.reason === '' ? '' : ` ${printable(head.reason).slice(0, MAX_REASON)}`
    const ended = endStream && head.status >= 200 && head.status < 300 ? ' and ended the stream' : ''
    const explanation = `the proxy answered ${head.status}${reason} to ${method} ${authority}${ended}`
    const stream = this.#stream
    this.#finish()
    stream?.reset(closeCause('proxy', 'tunnel', 'tunnel_refused', explanation))
    const endpoint = connection?.endpoint
    const { status } = head
    this.#owner.onAttemptFailed({ code: 'tunnel_refused', explanation, transportFailure: '', endpoint, status })
  }

  #note(key: string, fields: HeaderList, status: number | undefined): void {
    noteFields(this.#owner.facts.downstream.state, key, fields, status)
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

/** Envoy's rule: any 2xx of HTTP/1, exactly 200 otherwise; an answer that is already over opens nothing. */
function accepts(status: number, endStream: boolean, multiplexed: boolean): boolean {
  if (endStream) return false
  return multiplexed ? status === 200 : status >= 200 && status < 300
}

/** What the loss of the stream is called before its answer began. */
function earlyCode({ code }: CloseCause): ErrorCode {
  if (code === 'upstream_closed') return 'upstream_closed_before_response'
  if (code === 'upstream_reset') return 'upstream_reset_before_response'
  return errorEntry(code).status === 0 ? 'upstream_closed_before_response' : code
}
