// HTTPRoute with the rules of its CRD, standard and experimental fields alike.

import { z } from 'zod'
import { compileRegex, isRegex } from '../../source/regex.ts'
import {
  backendReference,
  duration,
  headerName,
  hostname,
  object,
  parentReferences,
  sectionName,
  unsupported,
  weight,
} from './field.ts'
import { checkFilters, httpFilter, httpMethod, replacesPrefix } from './http-filter.ts'
import { defineKind } from './kind.ts'
import { sessionPersistence } from './session-persistence.ts'

const WRONG_IN_PATH = ['//', '/./', '/../', '%2f', '%2F', '#'] as const

const pathMatch = object({
  type: z.enum(['Exact', 'PathPrefix', 'RegularExpression']).default('PathPrefix'),
  value: z.string().max(1024).default('/'),
}).superRefine(({ type, value }, context) => {
  const say = (message: string): void => context.addIssue({ code: 'custom', path: ['value'], message })
  if (type === 'RegularExpression') return checkRegex(value, say)
  if (!value.startsWith('/')) say('must start with "/"')
  const wrong = WRONG_IN_PATH.find((piece) => value.includes(piece))
  if (wrong !== undefined) say(`must not contain "${wrong}"`)
  else if (value.endsWith('/..') || value.endsWith('/.')) say('must not end with "/." or "/.."')
  else if (!/^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/.test(value)) say('has characters that no path has')
})

function checkRegex(value: string, say: (message: string) => void): void {
  const compiled = compileRegex(value)
  if (!isRegex(compiled)) say(`is not a regular expression (RE2 syntax): ${compiled.reason}`)
}

/** A match by value, exact unless it says otherwise. */
export const valueMatch = (maxLength: number) =>
  object({
    type: z.enum(['Exact', 'RegularExpression']).default('Exact'),
    name: headerName,
    value: z.string().min(1).max(maxLength),
  }).superRefine(({ type, value }, context) => {
    if (type === 'RegularExpression')
      checkRegex(value, (message) => context.addIssue({ code: 'custom', path: ['value'], message }))
  })

const match = object({
  path: pathMatch.default({ type: 'PathPrefix', value: '/' }),
  headers: z.array(valueMatch(4096)).max(16).default([]),
  queryParams: z.array(valueMatch(1024)).max(16).default([]),
  method: httpMethod.optional(),
})
export type HttpMatch = z.infer<typeof match>

const filters = z.array(httpFilter).max(16).default([]).superRefine(checkFilters)

const backend = object({ ...backendReference, weight, filters })
export type HttpBackend = z.infer<typeof backend>

const timeouts = object({ request: duration.optional(), backendRequest: duration.optional() }).refine(
  ({ request = 0, backendRequest = 0 }) => request === 0 || backendRequest <= request,
  { message: 'must not be longer than request', path: ['backendRequest'] },
)

const retry = object({
  codes: z.array(z.int().min(400).max(599)).default([]),
  attempts: z.int().min(1).optional(),
  backoff: duration.optional(),
})
export type HttpRetry = z.infer<typeof retry>

const rule = object({
  name: sectionName.optional(),
  matches: z
    .array(match)
    .max(64)
    .default([])
    .transform((matches) => (matches.length === 0 ? [match.parse({})] : matches)),
  filters,
  backendRefs: z.array(backend).max(16).default([]),
  timeouts: timeouts.optional(),
  retry: retry.optional(),
  sessionPersistence: sessionPersistence.optional(),
}).superRefine((value, context) => {
  const { matches, backendRefs } = value
  const redirects = value.filters.some(({ type }) => type === 'RequestRedirect')
  const say = (message: string, ...path: readonly string[]): void =>
    context.addIssue({ code: 'custom', path: [...path], message })
  if (redirects && backendRefs.length > 0)
    context.addIssue({
      code: 'custom',
      path: ['filters'],
      message: 'RequestRedirect must not be used together with backendRefs',
      params: { reason: 'IncompatibleFilters' },
    })
  const replacing = replacesPrefix(value.filters) || backendRefs.some((each) => replacesPrefix(each.filters))
  if (replacing && !(matches.length === 1 && matches[0]?.path.type === 'PathPrefix'))
    say('ReplacePrefixMatch needs exactly one match, of type PathPrefix', 'filters')
})
export type HttpRule = z.infer<typeof rule>

const DEFAULT_RULES = [{}]

const schema = object({
  spec: object({
    parentRefs: parentReferences,
    useDefaultGateways: unsupported('useDefaultGateways'),
    hostnames: z.array(hostname).max(16).default([]),
    rules: z
      .array(rule)
      .min(1)
      .max(16)
      .default(() => DEFAULT_RULES.map((each) => rule.parse(each)))
      .superRefine(checkRules),
  }),
})

function checkRules(rules: readonly HttpRule[], context: z.RefinementCtx): void {
  const total = rules.reduce((sum, { matches }) => sum + matches.length, 0)
  if (total > 128) context.addIssue({ code: 'custom', message: `has ${total} matches in all; at most 128` })
  const names = new Set<string>()
  for (const [index, { name }] of rules.entries()) {
    if (name !== undefined && names.has(name))
      context.addIssue({ code: 'custom', path: [index, 'name'], message: 'another rule has the same name' })
    if (name !== undefined) names.add(name)
  }
}

export type HttpRouteValue = z.infer<typeof schema>

export const HTTP_ROUTE = defineKind({
  group: 'gateway.networking.k8s.io',
  kind: 'HTTPRoute',
  versions: ['v1', 'v1beta1'],
  namespaced: true,
  schema,
  status: 'parents',
})
