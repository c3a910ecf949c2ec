// WebSocketProxy. Fields that only Proxy's pools have are named, because the vendor takes no notice of them here.

import { z } from 'zod'
import { wsHealthCheck } from './health-check-schema.ts'
import { poolFields, REGISTRY_FIELDS } from './pool-schema.ts'
import { fieldNotes } from './read-object.ts'
import { flag, integer, text } from './scalar.ts'

const pool = z.object({
  ...poolFields,
  clientMaxMsgSize: integer().optional(),
  serverMaxMsgSize: integer().optional(),
  insecureSkipVerify: flag.optional(),
  originPatterns: z.array(text).optional(),
  healthCheck: wsHealthCheck.optional(),
})

const PROXY_ONLY = 'has no effect on a WebSocketProxy'

fieldNotes.add(pool, {
  unsupported: REGISTRY_FIELDS,
  ignored: {
    setUpstreamHost: `${PROXY_ONLY}: servers named by host get their own Host anyway, unless keepHost is set`,
    timeout: `${PROXY_ONLY}: a handshake that is not answered ends after 30 s`,
    retryPolicy: PROXY_ONLY,
    circuitBreakerPolicy: PROXY_ONLY,
    failureCodes: PROXY_ONLY,
    memoryCache: PROXY_ONLY,
    compression: PROXY_ONLY,
    mtls: PROXY_ONLY,
    serverMaxBodySize: `${PROXY_ONLY}: serverMaxMsgSize limits messages`,
    maxIdleConns: PROXY_ONLY,
    maxIdleConnsPerHost: PROXY_ONLY,
    spanName: PROXY_ONLY,
  },
})

export const websocketProxy = z.object({ kind: text, name: text, pools: z.array(pool) })

fieldNotes.add(websocketProxy, {
  ignored: {
    defaultOrigin:
      'has no effect: the vendor took it out in 2023. The Origin of the client is sent on as it is; originPatterns of a pool says which are let in',
  },
})

export type WebSocketProxySpec = z.output<typeof websocketProxy>
export type WebSocketPool = z.output<typeof pool>
