// A port of a Service as the routes of one Gateway reach it: what clusters are made for, and what policies speak of.

import type { ServicePort, ServiceValue } from '../kinds/core.ts'
import type { Resource } from '../resource.ts'
import type { GatewayState } from '../working.ts'

/** Gateways do not share one, because their classes and policies differ. */
export interface BackendPort {
  readonly gateway: GatewayState
  readonly service: Resource<ServiceValue>
  readonly port: ServicePort
}
