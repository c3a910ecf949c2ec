// Filters of HTTPRoute and GRPCRoute rules and backendRefs. Gateway API: HTTPRouteFilter, GRPCRouteFilter.

import { z } from 'zod'
import {
  backendReference,
  groupName,
  headerName,
  headerValue,
  kindName,
  object,
  objectName,
  portNumber,
  preciseHostname,
} from './field.ts'

const header = object({ name: headerName, value: headerValue })

/** Fields of the handshake itself, of routing and of framing: changing them would break the message, not amend it. */
const UNTOUCHABLE = new Set([
  'host',
  'connection',
  'upgrade',
  'content-length',
  'transfer-encoding',
  'te',
  'trailer',
  'keep-alive',
  'proxy-connection',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-protocol',
])

const mutableName = headerName.refine(
  (name) => !UNTOUCHABLE.has(name.toLowerCase()),
  'is not changed by filters: it belongs to the connection or the handshake; a hostname is set by URLRewrite',
)
const mutable = object({ name: mutableName, value: headerValue })

const headerFilter = object({
  set: z.array(mutable).max(16).default([]).superRefine(uniqueNames),
  add: z.array(mutable).max(16).default([]).superRefine(uniqueNames),
  remove: z.array(mutableName).max(16).default([]),
})
export type HeaderFilter = z.infer<typeof headerFilter>
export type HeaderField = z.infer<typeof header>

function uniqueNames(fields: readonly HeaderField[], context: z.RefinementCtx): void {
  const seen = new Set<string>()
  for (const [index, { name }] of fields.entries()) {
    if (seen.has(name.toLowerCase()))
      context.addIssue({ code: 'custom', path: [index, 'name'], message: 'stands twice in this list' })
    seen.add(name.toLowerCase())
  }
}

const replacement = z
  .string()
  .max(1024)
  .refine((text) => /^[\x21-\x7e]*$/.test(text) && !text.includes('#'), 'has characters that no path has')

const pathModifier = z.discriminatedUnion('type', [
  object({
    type: z.literal('ReplaceFullPath'),
    replaceFullPath: replacement.refine((text) => text === '' || text.startsWith('/'), 'must start with "/"'),
  }),
  object({
    type: z.literal('ReplacePrefixMatch'),
    replacePrefixMatch: replacement.refine((text) => text === '' || text.startsWith('/'), 'must start with "/"'),
  }),
])
export type PathModifier = z.infer<typeof pathModifier>

const redirect = object({
  scheme: z.enum(['http', 'https']).optional(),
  hostname: preciseHostname.optional(),
  path: pathModifier.optional(),
  port: portNumber.optional(),
  statusCode: z
    .int()
    .refine((code) => [301, 302, 303, 307, 308].includes(code), 'must be 301, 302, 303, 307 or 308')
    .default(302),
})
export type RedirectFilter = z.infer<typeof redirect>

const rewrite = object({ hostname: preciseHostname.optional(), path: pathModifier.optional() })

const mirror = object({
  backendRef: object(backendReference),
  percent: z.int().min(0).max(100).optional(),
  fraction: object({ numerator: z.int().min(0), denominator: z.int().min(1).default(100) })
    .refine(({ numerator, denominator }) => numerator <= denominator, 'numerator must not exceed denominator')
    .optional(),
}).refine(
  ({ percent, fraction }) => percent === undefined || fraction === undefined,
  'only one of percent and fraction may be set',
)
export type MirrorFilter = z.infer<typeof mirror>

const origin = z
  .string()
  .max(253)
  .refine(
    (text) => text === '*' || /^https?:\/\/(?:\*|(?:\*\.)?[a-zA-Z0-9.-]+)(?::[0-9]{1,5})?$/.test(text),
    'is neither "*" nor scheme://host[:port]; the first label of the host may be "*"',
  )
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'] as const
/** Methods that a match may name. */
export const httpMethod = z.enum(METHODS)
const starAlone = [
  (list: readonly string[]): boolean => !list.includes('*') || list.length === 1,
  '"*" must stand alone',
] as const

const cors = object({
  allowOrigins: z
    .array(origin)
    .max(64)
    .default([])
    .refine(...starAlone),
  allowCredentials: z.boolean().default(false),
  allowMethods: z
    .array(z.enum([...METHODS, '*']))
    .max(9)
    .default([])
    .refine(...starAlone),
  allowHeaders: z
    .array(headerName)
    .max(64)
    .default([])
    .refine(...starAlone),
  exposeHeaders: z.array(headerName).max(64).default([]),
  maxAge: z.int().min(1).default(5),
})
export type CorsFilter = z.infer<typeof cors>

const requestHeaders = object({ type: z.literal('RequestHeaderModifier'), requestHeaderModifier: headerFilter })
const responseHeaders = object({ type: z.literal('ResponseHeaderModifier'), responseHeaderModifier: headerFilter })
const requestMirror = object({ type: z.literal('RequestMirror'), requestMirror: mirror })
const extension = object({
  type: z.literal('ExtensionRef'),
  extensionRef: object({ group: groupName, kind: kindName, name: objectName }),
})
const externalAuth = object({ type: z.literal('ExternalAuth'), externalAuth: z.unknown() }).refine(
  () => false,
  'the filter ExternalAuth is known to the Gateway API but not supported by Sluice',
)

/** A filter of an HTTPRoute. */
export const httpFilter = z.discriminatedUnion('type', [
  requestHeaders,
  responseHeaders,
  requestMirror,
  extension,
  externalAuth,
  object({ type: z.literal('RequestRedirect'), requestRedirect: redirect }),
  object({ type: z.literal('URLRewrite'), urlRewrite: rewrite }),
  object({ type: z.literal('CORS'), cors }),
])
export type HttpFilter = z.infer<typeof httpFilter>

/** A filter of a GRPCRoute. */
export const grpcFilter = z.discriminatedUnion('type', [requestHeaders, responseHeaders, requestMirror, extension])

/** Filters of a rule or backendRef: each at most once, but for mirrors and extensions; no redirect beside a rewrite. */
export function checkFilters(filters: readonly HttpFilter[], context: z.RefinementCtx): void {
  const seen = new Set<string>()
  for (const [index, { type }] of filters.entries()) {
    const repeatable = type === 'RequestMirror' || type === 'ExtensionRef'
    if (seen.has(type) && !repeatable)
      context.addIssue({ code: 'custom', path: [index, 'type'], message: `the filter ${type} cannot be repeated` })
    seen.add(type)
  }
  if (seen.has('RequestRedirect') && seen.has('URLRewrite'))
    context.addIssue({
      code: 'custom',
      message: 'RequestRedirect and URLRewrite exclude one another',
      params: { reason: 'IncompatibleFilters' },
    })
}

/** The ReplacePrefixMatch of a list of filters, if there is one. */
export function replacesPrefix(filters: readonly HttpFilter[]): boolean {
  return filters.some(
    (filter) =>
      (filter.type === 'RequestRedirect' && filter.requestRedirect.path?.type === 'ReplacePrefixMatch') ||
      (filter.type === 'URLRewrite' && filter.urlRewrite.path?.type === 'ReplacePrefixMatch'),
  )
}
