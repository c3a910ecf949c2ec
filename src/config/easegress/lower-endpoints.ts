// Servers of a pool as endpoints.

import type { EndpointConfig } from '../model/cluster.ts'
import type { LoweredChecks } from './lower-health-check.ts'
import type { PlacedServer } from './lower-pool.ts'

export interface EndpointOptions {
  readonly weighted: boolean
  readonly checks: LoweredChecks
  /** Servers known by address get their own Host, too. */
  readonly setUpstreamHost: boolean
}

export const lowerEndpoints = (servers: readonly PlacedServer[], options: EndpointOptions): readonly EndpointConfig[] =>
  servers.map((placed) => endpoint(placed, options))

function endpoint(placed: PlacedServer, { weighted, checks, setUpstreamHost }: EndpointOptions): EndpointConfig {
  const { server, url, spot } = placed
  const place = spot.field('url').place
  const keepHost = server.keepHost ?? false
  return {
    address: { kind: 'socket', host: url.host, port: url.port, place },
    hostname: url.host,
    // A server known by its address only cannot mind what Host it is called by.
    authority: keepHost || (url.ip && !setUpstreamHost) ? '' : url.authority,
    weight: weighted ? server.weight || 1 : 1,
    priority: 0,
    locality: { region: '', zone: '', subZone: '' },
    health: 'healthy',
    healthCheck: checks.endpoint(placed),
    place,
  }
}
