// GRPCRoute with the rules of its CRD.

import { z } from 'zod'
import { compileRegex, isRegex } from '../../source/regex.ts'
import { backendReference, hostname, object, parentReferences, sectionName, unsupported, weight } from './field.ts'
import { checkFilters, grpcFilter } from './http-filter.ts'
import { valueMatch } from './http-route.ts'
import { defineKind } from './kind.ts'
import { sessionPersistence } from './session-persistence.ts'

const methodMatch = object({
  type: z.enum(['Exact', 'RegularExpression']).default('Exact'),
  service: z.string().max(1024).optional(),
  method: z.string().max(1024).optional(),
}).superRefine(({ type, service, method }, context) => {
  const say = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
  if (service === undefined && method === undefined) say('method', 'one of service and method must be set')
  for (const [name, value] of Object.entries({ service, method })) {
    if (value === undefined) continue
    const compiled = type === 'RegularExpression' ? compileRegex(value) : undefined
    if (compiled !== undefined && !isRegex(compiled))
      say(name, `is not a regular expression (RE2 syntax): ${compiled.reason}`)
    if (type === 'Exact' && !/^[A-Za-z_][A-Za-z_0-9.]*$/.test(value)) say(name, `is not the name of a ${name}`)
  }
})
export type GrpcMethodMatch = z.infer<typeof methodMatch>

const match = object({
  method: methodMatch.optional(),
  headers: z.array(valueMatch(4096)).max(16).default([]),
})
export type GrpcMatch = z.infer<typeof match>

const filters = z.array(grpcFilter).max(16).default([]).superRefine(checkFilters)
const backend = object({ ...backendReference, weight, filters })

const rule = object({
  name: sectionName.optional(),
  matches: z
    .array(match)
    .max(64)
    .default([])
    .transform((matches) => (matches.length === 0 ? [match.parse({})] : matches)),
  filters,
  backendRefs: z.array(backend).max(16).default([]),
  sessionPersistence: sessionPersistence.optional(),
})

const schema = object({
  spec: object({
    parentRefs: parentReferences,
    useDefaultGateways: unsupported('useDefaultGateways'),
    hostnames: z.array(hostname).max(16).default([]),
    rules: z
      .array(rule)
      .max(16)
      .default(() => [rule.parse({})]),
  }),
})
export type GrpcRouteValue = z.infer<typeof schema>

export const GRPC_ROUTE = defineKind({
  group: 'gateway.networking.k8s.io',
  kind: 'GRPCRoute',
  versions: ['v1', 'v1alpha2'],
  namespaced: true,
  schema,
  status: 'parents',
})
