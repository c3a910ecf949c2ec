// Probes by one HTTP request and its answer: what the HTTP and the gRPC check share. A kept connection that turns out to be
// gone when it is used again says nothing of the endpoint: the request is sent once more on a new one.

import type { CloseCause } from '../../core/close-cause.ts'
import type { RequestHead } from '../../codec/http-stream.ts'
import type { Prober, ProbeOutcome, ProbeSink } from '../../cluster/health/prober.ts'
import type { UpstreamConnection } from '../upstream-connection.ts'
import { type Answer, type AnswerOwner, AnswerReader } from './answer-reader.ts'
import { type LinkUser, ProbeLink } from './probe-link.ts'
import type { ProbeTarget } from './probe-target.ts'
import { causeText, type ProbeTools, unreachable } from './probe-tools.ts'

/** What one kind of check asks, and how it takes the answer. */
export interface Question {
  readonly version: 'http1' | 'http2'
  /** For sentences: `GET /ready`. */
  readonly asked: string
  readonly body: Buffer | undefined
  /** Bytes of the answer's body that `judge` needs. */
  readonly keepBytes: number
  /** What may be the matter when no answer comes; '' = nothing in particular. */
  readonly silence: string
  head(): RequestHead
  judge(answer: Answer): ProbeOutcome
}

export class RequestProber implements Prober, LinkUser, AnswerOwner {
  readonly #question: Question
  readonly #link: ProbeLink
  #sink: ProbeSink | undefined
  #reader: AnswerReader | undefined
  #reused = false

  constructor(tools: ProbeTools, target: ProbeTarget, question: Question) {
    this.#question = question
    this.#link = new ProbeLink(tools, { target, mode: question.version, upgrade: false })
  }

  get waitsFor(): string {
    const { asked } = this.#question
    if (this.#reader === undefined) return 'no connection'
    return this.#reader.begun ? `no end of the answer to ${asked}` : `no answer to ${asked}`
  }

  get hint(): string {
    return this.#reader?.begun === false ? this.#question.silence : ''
  }

  probe(sink: ProbeSink): void {
    this.#sink = sink
    this.#link.acquire(this)
  }

  abandon(): void {
    this.#sink = undefined
    this.#forgetReader()
    this.#link.drop()
  }

  close(): void {
    this.abandon()
  }

  onLink(connection: UpstreamConnection, reused: boolean): void {
    const { body, keepBytes } = this.#question
    this.#reused = reused
    const reader = new AnswerReader(keepBytes, this)
    this.#reader = reader
    const stream = connection.client.request(this.#question.head(), body === undefined, reader)
    if (body !== undefined) stream.sendData(body, 0, body.length, true)
  }

  onNoLink(reason: string): void {
    this.#finish(unreachable(reason))
  }

  onAnswer(answer: Answer): void {
    const outcome = this.#question.judge(answer)
    if (answer.cut) this.#link.drop()
    else this.#link.release()
    this.#finish(outcome)
  }

  onLost(cause: CloseCause, begun: boolean): void {
    const again = this.#reused && !begun
    this.#forgetReader()
    this.#link.drop()
    if (again) this.#link.acquire(this)
    else this.#finish(unreachable(`${this.#question.asked}: ${causeText(cause)}`))
  }

  #finish(outcome: ProbeOutcome): void {
    const sink = this.#sink
    this.#sink = undefined
    this.#forgetReader()
    sink?.onProbed(outcome)
  }

  #forgetReader(): void {
    this.#reader?.stop()
    this.#reader = undefined
  }
}
