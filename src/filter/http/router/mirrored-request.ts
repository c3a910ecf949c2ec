// A copy of a request on its way to a mirror. Nobody waits for it: the answer is thrown away, and a mirror that fails or
// hangs costs its cluster's statistics and a slot of its circuit breaker, for a limited time, and nothing else.

import { closeCause, type CloseCause } from '../../../core/close-cause.ts'
import type { Deadline } from '../../../core/timer-wheel.ts'
import type { ClientStream, ClientStreamSink, RequestHead, ResponseHead } from '../../../codec/http-stream.ts'
import { targetFrom } from '../../../cluster/target.ts'
import type { ClusterUpstream } from '../../../upstream/cluster-upstream.ts'
import { earlyCode } from '../../../upstream/lost-stream.ts'
import { reportAnswer, reportConnectFailure, reportLoss } from '../../../upstream/outlier-report.ts'
import type { StreamWaiter, Ticket, UpstreamFailure } from '../../../upstream/stream-need.ts'
import type { UpstreamConnection } from '../../../upstream/upstream-connection.ts'
import type { RouterTools } from './router-tools.ts'
import { sendBody, type WholeBody } from './upstream-body.ts'

export interface MirroredParts {
  readonly upstream: ClusterUpstream
  readonly head: RequestHead
  readonly body: WholeBody
  /** The route timeout; undefined = it has none, and {@link LONGEST_MS} holds. */
  readonly limitMs: number | undefined
  readonly tools: RouterTools
}

/** A mirror is never waited for longer. */
const LONGEST_MS = 60_000

export class MirroredRequest implements StreamWaiter, ClientStreamSink {
  readonly #parts: MirroredParts
  #ticket: Ticket | undefined
  #connection: UpstreamConnection | undefined
  #stream: ClientStream | undefined
  #deadline: Deadline | undefined
  #answered = false
  #done = false

  constructor(parts: MirroredParts) {
    this.#parts = parts
  }

  start(): void {
    const { upstream, head, limitMs, tools } = this.#parts
    if (upstream.admit('default') !== undefined) return
    this.#deadline = tools.wheel.arm(Math.min(limitMs ?? LONGEST_MS, LONGEST_MS), () => this.#timedOut())
    const need = {
      serverName: upstream.serverNameFor(head),
      priority: 'default' as const,
      target: targetFrom(upstream.cluster, head),
      upgrade: false,
      downstreamProtocol: head.protocol,
    }
    const ticket = upstream.acquire(need, this)
    if (!this.#done && this.#connection === undefined) this.#ticket = ticket
  }

  onStreamReady(connection: UpstreamConnection): void {
    if (this.#done) return
    const { upstream, head, body, tools } = this.#parts
    const { endpoint, client } = connection
    this.#ticket = undefined
    this.#connection = connection
    endpoint.outlier?.localOrigin('connect-success')
    upstream.onStreamStart(endpoint)
    const headOnly = body.pieces.length === 0 && body.trailers === undefined
    const stream = client.request(head, headOnly, this)
    this.#stream = stream
    stream.setHighWater(tools.bufferLimitBytes)
    if (!headOnly) sendBody(body, true, stream)
  }

  onStreamFailed({ endpoint, code }: UpstreamFailure): void {
    if (endpoint !== undefined) reportConnectFailure(endpoint, code)
    this.#finish()
  }

  onInformational(): void {
    // Nobody is there to hear it.
  }

  onResponse(head: ResponseHead, endStream: boolean): void {
    if (this.#done || this.#connection === undefined) return
    this.#answered = true
    this.#parts.upstream.onResponseHead(this.#connection.endpoint, head.status)
    reportAnswer(this.#connection.endpoint, head)
    if (endStream) this.#finish()
  }

  onData(_buffer: Buffer, _start: number, _end: number, endStream: boolean): void {
    if (endStream) this.#finish()
  }

  onTrailers(): void {
    this.#finish()
  }

  onDrain(): void {
    // All of the body was given at once.
  }

  onReset(cause: CloseCause): void {
    if (this.#done) return
    this.#parts.upstream.stats.upstreamRqRxReset.value++
    if (!this.#answered && this.#connection !== undefined) reportLoss(this.#connection.endpoint, earlyCode(cause))
    this.#finish()
  }

  #timedOut(): void {
    if (this.#done) return
    const { stats } = this.#parts.upstream
    stats.upstreamRqTimeout.value++
    if (!this.#answered && this.#connection !== undefined) reportLoss(this.#connection.endpoint, 'response_timeout')
    this.#finish()
    this.#ticket?.cancel()
    if (this.#stream === undefined) return
    stats.upstreamRqTxReset.value++
    this.#stream.reset(closeCause('proxy', 'http', 'mirror_done', 'the mirror took too long'))
  }

  #finish(): void {
    if (this.#done) return
    this.#done = true
    this.#deadline?.cancel()
    const { upstream } = this.#parts
    if (this.#connection !== undefined) upstream.onStreamEnd(this.#connection.endpoint)
    upstream.leave('default')
  }
}
