// BackendTLSPolicy of Azure Application Gateway for Containers, which is not the Gateway API's of the same name: TLS to the
// endpoints of a Service.

import { z } from 'zod'
import { ALB_GROUP, albPolicy, secretReference } from './alb-target.ts'
import { object, portNumber } from './field.ts'
import { defineKind } from './kind.ts'

const config = object({
  sni: z.string().max(253).optional(),
  /** Absent or empty = every port. */
  ports: z
    .array(object({ port: portNumber.optional() }))
    .max(64)
    .default([]),
  clientCertificateRef: secretReference.optional(),
  /** Absent = encrypted, but nobody is verified. */
  verify: object({
    caCertificateRef: secretReference,
    subjectAltName: z.string().max(253).optional(),
  }).optional(),
})

const schema = albPolicy(config)
export type AlbBackendTlsPolicyValue = z.infer<typeof schema>

export const ALB_BACKEND_TLS_POLICY = defineKind({
  group: ALB_GROUP,
  kind: 'BackendTLSPolicy',
  versions: ['v1'],
  namespaced: true,
  schema,
  status: 'conditions',
})
