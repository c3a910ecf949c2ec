// Makes the pipeline filter. The pipeline is the route's, or the one of the filter itself; without one requests pass.

import type { Clock } from '../../../core/clock.ts'
import type { HttpFilterConfig } from '../../../config/model/http-filter.ts'
import type { Pipeline } from '../../../config/model/pipeline.ts'
import type { HttpFilterFactory } from '../../http-filter.ts'
import type { CompiledPipeline } from './compiled-pipeline.ts'
import { PipelineRun } from './pipeline-run.ts'

type PipelineFilterConfig = Extract<HttpFilterConfig, { kind: 'pipeline' }>

export interface PipelineTools {
  readonly clock: Clock
  /** The same pipeline for all listeners of a server: its limits count for all of them. */
  compile(pipeline: Pipeline): CompiledPipeline
}

export function pipelineFilter(config: PipelineFilterConfig, tools: PipelineTools): HttpFilterFactory {
  return {
    name: config.name,
    kind: 'pipeline',
    disabled: config.disabled,
    create: (handle, override) => {
      const pipeline = (override?.kind === 'pipeline' ? override.pipeline : undefined) ?? config.pipeline
      return pipeline === undefined ? PASS : new PipelineRun(tools.compile(pipeline), handle, tools.clock)
    },
  }
}

const PASS = {}
