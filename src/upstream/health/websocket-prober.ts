// The WebSocket check, one attempt per probe: a WebSocket is never used twice. Those whose closing handshake still goes on
// are kept until it is over.

import type { Prober, ProbeOutcome, ProbeSink } from '../../cluster/health/prober.ts'
import type { ProbeTools } from './probe-tools.ts'
import { type AttemptOwner, WebSocketAttempt, type WebSocketQuestion } from './websocket-attempt.ts'

export class WebSocketProber implements Prober, AttemptOwner {
  readonly hint = ''
  readonly #tools: ProbeTools
  readonly #question: WebSocketQuestion
  readonly #open = new Set<WebSocketAttempt>()
  #sink: ProbeSink | undefined
  #current: WebSocketAttempt | undefined

  constructor(tools: ProbeTools, question: WebSocketQuestion) {
    this.#tools = tools
    this.#question = question
  }

  get waitsFor(): string {
    return this.#current?.waitsFor ?? 'no connection'
  }

  probe(sink: ProbeSink): void {
    this.#sink = sink
    const attempt = new WebSocketAttempt(this.#tools, this.#question, this)
    this.#current = attempt
    this.#open.add(attempt)
    attempt.start()
  }

  abandon(): void {
    this.#sink = undefined
    this.#current?.end()
    this.#current = undefined
  }

  close(): void {
    this.#sink = undefined
    for (const attempt of [...this.#open]) attempt.end()
  }

  onOutcome(attempt: WebSocketAttempt, outcome: ProbeOutcome): void {
    if (attempt !== this.#current) return
    this.#current = undefined
    const sink = this.#sink
    this.#sink = undefined
    sink?.onProbed(outcome)
  }

  onGone(attempt: WebSocketAttempt): void {
    this.#open.delete(attempt)
  }
}
