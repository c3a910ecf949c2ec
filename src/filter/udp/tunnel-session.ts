// A UDP session whose datagrams travel in an HTTP request: CONNECT-UDP (RFC 9298) or POST, one stream per session. Datagrams
// that cannot go up now wait within buffer_options or are dropped and counted, as on any path; nothing grows without bound.

import type { Timer } from '../../core/clock.ts'
import { closeCause, type CloseCause } from '../../core/close-cause.ts'
import { errorEntry, type ErrorCode } from '../../core/errors.ts'
import { JitteredBackoff } from '../../core/jittered-backoff.ts'
import type { Endpoint } from '../../cluster/endpoint.ts'
import { CapsuleReader, type DatagramSink } from '../../codec/capsule/capsule-reader.ts'
import { writeDatagram } from '../../codec/capsule/datagram-writer.ts'
import type { RequestHead, ResponseHead } from '../../codec/http-stream.ts'
import type { UdpTunnelingConfig } from '../../config/model/udp-proxy.ts'
import { addFlag } from '../../format/blank-facts.ts'
import type { ByteStream, ByteStreamSink } from '../../transport/byte-stream.ts'
import { hashOfConnection } from '../../route/hash-policy.ts'
import type { AttemptFailure, AttemptOwner, UpstreamSide } from '../../upstream/attempt.ts'
import { TunnelAttempt } from '../../upstream/tunnel-attempt.ts'
import type { UpstreamConnection } from '../../upstream/upstream-connection.ts'
import { DatagramBuffer } from './datagram-buffer.ts'
import { type SessionParts, UdpSession } from './session.ts'
import { udpTunnelHead } from './tunnel-head.ts'
import { udpTunnelParts } from './tunnel-parts.ts'

export class TunnelSession extends UdpSession implements AttemptOwner, ByteStreamSink, DatagramSink {
  readonly #config: UdpTunnelingConfig
  readonly #buffer: DatagramBuffer | undefined
  readonly #capsules: CapsuleReader | undefined
  readonly #tried: Endpoint[] = []
  readonly #backoff: JitteredBackoff | undefined
  #attempt: TunnelAttempt | undefined
  #retry: Timer | undefined
  /** The agreed tunnel, and its stream as long as it lives. */
  #side: UpstreamSide | undefined
  #tunnel: ByteStream | undefined
  /** The tunnel takes no more until it drains. */
  #full = false
  readonly #write = (buffer: Buffer, start: number, end: number): boolean =>
    this.#tunnel?.write(buffer, start, end) ?? false

  constructor(parts: SessionParts, config: UdpTunnelingConfig) {
    super(parts)
    this.#config = config
    this.#buffer = config.buffer === undefined ? undefined : new DatagramBuffer(config.buffer)
    this.#capsules = this.runtime.config.capsules ? new CapsuleReader(this) : undefined
    this.#backoff = config.backoff === undefined ? undefined : new JitteredBackoff(config.backoff, this.runtime.random)
  }

  start(): void {
    const made = udpTunnelHead(this.#config, this.facts, this.upstream.secure)
    if (made.kind === 'invalid') {
      this.end(closeCause('proxy', 'udp', 'invalid_authority', made.explanation))
      return
    }
    this.facts.request = made.head
    this.#ask(made.head)
  }

  // ── the attempt ──

  onAsked(connection: UpstreamConnection): void {
    const { facts } = this
    const { endpoint, client, stream } = connection
    facts.upstream = stream.info
    facts.upstreamHostName = endpoint.hostname
    facts.upstreamProtocol = client.protocol
    facts.upstreamConnectionId = connection.id
    facts.times.upstreamReady = this.runtime.clock.now()
  }

  onAnswer(head: ResponseHead): void {
    this.facts.response = head
    this.facts.responseCode = head.status
  }

  onUpstream(side: UpstreamSide): void {
    const { facts, upstream, runtime } = this
    const { stream, info, protocol, hopNote } = side
    this.#attempt = undefined
    this.#side = side
    this.#tunnel = stream
    runtime.clusterStats.tunnelSuccess.value++
    facts.attemptedHosts.push(info.remote.text)
    facts.tunnelled = true
    stream.setHighWater(upstream.cluster.bufferLimitBytes)
    this.established({
      endpoint: info.remote.text,
      protocol,
      hopNote,
      queuedBytes: () => (this.#tunnel?.queuedBytes ?? 0) + (this.#buffer?.bytes ?? 0),
    })
    stream.setSink(this)
    this.#flush()
  }

  /** Another attempt, or the end of the session. */
  onAttemptFailed({ code, explanation, transportFailure, endpoint }: AttemptFailure): void {
    const { facts, upstream, runtime } = this
    this.#attempt = undefined
    runtime.clusterStats.tunnelFailure.value++
    facts.upstreamTransportFailure = transportFailure
    if (endpoint !== undefined) {
      this.#tried.push(endpoint)
      facts.attemptedHosts.push(endpoint.text)
    }
    if (code === 'upstream_overflow' || code === 'no_healthy_upstream') return this.#fail(code, explanation)
    if (facts.attempts < this.#config.maxConnectAttempts) return this.#tryAgain()
    upstream.stats.upstreamCxConnectAttemptsExceeded.value++
    addFlag(facts, 'URX')
    this.#fail(code, explanation)
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
    this.#retry?.cancel()
    this.#buffer?.clear()
    this.#capsules?.release()
    this.#attempt?.cancel(cause)
    this.#side?.release(cause)
    const tunnel = this.#tunnel
    this.#tunnel = undefined
    if (cause.code === 'udp_session_idle') tunnel?.close(cause)
    else tunnel?.reset(cause)
  }

  #ask(head: RequestHead): void {
    const { facts, runtime } = this
    facts.attempts++
    facts.times.upstreamStart = runtime.clock.now()
    const hash = hashOfConnection(this.runtime.config.hashPolicies, facts)
    const attempt = new TunnelAttempt(udpTunnelParts(this.upstream, this.#config, head, this.#tried, facts, hash), this)
    this.#attempt = attempt
    attempt.start()
  }

  #tryAgain(): void {
    const delayMs = this.#backoff?.nextMs() ?? 0
    this.#retry = this.runtime.clock.after(delayMs, () => {
      const { request } = this.facts
      if (request !== undefined) this.#ask(request)
    })
  }

  #fail(code: ErrorCode, explanation: string): void {
    this.end(closeCause(errorEntry(code).fault === 'upstream' ? 'upstream' : 'proxy', 'udp', code, explanation))
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
}
