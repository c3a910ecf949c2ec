// Joins the pipelines of a GlobalFilter to a pipeline: one list of steps, with jumps that do what the vendor's nested
// runs do. An end inside a part ends everything, unless the fallthrough of that part says that the next one runs all
// the same.

import type { PipelineStep } from '../model/pipeline.ts'
import { END, type KnownStep } from './lower-pipeline.ts'

export interface GlobalSteps {
  readonly before: readonly KnownStep[]
  readonly after: readonly KnownStep[]
  /** The pipeline runs even when `before` ended. */
  readonly fallthroughBefore: boolean
  /** `after` runs even when the pipeline ended. */
  readonly fallthroughPipeline: boolean
}

export function wrapSteps(steps: readonly KnownStep[], global: GlobalSteps | undefined): readonly PipelineStep[] {
  if (global === undefined) return steps.map(({ step }) => step)
  const after = part(global.after, 'after/', undefined)
  const afterName = after[0]?.name
  const main = part(steps, '', global.fallthroughPipeline ? afterName : undefined)
  const mainName = main[0]?.name ?? afterName
  const before = part(global.before, 'before/', global.fallthroughBefore ? mainName : undefined)
  return [...before, ...main, ...after]
}

/** With `next`, whatever would end this part goes there. Names get the part's prefix, so that they stay unique. */
function part(steps: readonly KnownStep[], prefix: string, next: string | undefined): readonly PipelineStep[] {
  const target = (name: string): string => (name === END ? (next ?? END) : prefix + name)
  return steps.map(({ step, results }) => {
    const jumpIf = new Map<string, string>()
    if (next !== undefined) for (const result of results) jumpIf.set(result, next)
    if (next !== undefined && step.filter.kind === 'end') jumpIf.set('', next)
    for (const [result, name] of step.jumpIf) jumpIf.set(result, target(name))
    return { ...step, name: prefix + step.name, jumpIf }
  })
}
