// BackendLoadBalancingPolicy of Azure Application Gateway for Containers: how requests are spread over the endpoints of
// Services, and how many at once.

import { z } from 'zod'
import { ALB_GROUP, albTargetRef, goDuration } from './alb-target.ts'
import { object, portNumber } from './field.ts'
import { defineKind } from './kind.ts'

/** The vendor's way of saying "no limit". */
const DISABLED = 1_000_000_000
const limit = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
  .default(DISABLED)

const schema = object({
  spec: object({
    targetRefs: z
      .array(
        object({
          targetRef: albTargetRef,
          /** Absent or empty = every port. */
          ports: z
            .array(object({ port: portNumber.optional() }))
            .max(64)
            .default([]),
        }),
      )
      .max(64),
    loadBalancing: object({
      strategy: z.enum(['round-robin', 'least-request', 'ring-hash', 'load-aware']).default('round-robin'),
      slowStart: object({
        window: goDuration,
        aggression: z
          .string()
          .refine((text) => /^(?:\d+(?:\.\d+)?|\.\d+)$/.test(text), 'is not a number such as "1.0"')
          .default('1.0'),
        startWeightPercent: z.int().min(0).max(100).default(10),
      }).optional(),
    }).optional(),
    circuitBreaker: object({
      maxConnections: limit,
      maxPendingRequests: limit,
      maxRequests: limit,
      maxRetries: limit,
    }).optional(),
  }),
})
export type BackendLoadBalancingPolicyValue = z.infer<typeof schema>

export const BACKEND_LOAD_BALANCING_POLICY = defineKind({
  group: ALB_GROUP,
  kind: 'BackendLoadBalancingPolicy',
  versions: ['v1'],
  namespaced: true,
  schema,
  status: 'conditions',
})
