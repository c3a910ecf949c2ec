// RoutePolicy of Azure Application Gateway for Containers: session affinity and the timeout of an HTTPRoute.

import { z } from 'zod'
import { ALB_GROUP, albPolicy, goDuration } from './alb-target.ts'
import { object } from './field.ts'
import { defineKind } from './kind.ts'

const config = object({
  sessionAffinity: object({
    affinityType: z.enum(['managed-cookie', 'application-cookie']),
    cookieName: z.string().max(256).optional(),
    cookieDuration: goDuration.optional(),
  }).optional(),
  timeouts: object({ routeTimeout: goDuration.optional() }).optional(),
})
export type RoutePolicyConfig = z.infer<typeof config>

const schema = albPolicy(config)
export type RoutePolicyValue = z.infer<typeof schema>

export const ROUTE_POLICY = defineKind({
  group: ALB_GROUP,
  kind: 'RoutePolicy',
  versions: ['v1'],
  namespaced: true,
  schema,
  status: 'conditions',
})
