// Proxy (HTTP), and the inline backendPool of an HTTPServer's path, which is one of its pools.

import { z } from 'zod'
import { proxyHealthCheck } from './health-check-schema.ts'
import { mtls, poolFields, REGISTRY_FIELDS } from './pool-schema.ts'
import { fieldNotes } from './read-object.ts'
import { duration, flag, integer, text } from './scalar.ts'

export const proxyPool = z.object({
  ...poolFields,
  setUpstreamHost: flag.optional(),
  timeout: duration.optional(),
  retryPolicy: text.optional(),
  circuitBreakerPolicy: text.optional(),
  failureCodes: z.array(integer(100, 599)).optional(),
  serverMaxBodySize: integer().optional(),
  healthCheck: proxyHealthCheck.optional(),
})

fieldNotes.add(proxyPool, {
  unsupported: { ...REGISTRY_FIELDS, memoryCache: 'answers are not kept; put a cache before or behind this proxy' },
  ignored: { spanName: 'has no effect: there is no tracing' },
})

export type ProxyPool = z.output<typeof proxyPool>

export const proxy = z.object({
  kind: text,
  name: text,
  pools: z.array(proxyPool),
  mirrorPool: proxyPool.optional(),
  mtls: mtls.optional(),
  maxRedirection: integer().optional(),
  serverMaxBodySize: integer().optional(),
})

const IDLE = 'has no effect: idle connections are kept as long as they may be of use'

fieldNotes.add(proxy, {
  unsupported: { compression: 'let the server compress, or a proxy behind this one' },
  ignored: { maxIdleConns: IDLE, maxIdleConnsPerHost: IDLE },
})

export type ProxySpec = z.output<typeof proxy>
