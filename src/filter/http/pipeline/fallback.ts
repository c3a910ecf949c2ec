// Answers in place of what failed (Easegress: Fallback). Needs an answer to replace; its result ends the pipeline.

import type { PipelineFilter } from '../../../config/model/pipeline.ts'
import { setMade } from './header-adaption.ts'
import { result, type StepFilter } from './step.ts'

type Fallback = Extract<PipelineFilter, { kind: 'fallback' }>

export function fallback(config: Fallback): StepFilter {
  const body = Buffer.from(config.body)
  return {
    side: 'both',
    onTunnel: false,
    run(exchange, namespace) {
      const response = exchange.response(namespace)
      if (response === undefined) return result('responseNotFound')
      response.status = config.status
      // What was said of the body that is gone.
      response.headers.remove('content-encoding')
      for (const [name, value] of config.headers) setMade(response.headers, name.toLowerCase(), value)
      response.body = body
      return result('fallback')
    },
  }
}
