// TLSRoute: connections by the server name that the client asks for, passed through or terminated by the listener.

import { z } from 'zod'
import { hostname, object, parentReferences, plainBackendReference, sectionName, unsupported } from './field.ts'
import { defineKind } from './kind.ts'

const rule = object({
  name: sectionName.optional(),
  backendRefs: z.array(plainBackendReference).min(1).max(16),
})

const schema = object({
  spec: object({
    parentRefs: parentReferences,
    useDefaultGateways: unsupported('useDefaultGateways'),
    hostnames: z.array(hostname).min(1).max(1024),
    rules: z.array(rule).length(1),
  }),
})

export const TLS_ROUTE = defineKind({
  group: 'gateway.networking.k8s.io',
  kind: 'TLSRoute',
  versions: ['v1', 'v1alpha3', 'v1alpha2'],
  namespaced: true,
  schema,
  status: 'parents',
})
