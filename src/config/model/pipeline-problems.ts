// What a pipeline asks for that cannot be run: a request goes up once, and what works on the request has no effect behind the
// step that sent it. Dialects report these when they load a pipeline.

import type { Pipeline, PipelineStep } from './pipeline.ts'
import { placeHint } from './place.ts'

export interface PipelineProblem {
  readonly step: PipelineStep
  readonly message: string
  readonly hint: string
}

/** In the order of the steps; one for each step that is wrong. */
export function pipelineProblems({ steps }: Pipeline): readonly PipelineProblem[] {
  const problems = new Map<PipelineStep, PipelineProblem>()
  for (const [at, step] of steps.entries()) {
    if (!forwards(step)) continue
    for (const later of reachable(steps, at)) {
      const found = steps[later]
      const problem = found === undefined || problems.has(found) ? undefined : problemOf(found, step)
      if (found !== undefined && problem !== undefined) problems.set(found, problem)
    }
  }
  return steps.map((step) => problems.get(step)).filter((problem) => problem !== undefined)
}

const forwards = ({ filter }: PipelineStep): boolean => filter.kind === 'proxy' || filter.kind === 'websocket-proxy'

function problemOf(step: PipelineStep, proxy: PipelineStep): PipelineProblem | undefined {
  const behind = `"${step.name}" can be reached from the proxy "${proxy.name}" (${placeHint(proxy.place)})`
  switch (step.filter.kind) {
    case 'proxy':
    case 'websocket-proxy':
      return {
        step,
        message: `${behind}: two proxies one after another are not supported`,
        hint: 'give the first one more servers or a retry policy, or end the flow between them',
      }
    case 'validator':
    case 'rate-limiter':
    case 'request-adaptor':
    case 'request-builder':
      return {
        step,
        message: `${behind}: it works on the request, which has been sent by then`,
        hint: 'move it before the proxy',
      }
    default:
      return undefined
  }
}

/** Indexes of the steps that may run after step `from`. */
function reachable(steps: readonly PipelineStep[], from: number): ReadonlySet<number> {
  const found = new Set<number>()
  const open = [from]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const next of successors(steps, at)) {
      if (found.has(next)) continue
      found.add(next)
      open.push(next)
    }
  }
  return found
}

function successors(steps: readonly PipelineStep[], at: number): number[] {
  const step = steps[at]
  if (step === undefined) return []
  const next = [...step.jumpIf.values()].map((name) => steps.findIndex((other, i) => i > at && other.name === name))
  if (!step.jumpIf.has('') && step.filter.kind !== 'end') next.push(at + 1)
  return next.filter((index) => index > at && index < steps.length)
}
