// The contract of clusters whose endpoints are not known before somebody asks: original-dst and dynamic-forward-proxy.

import type { Address } from '../../config/model/address.ts'
import type { Cluster, EndpointConfig } from '../../config/model/cluster.ts'
import type { PickContext } from '../balance/picker.ts'
import type { Endpoint } from '../endpoint.ts'
import type { NoEndpoint } from '../no-endpoint.ts'

export interface EndpointsOnDemand {
  readonly endpoints: readonly Endpoint[]
  start(): void
  stop(): void
  /** The endpoint that `context` asks for, made if need be. */
  pick(context: PickContext): Endpoint | NoEndpoint
}

/** What the configuration would say of an endpoint that nobody configured. */
export function demandedConfig(cluster: Cluster, address: Address, hostname: string): EndpointConfig {
  return {
    address,
    hostname,
    weight: 1,
    priority: 0,
    locality: { region: '', zone: '', subZone: '' },
    health: 'healthy',
    place: cluster.place,
  }
}
