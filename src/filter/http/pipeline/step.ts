// What a step of a pipeline is to the run that drives it.

import type { ForwardAction } from '../../../config/model/route.ts'
import type { CallGate } from './call-gate.ts'
import type { PipelineExchange } from './pipeline-exchange.ts'

export type StepOutcome =
  /** '' = all well; anything else is a result that `jumpIf` may name. */
  | { readonly kind: 'result'; readonly result: string }
  /** `resume` is called later, unless `cancel` is called before. */
  | { readonly kind: 'waiting'; readonly cancel: () => void }
  | { readonly kind: 'forward'; readonly forward: Forwarding }

/** The step that forwards, and how its answer is judged. */
export interface Forwarding {
  readonly action: ForwardAction
  readonly gate: CallGate | undefined
  /** The result of an answer with this status. */
  resultOf(status: number): string
}

/** One configured filter; shared by all exchanges, so that a rate limit counts them all. */
export interface StepFilter {
  /** On which side of the proxy it does anything: a request that was sent cannot be changed any more. */
  readonly side: 'request' | 'response' | 'both'
  /** Whether it may run on the answer that accepts a tunnel, which has to stay one. */
  readonly onTunnel: boolean
  run(exchange: PipelineExchange, namespace: string, resume: (result: string) => void): StepOutcome
}

export const result = (text: string): StepOutcome => ({ kind: 'result', result: text })

/** All well: on to the next step. */
export const NEXT: StepOutcome = result('')
