// Events of active checks, for the event log and the application's. The log's form is Envoy's: data.core.v3.HealthCheckEvent
// as JSON, one event a line. WEBSOCKET is Sluice's own checker type.

import type { Address } from '../../config/model/address.ts'
import type { HealthCheck } from '../../config/model/health-check.ts'
import type { Endpoint } from '../endpoint.ts'
import type { FailureType } from './check-state.ts'

export type HealthEventKind =
  | { readonly kind: 'eject-unhealthy'; readonly type: FailureType }
  | { readonly kind: 'add-healthy'; readonly first: boolean }
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly type: FailureType; readonly first: boolean }
  | { readonly kind: 'degraded' }
  | { readonly kind: 'no-longer-degraded' }

export interface HealthEvent {
  readonly clusterName: string
  readonly endpoint: Endpoint
  readonly check: HealthCheck
  readonly event: HealthEventKind
  readonly wallMs: number
}

const CHECKERS = { http: 'HTTP', tcp: 'TCP', grpc: 'GRPC', websocket: 'WEBSOCKET' } as const

const FAILURES: Readonly<Record<FailureType, string>> = {
  active: 'ACTIVE',
  passive: 'PASSIVE',
  network: 'NETWORK',
  'network-timeout': 'NETWORK_TIMEOUT',
}

/** The event as a line with its end. */
export function healthEventLine({ clusterName, endpoint, check, event, wallMs }: HealthEvent): string {
  const { region, zone, subZone } = endpoint.config.locality
  const [address] = endpoint.addresses
  const line = {
    health_checker_type: CHECKERS[check.probe.kind],
    ...(address === undefined ? {} : { host: addressMessage(address) }),
    cluster_name: clusterName,
    ...eventMessage(event),
    timestamp: new Date(wallMs).toISOString(),
    metadata: { filter_metadata: {}, typed_filter_metadata: {} },
    locality: { region, zone, sub_zone: subZone },
  }
  return `${JSON.stringify(line)}\n`
}

function eventMessage(event: HealthEventKind): object {
  switch (event.kind) {
    case 'eject-unhealthy':
      return { eject_unhealthy_event: { failure_type: FAILURES[event.type] } }
    case 'add-healthy':
      return { add_healthy_event: { first_check: event.first } }
    case 'success':
      return { successful_health_check_event: {} }
    case 'failure':
      return { health_check_failure_event: { failure_type: FAILURES[event.type], first_check: event.first } }
    case 'degraded':
      return { degraded_healthy_host: {} }
    case 'no-longer-degraded':
      return { no_longer_degraded_host: {} }
  }
}

function addressMessage(address: Address): object {
  switch (address.kind) {
    case 'socket':
      return {
        socket_address: {
          protocol: 'TCP',
          address: address.host,
          resolver_name: '',
          ipv4_compat: false,
          port_value: address.port,
        },
      }
    case 'pipe':
      return { pipe: { path: address.path, mode: 0 } }
    case 'internal':
      return {
        envoy_internal_address: { server_listener_name: address.listener, endpoint_id: address.endpointId },
      }
  }
}
