// BackendTLSPolicy of the Gateway API: TLS to the endpoints of Services, verified against CAs and a name.

import { z } from 'zod'
import { groupName, kindName, object, objectName, preciseHostname, sectionName } from './field.ts'
import { defineKind } from './kind.ts'

/** Cluster-local, so without namespace. */
const localReference = object({ group: groupName, kind: kindName, name: objectName })

const subjectAltName = object({
  type: z.enum(['Hostname', 'URI']),
  hostname: z.string().min(1).max(253).optional(),
  uri: z.string().min(1).max(253).optional(),
}).superRefine(({ type, hostname, uri }, context) => {
  const say = (field: string, message: string): void => context.addIssue({ code: 'custom', path: [field], message })
  if (type === 'Hostname' && hostname === undefined) say('hostname', 'must be set for type Hostname')
  if (type === 'URI' && uri === undefined) say('uri', 'must be set for type URI')
  if (type === 'Hostname' && uri !== undefined) say('uri', 'must not stand beside type Hostname')
  if (type === 'URI' && hostname !== undefined) say('hostname', 'must not stand beside type URI')
})

const validation = object({
  caCertificateRefs: z.array(localReference).max(8).default([]),
  wellKnownCACertificates: z.string().min(1).max(253).optional(),
  /** SNI; the certificate must have it, unless subjectAltNames are given. */
  hostname: preciseHostname,
  subjectAltNames: z.array(subjectAltName).max(5).default([]),
}).superRefine(({ caCertificateRefs, wellKnownCACertificates: wellKnown }, context) => {
  if (caCertificateRefs.length > 0 && wellKnown !== undefined)
    context.addIssue({
      code: 'custom',
      message: 'has caCertificateRefs and wellKnownCACertificates; one of them is enough',
    })
  if (caCertificateRefs.length === 0 && wellKnown === undefined)
    context.addIssue({ code: 'custom', message: 'needs caCertificateRefs or wellKnownCACertificates' })
})

const schema = object({
  spec: object({
    targetRefs: z
      .array(object({ group: groupName, kind: kindName, name: objectName, sectionName: sectionName.optional() }))
      .min(1)
      .max(16),
    validation,
    options: z.record(z.string(), z.string()).optional(),
  }),
})
export type BackendTlsPolicyValue = z.infer<typeof schema>

export const BACKEND_TLS_POLICY = defineKind({
  group: 'gateway.networking.k8s.io',
  kind: 'BackendTLSPolicy',
  versions: ['v1', 'v1alpha3'],
  namespaced: true,
  schema,
  status: 'ancestors',
})
