// One WebSocket check: the opening handshake of RFC 6455 §4.1 (over HTTP/2 as extended CONNECT, RFC 8441), a ping and its
// pong if wanted, then Close 1000. The outcome is told before the closing handshake, for which the peer gets a moment.

import type { Timer } from '../../core/clock.ts'
import type { CloseCause } from '../../core/close-cause.ts'
import { isToken } from '../../codec/header-list.ts'
import type { ClientStream, ClientStreamSink, RequestHead, ResponseHead } from '../../codec/http-stream.ts'
import type { ProbeOutcome } from '../../cluster/health/prober.ts'
import type { ByteStream, ByteStreamSink } from '../../transport/byte-stream.ts'
import { FrameObserver } from '../../websocket/frame-observer.ts'
import { isAcceptFor, newKey } from '../../websocket/handshake.ts'
import type { UpstreamConnection } from '../upstream-connection.ts'
import { type HeaderFault, inRanges } from './answer-test.ts'
import { controlFrame, normalClosure } from './control-frame.ts'
import { probeHead } from './probe-fields.ts'
import { type LinkUser, ProbeLink } from './probe-link.ts'
import type { ProbeTarget } from './probe-target.ts'
import {
  causeText,
  PASSED,
  PROBE_OVER,
  type ProbeOf,
  type ProbeTools,
  unreachable,
  wrongAnswer,
} from './probe-tools.ts'

/** Milliseconds that the peer has to answer our Close. */
const CLOSING_MS = 1000

export interface AttemptOwner {
  onOutcome(attempt: WebSocketAttempt, outcome: ProbeOutcome): void
  /** Nothing of it is open any more. */
  onGone(attempt: WebSocketAttempt): void
}

export interface WebSocketQuestion {
  readonly probe: ProbeOf<'websocket'>
  readonly target: ProbeTarget
  readonly headerFault: HeaderFault
}

export class WebSocketAttempt implements LinkUser, ClientStreamSink, ByteStreamSink {
  readonly #tools: ProbeTools
  readonly #question: WebSocketQuestion
  readonly #owner: AttemptOwner
  readonly #link: ProbeLink
  readonly #key = newKey()
  readonly #frames = new FrameObserver()
  #stream: ClientStream | undefined
  #socket: ByteStream | undefined
  #closing: Timer | undefined
  #told = false
  #gone = false

  constructor(tools: ProbeTools, question: WebSocketQuestion, owner: AttemptOwner) {
    this.#tools = tools
    this.#question = question
    this.#owner = owner
    const { protocol } = tools.cluster
    const mode = protocol.kind === 'explicit' ? protocol.version : 'http1'
    this.#link = new ProbeLink(tools, { target: question.target, mode, upgrade: true })
  }

  get waitsFor(): string {
    if (this.#stream === undefined) return 'no connection'
    return this.#socket === undefined ? `no answer to ${this.#asked}` : 'no pong'
  }

  start(): void {
    this.#link.acquire(this)
  }

  /** Ends it now; no outcome follows. */
  end(): void {
    this.#told = true
    this.#leave()
  }

  // ── the connection ──

  onLink({ client }: UpstreamConnection): void {
    if (client.extendedConnect !== true) {
      this.#tell(unreachable('speaks HTTP/2 without extended CONNECT, so no WebSocket can be opened'))
      return this.#leave()
    }
    this.#stream = client.request(this.#head(), false, this)
  }

  onNoLink(reason: string): void {
    this.#tell(unreachable(reason))
    this.#leave()
  }

  // ── the handshake ──

  onInformational(): void {
    // It is not the answer.
  }

  onResponse(head: ResponseHead): void {
    const stream = this.#stream
    if (this.#told || stream === undefined) return
    const fault = this.#fault(head)
    if (fault !== undefined || head.status !== 101) {
      this.#tell(fault === undefined ? PASSED : wrongAnswer(this.#tools.check, fault))
      return this.#leave()
    }
    const socket = stream.intoByteStream()
    this.#socket = socket
    socket.setSink(this)
    if (!this.#question.probe.ping) return this.#close(PASSED)
    const ping = controlFrame('ping', Buffer.from('sluice'))
    socket.write(ping, 0, ping.length)
  }

  /** What is wrong with the answer; undefined when it is as expected. */
  #fault({ status, headers }: ResponseHead): string | undefined {
    const { probe, headerFault } = this.#question
    const says = `answered ${status} to ${this.#asked}`
    if (!inRanges(status, probe.expected)) return says
    const field = headerFault(headers)
    if (field !== undefined) return `${says} without the expected ${field} field`
    if (status !== 101) return undefined
    if (this.#stream?.protocol !== 'HTTP/2' && !isAcceptFor(this.#key, headers.getAll('sec-websocket-accept') ?? ''))
      return `${says} with a missing or wrong Sec-WebSocket-Accept`
    if (headers.has('sec-websocket-extensions')) return `${says} with an extension that was not offered`
    const chosen = headers.getAll('sec-websocket-protocol')
    if (chosen === undefined)
      return probe.subprotocols.length === 0 ? undefined : `${says} without one of the subprotocols`
    return probe.subprotocols.includes(chosen) ? undefined : `${says} with a subprotocol that was not offered`
  }

  onReset(cause: CloseCause): void {
    this.#tell(unreachable(`${this.#asked}: ${causeText(cause)}`))
    this.#leave()
  }

  onTrailers(): void {
    // Nothing is expected of them.
  }

  // ── bytes: of a refusal's body, which nobody reads, or of the WebSocket ──

  onData(buffer: Buffer, start: number, end: number): void {
    if (this.#socket === undefined || this.#gone) return
    this.#frames.observe(buffer, start, end)
    if (this.#told) {
      if (this.#frames.closeSeen || this.#frames.invalid) this.#leave()
      return
    }
    if (this.#frames.pongs > 0) return this.#close(PASSED)
    const { check } = this.#tools
    if (this.#frames.invalid) this.#close(wrongAnswer(check, 'sent something else than WebSocket frames'))
    else if (this.#frames.closeSeen) this.#close(wrongAnswer(check, `closed${this.#code()} before its pong`))
  }

  onEnd(): void {
    this.#tell(wrongAnswer(this.#tools.check, 'ended the WebSocket before its pong'))
    this.#leave()
  }

  onDrain(): void {
    // A few bytes are sent at most.
  }

  onClose(cause: CloseCause): void {
    this.#tell(unreachable(causeText(cause)))
    this.#leave()
  }

  get #asked(): string {
    return `a WebSocket handshake on ${this.#question.target.path(this.#question.probe.path)}`
  }

  #code(): string {
    const { closeCode } = this.#frames
    return closeCode === undefined ? '' : ` with code ${closeCode}`
  }

  #head(): RequestHead {
    const { probe, target } = this.#question
    const offered = probe.subprotocols.filter(isToken)
    return probeHead(
      {
        method: 'GET',
        secure: this.#tools.cluster.tls !== undefined,
        authority: target.host(probe.host),
        path: target.path(probe.path),
        fields: [
          ...['upgrade', 'websocket', 'connection', 'upgrade'],
          ...['sec-websocket-key', this.#key, 'sec-websocket-version', '13'],
          ...(offered.length === 0 ? [] : ['sec-websocket-protocol', offered.join(', ')]),
        ],
        mutations: probe.headers,
        tunnel: { kind: 'upgrade', type: 'websocket' },
      },
      this.#tools.clock,
    )
  }

  /** RFC 6455 §7.1.2: Close, then the peer's, then the connection. */
  #close(outcome: ProbeOutcome): void {
    const frame = normalClosure()
    this.#socket?.write(frame, 0, frame.length)
    this.#closing = this.#tools.clock.after(CLOSING_MS, () => this.#leave())
    this.#tell(outcome)
    // A peer that closed first owes nothing more.
    if (this.#frames.closeSeen) this.#leave()
  }

  #tell(outcome: ProbeOutcome): void {
    if (this.#told) return
    this.#told = true
    this.#owner.onOutcome(this, outcome)
  }

  #leave(): void {
    if (this.#gone) return
    this.#gone = true
    this.#closing?.cancel()
    if (this.#socket !== undefined) this.#socket.close(PROBE_OVER)
    else this.#stream?.reset(PROBE_OVER)
    this.#link.drop()
    this.#owner.onGone(this)
  }
}
