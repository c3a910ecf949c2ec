// A UDP session whose datagrams travel in an HTTP request: CONNECT-UDP (RFC 9298) or POST, one stream per session. Datagrams
// that cannot go up now wait within buffer_options or are dropped and counted, as on any path; nothing grows without bound.

import type { Timer } from '../../core/clock.ts'
import { closeCause, type CloseCause } from '../../core/close-cause.ts'
import { errorEntry, type ErrorCode } from '../../core/errors.ts'
import type { Endpoint } from '../../cluster/endpoint.ts'
import { bodyByteStream } from '../../codec/body-stream.ts'
import { CapsuleReader, type DatagramSink } from '../../codec/capsule/capsule-reader.ts'
import { writeDatagram } from '../../codec/capsule/datagram-writer.ts'
import type { HeaderList } from '../../codec/header-list.ts'
import type { ClientStream, ClientStreamSink, RequestHead, ResponseHead } from '../../codec/http-stream.ts'
import type { UdpTunnelingConfig } from '../../config/model/udp-proxy.ts'
import { addFlag } from '../../format/blank-facts.ts'
import type { ByteStream, ByteStreamSink } from '../../transport/byte-stream.ts'
import type { StreamWaiter, Ticket, UpstreamFailure } from '../../upstream/stream-need.ts'
import { tunnelRequest, type TunnelRequest } from '../../upstream/tunnel-request.ts'
import type { UpstreamConnection } from '../../upstream/upstream-connection.ts'
import { DatagramBuffer } from './datagram-buffer.ts'
import { noteFields } from './propagated-fields.ts'
import { type SessionParts, UdpSession } from './session.ts'
import { udpTunnelHead } from './tunnel-head.ts'

const STATE = {
  responseHeaders: 'envoy.udp_proxy.propagate_response_headers',
  responseTrailers: 'envoy.udp_proxy.propagate_response_trailers',
}

export class TunnelSession extends UdpSession implements StreamWaiter, ClientStreamSink, ByteStreamSink, DatagramSink {
  readonly #config: UdpTunnelingConfig
  readonly #buffer: DatagramBuffer | undefined
  readonly #capsules: CapsuleReader | undefined
  readonly #tried: Endpoint[] = []
  #head: RequestHead | undefined
  #request: TunnelRequest | undefined
  #ticket: Ticket | undefined
  #connection: UpstreamConnection | undefined
  #stream: ClientStream | undefined
  /** The agreed tunnel. */
  #tunnel: ByteStream | undefined
  #admitted = false
  /** The tunnel takes no more until it drains. */
  #full = false
  #backoff: Timer | undefined
  #backoffMs: number
  readonly #write = (buffer: Buffer, start: number, end: number): boolean =>
    this.#tunnel?.write(buffer, start, end) ?? false

  constructor(parts: SessionParts, config: UdpTunnelingConfig) {
    super(parts)
    this.#config = config
    this.#buffer = config.buffer === undefined ? undefined : new DatagramBuffer(config.buffer)
    this.#capsules = this.runtime.config.capsules ? new CapsuleReader(this) : undefined
    this.#backoffMs = config.backoff?.baseMs ?? 0
  }

  start(): void {
    const made = udpTunnelHead(this.#config, this.facts, this.upstream.secure)
    if (made.kind === 'invalid') {
      this.end(closeCause('proxy', 'udp', 'invalid_authority', made.explanation))
      return
    }
    this.#head = made.head
    this.facts.request = made.head
    this.#attempt(made.head)
  }

  // ── the pool's answer ──

  onStreamReady(connection: UpstreamConnection): void {
    const head = this.#head
    if (this.over || head === undefined) return
    const { facts, upstream } = this
    const { endpoint, client } = connection
    this.#ticket = undefined
    this.#connection = connection
    this.#tried.push(endpoint)
    facts.upstream = connection.stream.info
    facts.upstreamHostName = endpoint.hostname
    facts.upstreamProtocol = client.protocol
    facts.upstreamConnectionId = connection.id
    facts.attempts++
    facts.attemptedHosts.push(connection.stream.info.remote.text)
    facts.times.upstreamReady = this.runtime.clock.now()
    upstream.onStreamStart(endpoint)
    this.#request = tunnelRequest(head, client.protocol)
    this.#stream = client.request(this.#request.head, false, this)
    this.#stream.setHighWater(upstream.cluster.bufferLimitBytes)
  }

  onStreamFailed({ code, explanation, transportFailure, endpoint }: UpstreamFailure): void {
    if (this.over) return
    const { facts } = this
    this.#ticket = undefined
    facts.attempts++
    facts.upstreamTransportFailure = transportFailure
    if (endpoint !== undefined) {
      this.#tried.push(endpoint)
      facts.attemptedHosts.push(endpoint.text)
    }
    this.#failed(code, explanation)
  }

  // ── the proxy's answer ──

  onInformational(): void {
    // It says nothing about the tunnel.
  }

  onResponse(head: ResponseHead, endStream: boolean): void {
    const connection = this.#connection
    const stream = this.#stream
    if (this.over || connection === undefined || stream === undefined) return
    const { facts, upstream } = this
    upstream.onResponseHead(connection.endpoint, head.status)
    facts.response = head
    facts.responseCode = head.status
    if (this.#config.propagateResponseHeaders) this.#note(STATE.responseHeaders, head.headers, head.status)
    if (!endStream && this.#accepts(head)) return this.#agree(connection, stream)
    const explanation = `the proxy answered ${head.status} to ${this.#config.usePost ? 'POST' : 'CONNECT-UDP'}`
    this.#letGo()
    stream.reset(closeCause('proxy', 'udp', 'tunnel_refused', explanation))
    this.#failed('tunnel_refused', explanation)
  }

  onTrailers(): void {
    // Only of an answer that is no agreement, whose stream is reset.
  }

  onReset(cause: CloseCause): void {
    if (this.over || this.#stream === undefined) return
    this.upstream.stats.upstreamRqRxReset.value++
    this.#letGo()
    this.#failed(earlyCode(cause), cause.detail)
  }

  // ── the tunnel ──

  /** Without capsules a datagram is what arrives at once, as in Envoy: a byte stream keeps no other boundaries. */
  onData(buffer: Buffer, start: number, end: number): void {
    if (this.over || this.#tunnel === undefined) return
    const capsules = this.#capsules
    if (capsules === undefined) this.toClient(buffer, start, end)
    else if (!capsules.read(buffer, start, end)) {
      this.end(closeCause('upstream', 'udp', 'upstream_protocol_error_late', capsules.fault ?? ''))
    }
  }

  onDatagram(buffer: Buffer, start: number, end: number): void {
    if (!this.over) this.toClient(buffer, start, end)
  }

  onDrain(): void {
    this.#full = false
    this.#flush()
  }

  /** The far side has ended the tunnel: no answer can come any more. */
  onEnd(): void {
    this.end(closeCause('upstream', 'udp', 'end_of_stream'))
  }

  onClose(cause: CloseCause): void {
    this.#tunnel = undefined
    this.end(cause)
  }

  protected toUpstream(payload: Buffer): void {
    if (this.#tunnel !== undefined && !this.#full) this.#send(payload)
    // Deviation: Envoy does not count the drops when buffer_options is absent.
    else if (this.#buffer?.keep(payload) !== true) this.runtime.clusterStats.tunnelBufferOverflow.value++
  }

  protected leaveUpstream(cause: CloseCause): void {
    this.#backoff?.cancel()
    this.#ticket?.cancel()
    this.#buffer?.clear()
    this.#capsules?.release()
    const stream = this.#stream
    const tunnel = this.#tunnel
    this.#letGo()
    if (tunnel !== undefined && cause.code === 'udp_session_idle') tunnel.close(cause)
    else if (tunnel !== undefined) tunnel.reset(cause)
    else if (stream !== undefined) {
      this.upstream.stats.upstreamRqTxReset.value++
      stream.reset(cause)
    }
  }

  #attempt(head: RequestHead): void {
    const { upstream, runtime, facts } = this
    const refusal = upstream.admit('default')
    if (refusal !== undefined) {
      this.#fail('upstream_overflow', refusal)
      return
    }
    this.#admitted = true
    facts.times.upstreamStart = runtime.clock.now()
    const ticket = upstream.acquire(
      {
        upgrade: head.tunnel !== undefined,
        // Envoy opens UDP tunnels by HTTP/2 where a cluster leaves the choice.
        downstreamProtocol: 'HTTP/2',
        serverName: upstream.serverNameFor(head),
        priority: 'default',
        downstream: { connectionId: facts.connectionId, info: facts.downstream },
        tried: this.#tried,
      },
      this,
    )
    if (!this.over && this.#stream === undefined && this.#backoff === undefined) this.#ticket = ticket
  }

  #accepts(answer: ResponseHead): boolean {
    // RFC 9298 §3.3, §3.5 by way of the codec; Envoy takes exactly 200 for a POST.
    return this.#config.usePost ? answer.status === 200 : this.#request?.judge(answer).kind === 'accepted'
  }

  #agree(connection: UpstreamConnection, stream: ClientStream): void {
    const { upstream, runtime } = this
    const { endpoint, client } = connection
    const { usePost, propagateResponseTrailers } = this.#config
    const onTrailers = (trailers: HeaderList): void => {
      if (propagateResponseTrailers) this.#note(STATE.responseTrailers, trailers, undefined)
    }
    const tunnel = usePost ? bodyByteStream(stream, { onTrailers }) : stream.intoByteStream(onTrailers)
    this.#tunnel = tunnel
    runtime.clusterStats.tunnelSuccess.value++
    this.facts.tunnelled = true
    tunnel.setHighWater(upstream.cluster.bufferLimitBytes)
    this.established({
      endpoint: connection.stream.info.remote.text,
      protocol: client.protocol,
      hopNote: upstream.hopNote(endpoint, client.protocol),
      queuedBytes: () => (this.#tunnel?.queuedBytes ?? 0) + (this.#buffer?.bytes ?? 0),
    })
    tunnel.setSink(this)
    this.#flush()
  }

  #send(payload: Buffer): void {
    this.countSent(payload.length)
    const open =
      this.#capsules === undefined
        ? this.#write(payload, 0, payload.length)
        : writeDatagram(this.#write, payload, 0, payload.length)
    if (!open) this.#full = true
  }

  #flush(): void {
    this.#buffer?.drain((payload) => {
      if (this.#tunnel !== undefined) this.#send(payload)
      return this.#tunnel !== undefined && !this.#full
    })
  }

  /** One attempt failed: another one, or the end of the session. */
  #failed(code: ErrorCode, explanation: string): void {
    this.runtime.clusterStats.tunnelFailure.value++
    this.#letGo()
    if (code === 'upstream_overflow' || code === 'no_healthy_upstream') return this.#fail(code, explanation)
    if (this.facts.attempts < this.#config.maxConnectAttempts) return this.#retry()
    this.upstream.stats.upstreamCxConnectAttemptsExceeded.value++
    addFlag(this.facts, 'URX')
    this.#fail(code, explanation)
  }

  #fail(code: ErrorCode, explanation: string): void {
    this.end(closeCause(errorEntry(code).fault === 'upstream' ? 'upstream' : 'proxy', 'udp', code, explanation))
  }

  /** After a random part of an interval that doubles each time; without backoff_options in the next turn. */
  #retry(): void {
    const { maxMs = 0 } = this.#config.backoff ?? {}
    const delayMs = Math.floor(this.runtime.random() * Math.min(this.#backoffMs, maxMs))
    this.#backoffMs = Math.min(this.#backoffMs * 2, maxMs)
    this.#backoff = this.runtime.clock.after(delayMs, () => {
      this.#backoff = undefined
      if (!this.over && this.#head !== undefined) this.#attempt(this.#head)
    })
  }

  /** Gives back what an attempt or a tunnel occupies of the cluster. */
  #letGo(): void {
    const connection = this.#connection
    this.#connection = undefined
    this.#stream = undefined
    this.#tunnel = undefined
    if (connection !== undefined) this.upstream.onStreamEnd(connection.endpoint)
    if (this.#admitted) this.upstream.leave('default')
    this.#admitted = false
  }

  #note(key: string, fields: HeaderList, status: number | undefined): void {
    noteFields(this.facts.downstream.state, key, fields, status)
  }
}

/** What the loss of the stream is called before its answer began. */
function earlyCode({ code }: CloseCause): ErrorCode {
  if (code === 'upstream_closed') return 'upstream_closed_before_response'
  if (code === 'upstream_reset') return 'upstream_reset_before_response'
  return errorEntry(code).status === 0 ? 'upstream_closed_before_response' : code
}
