// The TCP check: a connection is enough, or bytes are sent and others must come back, in order but with anything in between.
// Envoy: HealthCheck.TcpHealthCheck. Deviation: a kept connection that the server closes between two probes is dialled anew
// instead of counted as a failure.

import type { CloseCause } from '../../core/close-cause.ts'
import { writeProxyHeader } from '../../codec/proxy-protocol/write.ts'
import type { Prober, ProbeOutcome, ProbeSink } from '../../cluster/health/prober.ts'
import type { Endpoint } from '../../cluster/endpoint.ts'
import type { ByteStream, ByteStreamSink } from '../../transport/byte-stream.ts'
import type { Dial } from '../../transport/tcp.ts'
import type { Dialled, DialFailure, DialTarget } from '../dial.ts'
import type { ProbeTarget } from './probe-target.ts'
import { causeText, PASSED, PROBE_OVER, type ProbeOf, type ProbeTools, unreachable } from './probe-tools.ts'

/** Bytes in which what is expected must have come. */
const ANSWER_BYTES = 64 * 1024

export class TcpProber implements Prober, DialTarget {
  readonly #tools: ProbeTools
  readonly #probe: ProbeOf<'tcp'>
  readonly #target: ProbeTarget
  #sink: ProbeSink | undefined
  #dial: Dial | undefined
  #connection: TcpConnection | undefined
  #endpoint: Endpoint | undefined

  constructor(tools: ProbeTools, probe: ProbeOf<'tcp'>, target: ProbeTarget) {
    this.#tools = tools
    this.#probe = probe
    this.#target = target
  }

  get waitsFor(): string {
    return this.#connection === undefined ? 'no connection' : 'no expected bytes'
  }

  get hint(): string {
    return ''
  }

  probe(sink: ProbeSink): void {
    this.#sink = sink
    const { endpoint } = this.#target
    const kept = this.#connection
    if (kept?.open === true && this.#endpoint === endpoint) return kept.exchange()
    this.#drop()
    this.#endpoint = endpoint
    const { diallers, cluster } = this.#tools
    const purpose = { serverName: this.#target.serverName(cluster), downstream: undefined }
    this.#dial = diallers(endpoint, 'raw', purpose).dial(this)
  }

  abandon(): void {
    this.#sink = undefined
    this.#drop()
  }

  close(): void {
    this.abandon()
  }

  onDialled({ stream }: Dialled): void {
    this.#dial = undefined
    const connection = new TcpConnection(stream, this.#probe, (outcome) => this.#over(connection, outcome))
    this.#connection = connection
    connection.introduce(this.#header(stream))
    connection.exchange()
  }

  onDialFailed({ explanation }: DialFailure): void {
    this.#dial = undefined
    this.#finish(unreachable(explanation))
  }

  /** As in Envoy: version 1 names the ends of this connection, version 2 says LOCAL. */
  #header({ info }: ByteStream): Buffer | undefined {
    const { proxyProtocol } = this.#probe
    if (proxyProtocol === undefined) return undefined
    const ends = { source: info.local, destination: info.remote }
    return writeProxyHeader(proxyProtocol.version, proxyProtocol.version === 'v1' ? ends : undefined).bytes
  }

  #over(connection: TcpConnection, outcome: ProbeOutcome): void {
    if (connection !== this.#connection) return
    const keep = outcome.kind === 'success' && this.#probe.receive.length > 0 && this.#tools.check.reuseConnection
    if (!keep) this.#drop()
    this.#finish(outcome)
  }

  #finish(outcome: ProbeOutcome): void {
    const sink = this.#sink
    this.#sink = undefined
    sink?.onProbed(outcome)
  }

  #drop(): void {
    this.#dial?.cancel()
    this.#dial = undefined
    const connection = this.#connection
    this.#connection = undefined
    connection?.close()
  }
}

/** One connection, which serves one exchange at a time. */
class TcpConnection implements ByteStreamSink {
  readonly #stream: ByteStream
  readonly #probe: ProbeOf<'tcp'>
  readonly #onOver: (outcome: ProbeOutcome) => void
  #held = Buffer.alloc(0)
  #exchanging = false
  #ended = false

  constructor(stream: ByteStream, probe: ProbeOf<'tcp'>, onOver: (outcome: ProbeOutcome) => void) {
    this.#stream = stream
    this.#probe = probe
    this.#onOver = onOver
  }

  /** May serve another exchange. */
  get open(): boolean {
    return !this.#ended && this.#stream.closed === undefined
  }

  introduce(header: Buffer | undefined): void {
    this.#stream.setSink(this)
    if (header !== undefined) this.#stream.write(header, 0, header.length)
  }

  exchange(): void {
    const { send, receive } = this.#probe
    this.#held = Buffer.alloc(0)
    this.#exchanging = true
    if (send !== undefined) this.#stream.write(send, 0, send.length)
    if (receive.length === 0) this.#finish(PASSED)
  }

  close(): void {
    this.#exchanging = false
    this.#ended = true
    this.#stream.close(PROBE_OVER)
  }

  onData(buffer: Buffer, start: number, end: number): void {
    if (!this.#exchanging) return
    const room = Math.min(end - start, ANSWER_BYTES - this.#held.length)
    this.#held = Buffer.concat([this.#held, buffer.subarray(start, start + room)])
    if (holdsInOrder(this.#held, this.#probe.receive)) this.#finish(PASSED)
    else if (this.#held.length === ANSWER_BYTES)
      this.#finish(unreachable(`sent ${ANSWER_BYTES} bytes without what is expected`))
  }

  onEnd(): void {
    this.#ended = true
    const count = this.#held.length
    this.#finish(unreachable(`ended the connection after ${count} bytes without what is expected`))
  }

  onDrain(): void {
    // What is sent is small, and queued whole.
  }

  onClose(cause: CloseCause): void {
    this.#ended = true
    this.#finish(unreachable(causeText(cause)))
  }

  #finish(outcome: ProbeOutcome): void {
    if (!this.#exchanging) return
    this.#exchanging = false
    this.#onOver(outcome)
  }
}

function holdsInOrder(bytes: Buffer, pieces: readonly Buffer[]): boolean {
  let at = 0
  for (const piece of pieces) {
    const found = bytes.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return true
}
