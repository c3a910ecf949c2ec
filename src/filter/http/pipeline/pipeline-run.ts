// The run of one request through the steps of its pipeline: up to a proxy step on the request's way, on from there with
// the answer that came, or with the failure (Easegress: Pipeline). Whatever ends without an answer is a 503.

import type { Clock } from '../../../core/clock.ts'
import { errorEntry } from '../../../core/errors.ts'
import type { HeaderList } from '../../../codec/header-list.ts'
import type { RequestHead, ResponseHead } from '../../../codec/http-stream.ts'
import { isFramingField, isHandshakeField } from '../../../codec/protected-fields.ts'
import { PAUSE } from '../../../transport/byte-stream.ts'
import type { DataVerdict, ExchangeHandle, HeadVerdict, HttpFilter, LocalReply } from '../../http-filter.ts'
import type { Call } from './call-gate.ts'
import type { CompiledPipeline, CompiledStep } from './compiled-pipeline.ts'
import { nextStep } from './flow.ts'
import { replyOf } from './made-reply.ts'
import { DEFAULT_NAMESPACE, PipelineExchange } from './pipeline-exchange.ts'
import { failureResult } from './proxy.ts'
import type { Forwarding } from './step.ts'

/** `asked`: the request goes through; `forwarded`: an answer is awaited; `answered`: it goes through; `over`. */
type Phase = 'asked' | 'forwarded' | 'answered' | 'over'

/** Where a walk through the steps came to. `refused`: the exchange has answered already. */
type Stop = 'waiting' | 'forwarded' | 'refused' | 'ended'

export class PipelineRun implements HttpFilter {
  readonly #compiled: CompiledPipeline
  readonly #handle: ExchangeHandle
  readonly #clock: Clock
  #exchange: PipelineExchange | undefined
  #phase: Phase = 'asked'
  #forwardedAt = -1
  #forward: Forwarding | undefined
  #call: Call | undefined
  #cancelWait: (() => void) | undefined
  #paused = false

  constructor(compiled: CompiledPipeline, handle: ExchangeHandle, clock: Clock) {
    this.#compiled = compiled
    this.#handle = handle
    this.#clock = clock
  }

  onRequestHead(head: RequestHead, endStream: boolean): HeadVerdict {
    this.#exchange = new PipelineExchange(this.#handle, head, this.#clock)
    const stop = this.#walk(0)
    if (stop === 'forwarded') return 'continue'
    if (stop === 'waiting' && !endStream && head.tunnel === undefined) this.#pause()
    if (stop === 'ended') this.#answer()
    return 'stop'
  }

  onRequestData(): DataVerdict {
    return 'buffer'
  }

  onResponseHead(head: ResponseHead): HeadVerdict {
    const exchange = this.#exchange
    const forward = this.#forward
    if (this.#phase !== 'forwarded' || exchange === undefined || forward === undefined) return 'continue'
    this.#phase = 'answered'
    const { namespace } = this.#forwardingStep()
    this.#call?.end(forward.gate?.fails(head.status) !== true)
    mergeEarlier(head.headers, exchange.response(namespace)?.headers)
    const { status, headers } = head
    exchange.setResponse(namespace, { status, headers, body: undefined, reply: undefined })
    const tunnelled = this.#handle.facts.tunnelled
    const stop = this.#walk(
      nextStep(this.#compiled.steps, this.#forwardedAt, tunnelled ? '' : forward.resultOf(status)),
    )
    if (tunnelled) return 'continue'
    if (stop === 'waiting') return 'stop'
    return this.#passOn(head)
  }

  onLocalReply(reply: LocalReply): LocalReply | 'hold' {
    if (this.#phase !== 'forwarded') return reply
    return this.#failed(reply)
  }

  onDestroy(): void {
    this.#phase = 'over'
    this.#cancelWait?.()
    this.#cancelWait = undefined
    this.#call?.cancel()
  }

  /** Runs steps from `at` on, up to where it cannot go on by itself. */
  #walk(at: number): Stop {
    const exchange = this.#exchange
    const { steps } = this.#compiled
    if (exchange === undefined) return 'ended'
    for (let i = at, step = steps[i]; step !== undefined; step = steps[i]) {
      if (!this.#concerns(step)) {
        i++
        continue
      }
      const here = i
      const outcome = step.filter.run(exchange, step.namespace, (result) => this.#resume(here, result))
      if (outcome.kind === 'waiting') {
        this.#cancelWait = outcome.cancel
        return 'waiting'
      }
      if (outcome.kind === 'result') {
        i = nextStep(steps, i, outcome.result)
        continue
      }
      const refusal = outcome.forward.gate?.enter()
      if (typeof refusal !== 'string') return this.#forwardBy(i, outcome.forward, refusal)
      const code = 'pipeline_short_circuited'
      exchange.answer(step.namespace, 503, { code, explanation: refusal, place: this.#placeOf(i) })
      i = nextStep(steps, i, 'shortCircuited')
    }
    return 'ended'
  }

  /** After the proxy only what concerns the answer runs; of an accepted tunnel, only what leaves it accepted. */
  #concerns({ filter }: CompiledStep): boolean {
    if (this.#phase === 'asked') return true
    return filter.side !== 'request' && (filter.onTunnel || !this.#handle.facts.tunnelled)
  }

  #forwardBy(at: number, forward: Forwarding, call: Call | undefined): Stop {
    const namespace = this.#compiled.steps[at]?.namespace ?? DEFAULT_NAMESPACE
    if (this.#exchange?.install(namespace) !== true) {
      call?.cancel()
      return 'ended'
    }
    this.#phase = 'forwarded'
    this.#forwardedAt = at
    this.#forward = forward
    this.#call = call
    return this.#handle.forwardBy(forward.action) ? 'forwarded' : 'refused'
  }

  /** A step that waited is done. */
  #resume(at: number, result: string): void {
    if (this.#phase === 'over') return
    this.#cancelWait = undefined
    this.#unpause()
    const stop = this.#walk(nextStep(this.#compiled.steps, at, result))
    if (stop === 'forwarded') this.#handle.continueRequest()
    else if (stop === 'ended') this.#answer()
  }

  /** Nothing came back but the proxy's own answer: the steps after the proxy may make another one of it. */
  #failed(reply: LocalReply): LocalReply | 'hold' {
    const exchange = this.#exchange
    if (exchange === undefined) return reply
    this.#phase = 'answered'
    const result = failureResult(reply.code)
    if (result === 'clientError') this.#call?.cancel()
    else this.#call?.end(false)
    exchange.answer(this.#forwardingStep().namespace, statusOf(reply), reply)
    const stop = this.#walk(nextStep(this.#compiled.steps, this.#forwardedAt, result))
    return stop === 'waiting' ? 'hold' : this.#finalReply()
  }

  /** The upstream's answer goes on, or another one takes its place. */
  #passOn(head: ResponseHead): HeadVerdict {
    const final = this.#exchange?.response(DEFAULT_NAMESPACE)
    if (final?.reply === undefined && final?.body === undefined && final !== undefined) {
      head.status = final.status
      return 'continue'
    }
    this.#answer()
    return 'stop'
  }

  #answer(): void {
    this.#handle.sendLocalReply(this.#finalReply())
  }

  #finalReply(): LocalReply {
    this.#phase = 'over'
    const final = this.#exchange?.response(DEFAULT_NAMESPACE)
    return final === undefined ? this.#noAnswer() : replyOf(final)
  }

  #noAnswer(): LocalReply {
    const { name, place } = this.#compiled.pipeline
    const explanation = `pipeline "${name}" ended without a response in namespace ${DEFAULT_NAMESPACE}`
    return { code: 'pipeline_without_response', explanation, place }
  }

  #forwardingStep(): { readonly namespace: string } {
    return this.#compiled.steps[this.#forwardedAt] ?? { namespace: DEFAULT_NAMESPACE }
  }

  #placeOf(at: number): LocalReply['place'] {
    return this.#compiled.pipeline.steps[at]?.place
  }

  /** The body waits at the client, not here. */
  #pause(): void {
    this.#paused = true
    this.#handle.stream.pauseReading(PAUSE.filter)
  }

  #unpause(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#handle.stream.resumeReading(PAUSE.filter)
  }
}

/** The status that a local reply will have. */
const statusOf = ({ status, code }: LocalReply): number => status ?? (errorEntry(code).status || 503)

/** What a step left for the answer before it came, as CORSAdaptor does: its CORS fields win, the others come on top. */
function mergeEarlier(headers: HeaderList, earlier: HeaderList | undefined): void {
  if (earlier === undefined || earlier === headers) return
  for (const [name, value] of earlier) {
    if (isHandshakeField(name) || isFramingField(name)) continue
    if (name.startsWith('access-control-')) headers.set(name, value)
    else headers.add(name, value)
  }
}
