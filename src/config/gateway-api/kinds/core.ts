// Core kinds that manifests of the Gateway API lean on: Service, EndpointSlice, Namespace, Secret, ConfigMap. Fields that
// concern only a cluster are tolerated; those that this dialect uses are checked.

import { isIP } from 'node:net'
import { z } from 'zod'
import { portNumber } from './field.ts'
import { defineKind } from './kind.ts'

const servicePort = z.looseObject({
  name: z.string().optional(),
  port: portNumber,
  protocol: z.enum(['TCP', 'UDP', 'SCTP']).default('TCP'),
  /** A number, or the name of a container's port. */
  targetPort: z.union([portNumber, z.string()]).optional(),
  appProtocol: z.string().optional(),
})
export type ServicePort = z.infer<typeof servicePort>

const service = z.looseObject({
  spec: z
    .looseObject({
      type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']).default('ClusterIP'),
      ports: z.array(servicePort).default([]),
      clusterIP: z.string().optional(),
      externalName: z.string().optional(),
      selector: z.record(z.string(), z.string()).optional(),
    })
    .default({ type: 'ClusterIP', ports: [] }),
})
export type ServiceValue = z.infer<typeof service>

export const SERVICE = defineKind({
  group: '',
  kind: 'Service',
  versions: ['v1'],
  namespaced: true,
  schema: service,
  status: 'none',
})

const conditions = z.looseObject({
  ready: z.boolean().optional(),
  serving: z.boolean().optional(),
  terminating: z.boolean().optional(),
})

const endpoint = z.looseObject({
  addresses: z.array(z.string()).min(1).max(100),
  conditions: conditions.default({}),
  hostname: z.string().optional(),
  zone: z.string().optional(),
})
export type EndpointSpec = z.infer<typeof endpoint>

const endpointSlice = z
  .looseObject({
    addressType: z.enum(['IPv4', 'IPv6', 'FQDN']),
    endpoints: z.array(endpoint).max(1000).default([]),
    ports: z
      .array(
        z.looseObject({
          name: z.string().default(''),
          protocol: z.string().default('TCP'),
          port: portNumber.optional(),
          appProtocol: z.string().optional(),
        }),
      )
      .max(100)
      .default([]),
  })
  .superRefine((slice, context) => {
    const family = slice.addressType === 'IPv4' ? 4 : slice.addressType === 'IPv6' ? 6 : 0
    for (const [index, { addresses }] of slice.endpoints.entries())
      for (const [at, address] of addresses.entries())
        if (isIP(address) !== family)
          context.addIssue({
            code: 'custom',
            path: ['endpoints', index, 'addresses', at],
            message: `is not of addressType ${slice.addressType}`,
          })
  })
export type EndpointSliceValue = z.infer<typeof endpointSlice>

export const ENDPOINT_SLICE = defineKind({
  group: 'discovery.k8s.io',
  kind: 'EndpointSlice',
  versions: ['v1', 'v1beta1'],
  namespaced: true,
  schema: endpointSlice,
  status: 'none',
})

export const NAMESPACE = defineKind({
  group: '',
  kind: 'Namespace',
  versions: ['v1'],
  namespaced: false,
  schema: z.looseObject({}),
  status: 'none',
})

/** `data` is base64 as Kubernetes has it; `stringData` is plain and wins. */
const secret = z.looseObject({
  type: z.string().default('Opaque'),
  data: z.record(z.string(), z.string()).default({}),
  stringData: z.record(z.string(), z.string()).default({}),
})
export type SecretValue = z.infer<typeof secret>

export const SECRET = defineKind({
  group: '',
  kind: 'Secret',
  versions: ['v1'],
  namespaced: true,
  schema: secret,
  status: 'none',
})

const configMap = z.looseObject({
  data: z.record(z.string(), z.string()).default({}),
  binaryData: z.record(z.string(), z.string()).default({}),
})
export type ConfigMapValue = z.infer<typeof configMap>

export const CONFIG_MAP = defineKind({
  group: '',
  kind: 'ConfigMap',
  versions: ['v1'],
  namespaced: true,
  schema: configMap,
  status: 'none',
})

/** Kept for their readiness probes and container ports. */
export const POD = defineKind({
  group: '',
  kind: 'Pod',
  versions: ['v1'],
  namespaced: true,
  schema: z.looseObject({}),
  status: 'none',
})

export const DEPLOYMENT = defineKind({
  group: 'apps',
  kind: 'Deployment',
  versions: ['v1'],
  namespaced: true,
  schema: z.looseObject({}),
  status: 'none',
})
