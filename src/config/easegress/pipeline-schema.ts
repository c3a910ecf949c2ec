// Pipeline: its flow, and the resilience policies that Proxy filters name. The filters have schemas of their own.

import { z } from 'zod'
import { duration, flag, fraction, integer, name, oneOf, text } from './scalar.ts'

export const flowNode = z.object({
  filter: name,
  alias: text.optional(),
  namespace: text.optional(),
  jumpIf: z.record(z.string(), text).optional(),
})

export type FlowNode = z.output<typeof flowNode>

export const retryPolicy = z.object({
  kind: text,
  name,
  maxAttempts: integer(1).optional(),
  waitDuration: duration.optional(),
  backOffPolicy: oneOf('', 'random', 'exponential').optional(),
  randomizationFactor: fraction(0, 1).optional(),
})

export type RetrySpec = z.output<typeof retryPolicy>

export const circuitBreakerPolicy = z.object({
  kind: text,
  name,
  slidingWindowType: oneOf('', 'COUNT_BASED', 'TIME_BASED').optional(),
  failureRateThreshold: integer(1, 100).optional(),
  slowCallRateThreshold: integer(1, 100).optional(),
  slowCallDurationThreshold: duration.optional(),
  slidingWindowSize: integer(1).optional(),
  permittedNumberOfCallsInHalfOpenState: integer(0).optional(),
  minimumNumberOfCalls: integer(0).optional(),
  maxWaitDurationInHalfOpenState: duration.optional(),
  waitDurationInOpenState: duration.optional(),
})

export type CircuitBreakerSpec = z.output<typeof circuitBreakerPolicy>

/** What is told apart before the parts are read. */
export const pipelineFields = {
  flow: z.array(flowNode).optional(),
  filters: z.array(z.looseObject({ kind: name, name })),
  resilience: z.array(z.looseObject({ kind: name, name })).optional(),
  data: z.record(z.string(), z.unknown()).optional(),
}

export const pipelineSpec = z.object(pipelineFields)

/** What every object may have beside its own fields. */
export const objectFields = {
  kind: text,
  name,
  version: text.optional(),
  createdAt: text.optional(),
  labels: z.record(z.string(), text).optional(),
}

export const pipelineObject = z.object({ ...objectFields, ...pipelineFields })

export type PipelineSpec = z.output<typeof pipelineSpec>

export const globalFilter = z.object({
  ...objectFields,
  beforePipeline: pipelineSpec.optional(),
  afterPipeline: pipelineSpec.optional(),
  fallthrough: z
    .object({
      beforePipeline: flag.optional(),
      pipeline: flag.optional(),
    })
    .optional(),
})
