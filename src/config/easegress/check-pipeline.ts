// What a pipeline asks for that cannot be run, told at the step that asks for it. The steps that a GlobalFilter puts around
// it count, so one step may be looked at for several servers; it is named once.

import { pipelineProblems } from '../model/pipeline-problems.ts'
import type { Place } from '../model/place.ts'
import type { PipelineStep } from '../model/pipeline.ts'
import type { Loading } from './loading.ts'

export class PipelineCheck {
  readonly #loading: Loading
  readonly #reported = new Set<string>()

  constructor(loading: Loading) {
    this.#loading = loading
  }

  /** Reports what is wrong with `steps`, and gives them back. */
  of(name: string, steps: readonly PipelineStep[], place: Place): readonly PipelineStep[] {
    for (const { step, message, hint } of pipelineProblems({ name, steps, place })) {
      const { file, line, column } = step.place
      const key = `${file}:${line}:${column}`
      if (this.#reported.has(key)) continue
      this.#reported.add(key)
      this.#loading.errorAt(step.place, message, hint)
    }
    return steps
  }
}
