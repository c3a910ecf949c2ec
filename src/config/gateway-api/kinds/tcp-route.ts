// TCPRoute: all connections of a TCP listener.

import { z } from 'zod'
import { object, parentReferences, plainBackendReference, sectionName, unsupported } from './field.ts'
import { defineKind } from './kind.ts'

const rule = object({
  name: sectionName.optional(),
  backendRefs: z.array(plainBackendReference).min(1).max(16),
})

const schema = object({
  spec: object({
    parentRefs: parentReferences,
    useDefaultGateways: unsupported('useDefaultGateways'),
    rules: z.array(rule).length(1),
  }),
})

export const TCP_ROUTE = defineKind({
  group: 'gateway.networking.k8s.io',
  kind: 'TCPRoute',
  versions: ['v1', 'v1alpha2'],
  namespaced: true,
  schema,
  status: 'parents',
})
