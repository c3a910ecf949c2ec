// A pool of servers as a cluster: addresses, weights, balancing, TLS. What is asked of a request to choose a server goes
// with the route, not with the cluster.

import { type Balancing, DEFAULT_SPREAD } from '../model/balancing.ts'
import { type CircuitBreakers, type Cluster, DIRECT_CLUSTER, type EndpointConfig } from '../model/cluster.ts'
import type { HealthCheck } from '../model/health-check.ts'
import type { Place } from '../model/place.ts'
import type { UpstreamTls } from '../model/tls.ts'
import type { Spot } from '../source/tree.ts'
import { COMMON_OPTIONS, HTTP1_OPTIONS, HTTP2_OPTIONS } from './http-options.ts'
import type { Loading } from './loading.ts'
import type { LoadBalance, RequestMatcher, Server } from './pool-schema.ts'
import { readServerUrl, type ServerUrl } from './server-url.ts'

/** What both kinds of pools have. */
export interface PoolSpec {
  readonly filter?: RequestMatcher | undefined
  readonly servers?: readonly Server[] | undefined
  readonly serverTags?: readonly string[] | undefined
  readonly loadBalance?: LoadBalance | undefined
}

/** A server with its address. */
export interface PlacedServer {
  readonly server: Server
  readonly url: ServerUrl
  readonly spot: Spot
}

/** Exactly one pool has no filter; which one it is. */
export function mainPool(loading: Loading, pools: readonly PoolSpec[], spot: Spot): number | undefined {
  const main = pools.flatMap((pool, index) => (pool.filter === undefined ? [index] : []))
  const [first, second] = main
  if (first === undefined)
    loading.error(spot, 'one main pool is required: every pool has a filter', 'leave filter out of one of them')
  if (second !== undefined)
    loading.error(spot.at(second), 'this is a second main pool, and only one is allowed', 'give it a filter')
  return main.length === 1 ? first : undefined
}

/** The servers whose addresses can be read; what is wrong with the others is reported. */
export function placeServers(
  loading: Loading,
  pool: PoolSpec,
  spot: Spot,
  schemes: readonly string[],
): readonly PlacedServer[] {
  const servers = pool.servers ?? []
  const at = spot.field('servers')
  if (servers.length === 0) loading.error(spot, 'the pool has no servers')
  checkWeights(loading, pool, at)
  if ((pool.serverTags ?? []).length > 0)
    loading.warning(
      spot.field('serverTags'),
      'serverTags choose among servers of a registry only: all servers are used',
    )
  return servers.flatMap((server, index) => {
    const url = readServerUrl(server.url, schemes)
    if (url.kind === 'url') return [{ server, url, spot: at.at(index) }]
    loading.error(at.at(index).field('url'), url.message, url.hint)
    return []
  })
}

function checkWeights(loading: Loading, { servers = [], loadBalance }: PoolSpec, spot: Spot): void {
  const weighted = servers.filter(({ weight = 0 }) => weight > 0).length
  if (weighted > 0 && weighted < servers.length) {
    const without = servers.findIndex(({ weight = 0 }) => weight === 0)
    loading.error(spot.at(without), `not all servers have weight (${weighted} of ${servers.length}); this one has none`)
  } else if (weighted > 0 && loadBalance?.policy !== 'weightedRandom') {
    const first = spot.at(0).field('weight')
    loading.warning(first, 'weights have an effect with policy weightedRandom only: the servers get even shares')
  }
}

const NO_BREAKERS = 2 ** 32 - 1

/** How long a connection may take to be made; TLS included. */
const CONNECT_TIMEOUT = 10_000

export interface PoolCluster {
  readonly name: string
  readonly servers: readonly PlacedServer[]
  readonly endpoints: readonly EndpointConfig[]
  readonly balancing: Balancing
  readonly healthChecks: readonly HealthCheck[]
  readonly tls: UpstreamTls | undefined
  readonly place: Place
}

/** A cluster of HTTP/1.1 servers, without limits of its own. */
export function poolCluster(pool: PoolCluster): Cluster {
  return {
    name: pool.name,
    statName: pool.name,
    discovery: pool.servers.every(({ url }) => url.ip) ? 'static' : 'strict-dns',
    ...DIRECT_CLUSTER,
    connectTimeoutMs: CONNECT_TIMEOUT,
    balancing: pool.balancing,
    // No health is no reason to send to servers that failed their checks.
    spread: { ...DEFAULT_SPREAD, panicThreshold: 0 },
    healthChecks: pool.healthChecks,
    endpoints: pool.endpoints,
    protocol: { kind: 'explicit', version: 'http1' },
    common: COMMON_OPTIONS,
    http1: HTTP1_OPTIONS,
    http2: HTTP2_OPTIONS,
    tls: pool.tls,
    circuitBreakers: { default: breakers(pool.place), high: breakers(pool.place) },
    keepalive: { timeMs: 60_000 },
    place: pool.place,
  }
}

const breakers = (place: Place): CircuitBreakers => ({
  maxConnections: NO_BREAKERS,
  maxPendingRequests: NO_BREAKERS,
  maxRequests: NO_BREAKERS,
  maxRetries: NO_BREAKERS,
  place,
})

/** Whether all servers are reached by TLS; half of a pool cannot be. */
export function poolSecure(loading: Loading, servers: readonly PlacedServer[]): boolean {
  const secure = servers[0]?.url.secure ?? false
  const other = servers.find(({ url }) => url.secure !== secure)
  if (other !== undefined)
    loading.error(
      other.spot.field('url'),
      'servers with TLS and servers without cannot be in one pool',
      'give one sort a pool of its own, with a filter',
    )
  return secure
}
