// FrontendTLSPolicy of Azure Application Gateway for Containers: TLS versions, cipher suites and client certificates of a
// Gateway's listeners.

import { z } from 'zod'
import { ALB_GROUP, albPolicy, secretReference } from './alb-target.ts'
import { object } from './field.ts'
import { defineKind } from './kind.ts'

const config = object({
  policyType: object({ name: z.string(), type: z.string() }).default({ name: '2023-06', type: 'predefined' }),
  verify: object({
    caCertificateRef: secretReference,
    subjectAltNames: z.array(z.string()).max(64).default([]),
  }).optional(),
})

const schema = albPolicy(config)
export type FrontendTlsPolicyValue = z.infer<typeof schema>

export const FRONTEND_TLS_POLICY = defineKind({
  group: ALB_GROUP,
  kind: 'FrontendTLSPolicy',
  versions: ['v1'],
  namespaced: true,
  schema,
  status: 'conditions',
})
