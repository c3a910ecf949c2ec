// Gateway: listeners with their hostnames, TLS, and who may attach routes; rules of the CRD among them.

import { z } from 'zod'
import {
  groupName,
  hostname,
  kindName,
  labelSelector,
  object,
  objectName,
  objectReference,
  portNumber,
  sectionName,
  unsupported,
} from './field.ts'
import { defineKind } from './kind.ts'

const listenerTls = object({
  mode: z.enum(['Terminate', 'Passthrough']).optional(),
  certificateRefs: z.array(objectReference('Secret')).max(64).default([]),
  options: z.record(z.string(), z.string()).optional(),
}).refine(
  ({ mode, certificateRefs, options }) =>
    mode === 'Passthrough' || certificateRefs.length > 0 || Object.keys(options ?? {}).length > 0,
  'needs certificateRefs, or options, to terminate TLS',
)

const allowedRoutes = object({
  namespaces: object({
    from: z.enum(['All', 'Selector', 'Same']).default('Same'),
    selector: labelSelector.optional(),
  }).default({ from: 'Same' }),
  kinds: z
    .array(object({ group: groupName.default('gateway.networking.k8s.io'), kind: kindName }))
    .max(8)
    .default([]),
})

const listener = object({
  name: sectionName,
  hostname: z.union([hostname, z.literal('')]).optional(),
  port: portNumber,
  protocol: z
    .string()
    .min(1)
    .max(255)
    .refine(
      (text) => /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$|^[-a-z0-9.]+\/[A-Za-z0-9]+$/.test(text),
      'is neither HTTP, HTTPS, TLS, TCP nor domain/name',
    ),
  tls: listenerTls.optional(),
  allowedRoutes: allowedRoutes.default({ namespaces: { from: 'Same' }, kinds: [] }),
})

export type ListenerSpec = z.infer<typeof listener>

const frontendValidation = object({
  caCertificateRefs: z.array(objectReference('ConfigMap')).min(1).max(16),
  mode: z.enum(['AllowValidOnly', 'AllowInsecureFallback']).default('AllowValidOnly'),
})
export type FrontendValidation = z.infer<typeof frontendValidation>

const frontend = object({
  default: object({ validation: frontendValidation.optional() }),
  perPort: z
    .array(object({ port: portNumber, tls: object({ validation: frontendValidation.optional() }) }))
    .max(64)
    .default([]),
})

const schema = object({
  spec: object({
    gatewayClassName: objectName,
    listeners: z.array(listener).min(1).max(64).superRefine(checkListeners),
    addresses: z
      .array(
        object({
          type: z.string().min(1).max(253).default('IPAddress'),
          value: z.string().max(253).optional(),
        }),
      )
      .max(16)
      .default([]),
    defaultScope: unsupported('defaultScope'),
    infrastructure: object({
      labels: z.record(z.string(), z.string()).optional(),
      annotations: z.record(z.string(), z.string()).optional(),
      parametersRef: object({ group: groupName, kind: kindName, name: objectName }).optional(),
    }).optional(),
    allowedListeners: object({
      namespaces: object({
        from: z.enum(['All', 'Selector', 'Same', 'None']).default('None'),
        selector: labelSelector.optional(),
      }).optional(),
    }).optional(),
    tls: object({
      backend: object({ clientCertificateRef: objectReference('Secret').optional() }).optional(),
      frontend: frontend.optional(),
    }).optional(),
  }),
})

function checkListeners(listeners: readonly ListenerSpec[], context: z.RefinementCtx): void {
  const names = new Set<string>()
  const places = new Set<string>()
  for (const [index, each] of listeners.entries()) {
    const say = (field: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [index, field], message })
    const place = `${each.port} ${each.protocol} ${each.hostname ?? ''}`
    if (names.has(each.name)) say('name', 'another listener of this Gateway has the same name')
    if (places.has(place)) say('port', 'another listener of this Gateway has the same port, protocol and hostname')
    names.add(each.name)
    places.add(place)
    checkProtocol(each, say)
  }
}

function checkProtocol(listener: ListenerSpec, say: (field: string, message: string) => void): void {
  const { protocol, tls } = listener
  if (['HTTP', 'TCP', 'UDP'].includes(protocol) && tls !== undefined) say('tls', `must not stand beside ${protocol}`)
  if (protocol === 'HTTPS' && tls?.mode === 'Passthrough') say('tls', 'mode must be Terminate for HTTPS')
  if (protocol === 'TLS' && tls?.mode === undefined) say('tls', 'mode must be set for protocol TLS')
  if (['TCP', 'UDP'].includes(protocol) && (listener.hostname ?? '') !== '')
    say('hostname', `must not stand beside ${protocol}`)
}

export type GatewayValue = z.infer<typeof schema>

export const GATEWAY = defineKind({
  group: 'gateway.networking.k8s.io',
  kind: 'Gateway',
  versions: ['v1', 'v1beta1'],
  namespaced: true,
  schema,
  status: 'gateway',
})
