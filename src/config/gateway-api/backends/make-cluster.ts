// A cluster for a Service's port, with the defaults of the Gateway's class. Milliseconds.

import { DEFAULT_SPREAD } from '../../model/balancing.ts'
import { type Cluster, DIRECT_CLUSTER, type UpstreamProtocol } from '../../model/cluster.ts'
import type { UpstreamTls } from '../../model/tls.ts'
import { defaultCommonHttp, defaultHttp1, defaultHttp2 } from '../protocol-defaults.ts'
import { servicePolicyFor } from '../policy/service-policy.ts'
import type { Working } from '../working.ts'
import type { BackendPort } from './backend-port.ts'
import { serviceEndpoints } from './service-endpoints.ts'

/** AGC: 5 s. */
const CONNECT_TIMEOUT_MS = 5000
/** AGC's number for "no limit". */
const NO_LIMIT = 1_000_000_000

export interface ClusterNeed {
  readonly name: string
  readonly version: 'http1' | 'http2'
  readonly protocol: 'http' | 'grpc' | 'tcp'
  readonly tls: UpstreamTls | undefined
}

export function makeCluster(working: Working, backend: BackendPort, need: ClusterNeed): Cluster {
  const { service, port } = backend
  const index = service.value.spec.ports.indexOf(port)
  const { place } = service.spot.key('spec').key('ports').at(index)
  const limits = {
    maxConnections: NO_LIMIT,
    maxPendingRequests: NO_LIMIT,
    maxRequests: NO_LIMIT,
    maxRetries: NO_LIMIT,
    place,
  }
  const protocol: UpstreamProtocol = { kind: 'explicit', version: need.version }
  return {
    name: need.name,
    statName: need.name,
    ...serviceEndpoints(working, service, port),
    ...DIRECT_CLUSTER,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    balancing: { kind: 'round-robin' },
    // No ready endpoint is 503, whatever is left: there is no panic.
    spread: { ...DEFAULT_SPREAD, panicThreshold: 0 },
    protocol,
    common: defaultCommonHttp(backend.gateway.flavour),
    http1: defaultHttp1,
    http2: defaultHttp2,
    tls: need.tls === undefined ? undefined : { ...need.tls, alpn: alpnOf(need) },
    circuitBreakers: { default: limits, high: limits },
    place,
    ...servicePolicyFor(working, backend, { protocol: need.protocol, tls: need.tls !== undefined }),
  }
}

/** Bytes of a TLSRoute or TCPRoute are of no protocol that could be named. */
const alpnOf = ({ protocol, version }: ClusterNeed): readonly string[] =>
  protocol === 'tcp' ? [] : [version === 'http2' ? 'h2' : 'http/1.1']
