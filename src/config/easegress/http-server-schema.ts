// HTTPServer: a listener with rules of hosts and paths.

import { z } from 'zod'
import { objectFields } from './pipeline-schema.ts'
import { proxyPool } from './proxy-schema.ts'
import { fieldNotes } from './read-object.ts'
import { base64, duration, flag, integer, method, name, oneOf, regexp, rootedPath, text, wrong } from './scalar.ts'

const ipFilter = z.object({
  blockByDefault: flag.optional(),
  allowIPs: z.array(text).optional(),
  blockIPs: z.array(text).optional(),
})

export type IpFilter = z.output<typeof ipFilter>

const fieldRule = z
  .object({ key: name, values: z.array(text).optional(), regexp: regexp.optional() })
  .superRefine((rule, context) => {
    if ((rule.values ?? []).length === 0 && rule.regexp === undefined)
      wrong(context, `both values and regexp are empty for ${rule.key}`)
  })

export type FieldRule = z.output<typeof fieldRule>

const path = z
  .object({
    ipFilter: ipFilter.optional(),
    path: rootedPath.optional(),
    pathPrefix: rootedPath.optional(),
    pathRegexp: regexp.optional(),
    rewriteTarget: text.optional(),
    methods: z.array(method).optional(),
    backend: text.optional(),
    backendPool: proxyPool.optional(),
    clientMaxBodySize: integer().optional(),
    headers: z.array(fieldRule).optional(),
    queries: z.array(fieldRule).optional(),
    matchAllHeader: flag.optional(),
    matchAllQuery: flag.optional(),
    setHeaders: z.record(z.string(), text).optional(),
  })
  .superRefine((spec, context) => {
    if (!spec.backend && spec.backendPool === undefined) wrong(context, 'needs backend or backendPool')
    if (spec.rewriteTarget && !spec.path && !spec.pathPrefix && spec.pathRegexp === undefined)
      wrong(context, 'rewriteTarget needs path, pathPrefix or pathRegexp')
  })

export type PathSpec = z.output<typeof path>

const rule = z.object({
  ipFilter: ipFilter.optional(),
  host: text.optional(),
  hostRegexp: regexp.optional(),
  hosts: z.array(z.object({ value: text, isRegexp: flag.optional() })).optional(),
  paths: z.array(path).optional(),
})

export type RuleSpec = z.output<typeof rule>

export const httpServer = z.object({
  ...objectFields,
  port: integer(1, 65535),
  address: text.optional(),
  https: flag.optional(),
  http3: flag.optional(),
  autoCert: flag.optional(),
  certBase64: base64.optional(),
  keyBase64: base64.optional(),
  certs: z.record(z.string(), text).optional(),
  keys: z.record(z.string(), text).optional(),
  caCertBase64: base64.optional(),
  keepAlive: flag.optional(),
  keepAliveTimeout: duration.optional(),
  maxConnections: integer(1).optional(),
  xForwardedFor: flag.optional(),
  clientMaxBodySize: integer().optional(),
  ipFilter: ipFilter.optional(),
  routerKind: oneOf('', 'Ordered', 'RadixTree').optional(),
  rules: z.array(rule).optional(),
  globalFilter: text.optional(),
  accessLogFormat: text.optional(),
})

fieldNotes.add(httpServer, {
  unsupported: { tracing: 'the access log tells each request' },
  ignored: { cacheSize: 'has no effect: routes are compiled once and need no cache' },
})

export type HttpServerSpec = z.output<typeof httpServer>
