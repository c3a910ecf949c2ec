// HealthCheckPolicy of Azure Application Gateway for Containers: how the endpoints of a Service are probed. The schema has
// no defaults and no ranges; policy/health-check-policy.ts judges the numbers.

import { z } from 'zod'
import { ALB_GROUP, albPolicy, goDuration, int32 } from './alb-target.ts'
import { object } from './field.ts'
import { defineKind } from './kind.ts'

const config = object({
  interval: goDuration.optional(),
  timeout: goDuration.optional(),
  healthyThreshold: int32.optional(),
  unhealthyThreshold: int32.optional(),
  port: int32.optional(),
  useTLS: z.boolean().optional(),
  http: object({
    host: z.string().max(253).optional(),
    path: z.string().max(2048).optional(),
    match: object({
      body: z.string().max(65_536).optional(),
      statusCodes: z
        .array(object({ start: int32.optional(), end: int32.optional() }))
        .max(64)
        .optional(),
    }).optional(),
  }).optional(),
  grpc: object({
    authority: z.string().max(253).optional(),
    service: z.string().max(1024).optional(),
  }).optional(),
})
export type HealthCheckPolicyConfig = z.infer<typeof config>

const schema = albPolicy(config)
export type HealthCheckPolicyValue = z.infer<typeof schema>

export const HEALTH_CHECK_POLICY = defineKind({
  group: ALB_GROUP,
  kind: 'HealthCheckPolicy',
  versions: ['v1'],
  namespaced: true,
  schema,
  status: 'conditions',
})
