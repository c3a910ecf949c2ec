// A pipeline made ready for requests. Its filters have state of their own (rate limits, breakers, logins), so each pipeline
// and each filter is compiled once for all listeners and routes of a server, however many steps and pipelines use it.

import type { Clock } from '../../../core/clock.ts'
import type { Pipeline, PipelineFilter, PipelineStep } from '../../../config/model/pipeline.ts'
import type { Place } from '../../../config/model/place.ts'
import { corsAdaptor } from './cors-adaptor.ts'
import { fallback } from './fallback.ts'
import { type FlowStep, jumpsOf } from './flow.ts'
import { mock } from './mock.ts'
import { proxy, webSocketProxy } from './proxy.ts'
import { rateLimiter } from './rate-limiter.ts'
import { redirector } from './redirector.ts'
import { requestAdaptor } from './request-adaptor.ts'
import { requestBuilder } from './request-builder.ts'
import { responseAdaptor } from './response-adaptor.ts'
import { responseBuilder } from './response-builder.ts'
import { result, type StepFilter } from './step.ts'
import { validator } from './validator.ts'

export interface CompiledStep extends FlowStep {
  readonly namespace: string
  readonly filter: StepFilter
}

export interface CompiledPipeline {
  readonly pipeline: Pipeline
  readonly steps: readonly CompiledStep[]
}

/** Compiles pipelines, each once. */
export function pipelineCompiler(clock: Clock): (pipeline: Pipeline) => CompiledPipeline {
  const known = new WeakMap<Pipeline, CompiledPipeline>()
  const filters = new WeakMap<PipelineFilter, StepFilter>()
  return (pipeline) => {
    const compiled = known.get(pipeline) ?? compilePipeline(pipeline, filters, clock)
    known.set(pipeline, compiled)
    return compiled
  }
}

function compilePipeline(
  pipeline: Pipeline,
  filters: WeakMap<PipelineFilter, StepFilter>,
  clock: Clock,
): CompiledPipeline {
  const names = pipeline.steps.map((step) => step.name)
  const steps = pipeline.steps.map((step, at) => ({
    name: step.name,
    namespace: step.namespace,
    jumps: jumpsOf(step.jumpIf, at, names),
    filter: filterOf(step),
  }))
  return { pipeline, steps }

  function filterOf(step: PipelineStep): StepFilter {
    const { filter, jumpIf } = step
    if (filter.kind === 'end') return end(jumpIf.has('') ? '' : 'END')
    const compiled = filters.get(filter) ?? compileFilter(filter, step.place, clock)
    filters.set(filter, compiled)
    return compiled
  }
}

type Working = Exclude<PipelineFilter, { kind: 'end' }>

function compileFilter(filter: Working, place: Place, clock: Clock): StepFilter {
  switch (filter.kind) {
    case 'request-adaptor':
      return requestAdaptor(filter)
    case 'response-adaptor':
      return responseAdaptor(filter)
    case 'request-builder':
      return requestBuilder(filter)
    case 'response-builder':
      return responseBuilder(filter)
    case 'rate-limiter':
      return rateLimiter(filter, place, clock)
    case 'cors':
      return corsAdaptor(filter, place)
    case 'validator':
      return validator(filter, place, clock)
    case 'mock':
      return mock(filter)
    case 'redirector':
      return redirector(filter)
    case 'fallback':
      return fallback(filter)
    case 'proxy':
      return proxy(filter, clock)
    case 'websocket-proxy':
      return webSocketProxy(filter)
  }
}

/** Only a jump leads on from an END. */
const end = (text: string): StepFilter => ({ side: 'both', onTunnel: true, run: () => result(text) })
