// WebSocketProxy: a cluster for each pool, and the action that chooses among them.

import type { ForwardAction, PoolOverride } from '../model/route.ts'
import type { WebSocketPolicy } from '../model/websocket-policy.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { forwardAction, poolChoice } from './forward-action.ts'
import { lowerEndpoints } from './lower-endpoints.ts'
import { lowerWsChecks, NO_CHECKS } from './lower-health-check.ts'
import { lowerBalance } from './lower-load-balance.ts'
import { mainPool, placeServers, poolCluster, poolSecure } from './lower-pool.ts'
import { upstreamTls } from './upstream-tls.ts'
import type { WebSocketPool, WebSocketProxySpec } from './websocket-proxy-schema.ts'

const SCHEMES = ['ws', 'wss', 'http', 'https']

/** A server that took the connection must answer the handshake within this. */
const HANDSHAKE_TIMEOUT = 30_000

export function lowerWebSocketProxy(
  loading: Loading,
  spec: WebSocketProxySpec,
  spot: Spot,
  prefix: string,
): ForwardAction | undefined {
  const at = spot.field('pools')
  const main = mainPool(loading, spec.pools, at)
  const choice = poolChoice(loading, spec.pools, main, at, prefix, (pool, place, name) =>
    lowerPool(loading, pool, place, name),
  )
  if (choice === undefined) return undefined
  return forwardAction({
    choice,
    timeoutMs: HANDSHAKE_TIMEOUT,
    idleTimeoutMs: undefined,
    pathRewrite: undefined,
    mirrors: undefined,
    upgrades: true,
    place: spot.place,
  })
}

function lowerPool(loading: Loading, pool: WebSocketPool, spot: Spot, name: string): PoolOverride {
  const servers = placeServers(loading, pool, spot, SCHEMES)
  for (const { url, spot: at } of servers) {
    if (url.target !== '' && url.target !== '/')
      loading.warning(
        at.field('url'),
        `"${url.target}" of the url is not used for requests: they go to the path that the client asked for`,
        'RequestAdaptor changes paths',
      )
  }
  const checks =
    pool.healthCheck === undefined
      ? NO_CHECKS
      : lowerWsChecks(loading, pool.healthCheck, spot.field('healthCheck'), servers)
  const balance = lowerBalance(loading, pool.loadBalance, spot.field('loadBalance'), name)
  const secure = poolSecure(loading, servers)
  loading.clusters.set(
    name,
    poolCluster({
      name,
      servers,
      endpoints: lowerEndpoints(servers, {
        weighted: balance.balancing.kind === 'weighted-random',
        checks,
        setUpstreamHost: false,
      }),
      balancing: balance.balancing,
      healthChecks: checks.checks,
      tls: secure ? upstreamTls({ place: spot.place }) : undefined,
      place: spot.place,
    }),
  )
  return {
    hashPolicies: balance.hashPolicies,
    affinity: balance.affinity,
    websocket: lowerPolicy(loading, pool, spot),
  }
}

function lowerPolicy(loading: Loading, pool: WebSocketPool, spot: Spot): WebSocketPolicy {
  if (pool.insecureSkipVerify === true)
    loading.warning(
      spot.field('insecureSkipVerify'),
      'insecureSkipVerify lets in WebSockets of any Origin; it says nothing about TLS, and certificates are verified still',
    )
  return {
    required: true,
    origin:
      pool.insecureSkipVerify === true
        ? undefined
        : { patterns: (pool.originPatterns ?? []).map((pattern) => pattern.toLowerCase()) },
    refuseExtensions: true,
    maxMessageFromClient: messageLimit(loading, pool.clientMaxMsgSize, spot.field('clientMaxMsgSize')),
    maxMessageFromServer: messageLimit(loading, pool.serverMaxMsgSize, spot.field('serverMaxMsgSize')),
    place: spot.place,
  }
}

/** The vendor's library's. */
const DEFAULT_MESSAGE_LIMIT = 32_768

function messageLimit(loading: Loading, value: number | undefined, spot: Spot): number | undefined {
  if (value === undefined) return DEFAULT_MESSAGE_LIMIT
  if (value === -1) return undefined
  if (value > 0) return value
  loading.warning(
    spot,
    `${value} is no limit: ${DEFAULT_MESSAGE_LIMIT} bytes, the default, is used`,
    '-1 is no limit at all',
  )
  return DEFAULT_MESSAGE_LIMIT
}
