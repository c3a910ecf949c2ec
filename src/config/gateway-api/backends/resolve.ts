// A backendRef of any route into the name of a cluster, or the reason why it has none. The clusters themselves grow in
// Working.clusters as they are named. Gateway API: BackendObjectReference; appProtocol: GEP-1911.

import type { Spot } from '../../source/tree.ts'
import { attachableRoute } from '../attach/attachable.ts'
import { SERVICE, type ServicePort, type ServiceValue } from '../kinds/core.ts'
import type { BackendReference } from '../kinds/field.ts'
import { hasPoliciesOfTraffic } from '../policy/service-policy.ts'
import { granted } from '../references.ts'
import type { Resource } from '../resource.ts'
import { backendTls } from '../tls/backend-tls.ts'
import { parentPart, type GatewayState, type Working } from '../working.ts'
import type { BackendPort } from './backend-port.ts'
import { makeCluster } from './make-cluster.ts'

export interface BackendRequest {
  readonly gateway: GatewayState
  readonly route: Resource
  readonly reference: Omit<BackendReference, 'weight'>
  /** Of the reference. */
  readonly spot: Spot
  /** `tls`: the client's own TLS passes through. */
  readonly protocol: 'http' | 'grpc' | 'tcp' | 'tls'
}

/** Reasons of the condition ResolvedRefs. */
export type UnresolvedReason = 'RefNotPermitted' | 'InvalidKind' | 'BackendNotFound' | 'UnsupportedProtocol'

export type ResolvedBackend =
  | { readonly kind: 'cluster'; readonly name: string }
  /** This share answers 500, or closes the connection. What there is to say has been said. */
  | { readonly kind: 'unresolved'; readonly reason: string; readonly message: string }

/** Resolves; writes ResolvedRefs False into the route's parents of that Gateway where it does not. */
export function resolveBackend(working: Working, request: BackendRequest): ResolvedBackend {
  const found = findPort(working, request)
  if ('reason' in found) return unresolved(working, request, found)
  return clusterFor(working, request, found)
}

interface Unresolved {
  readonly reason: UnresolvedReason
  readonly message: string
}

function findPort(working: Working, { route, reference, gateway }: BackendRequest): BackendPort | Unresolved {
  const { group, kind, name, port: number } = reference
  const namespace = reference.namespace ?? route.namespace
  if (group !== '' || kind !== 'Service')
    return {
      reason: 'InvalidKind',
      message: `a backend is a Service, not a ${group === '' ? kind : `${kind} of ${group}`}`,
    }
  const key = { group, kind, namespace, name }
  if (!granted(working.store, route, key))
    return {
      reason: 'RefNotPermitted',
      message: `no ReferenceGrant in ${namespace} lets a ${route.kind} of ${route.namespace} name the Service ${name}`,
    }
  const service = working.store.get(SERVICE, namespace, name)
  if (service === undefined) return { reason: 'BackendNotFound', message: `there is no Service ${namespace}/${name}` }
  const port = portOf(service, number)
  if (port === undefined) {
    const message =
      number === undefined
        ? 'a backendRef to a Service needs a port'
        : `the Service ${namespace}/${name} has no TCP port ${number}`
    return { reason: 'BackendNotFound', message }
  }
  return { gateway, service, port }
}

/** An ExternalName Service need not list its ports. */
function portOf({ value: { spec } }: Resource<ServiceValue>, number: number | undefined): ServicePort | undefined {
  if (number === undefined) return undefined
  const found = spec.ports.find(({ port, protocol }) => port === number && protocol === 'TCP')
  if (found !== undefined || spec.type !== 'ExternalName') return found
  return { port: number, protocol: 'TCP' }
}

function clusterFor(working: Working, request: BackendRequest, backend: BackendPort): ResolvedBackend {
  const name = clusterName(working, request, backend)
  if (working.clusters.has(name)) return { kind: 'cluster', name }
  const refused = working.refusedBackends.get(name)
  if (refused !== undefined) return { kind: 'unresolved', reason: 'Refused', message: refused }
  const { protocol } = request
  const tls = protocol === 'tls' ? { kind: 'plain' as const } : backendTls(working, backend)
  if (tls.kind === 'refused') {
    working.refusedBackends.set(name, tls.message)
    return { kind: 'unresolved', reason: 'Refused', message: tls.message }
  }
  if (backend.port.appProtocol === 'kubernetes.io/wss' && tls.kind === 'plain' && isHttp(protocol))
    return unresolved(working, request, {
      reason: 'UnsupportedProtocol',
      message: 'the port speaks wss, but no BackendTLSPolicy says whom to trust; it would be spoken to in the clear',
    })
  const cluster = makeCluster(working, backend, {
    name,
    version: versionOf(backend.port, protocol),
    protocol: protocol === 'tls' ? 'tcp' : protocol,
    tls: tls.kind === 'tls' ? tls.tls : undefined,
  })
  working.clusters.set(name, cluster)
  return { kind: 'cluster', name }
}

const isHttp = (protocol: BackendRequest['protocol']): boolean => protocol === 'http' || protocol === 'grpc'

const versionOf = ({ appProtocol }: ServicePort, protocol: BackendRequest['protocol']): 'http1' | 'http2' =>
  protocol === 'grpc' || (protocol === 'http' && appProtocol === 'kubernetes.io/h2c') ? 'http2' : 'http1'

/**
 * One cluster per port, way to speak to it, and set of rules: AGC's class has defaults of its own, some policies hold for the
 * traffic of one namespace, and a Gateway may show a client certificate.
 */
function clusterName(working: Working, { protocol }: BackendRequest, backend: BackendPort): string {
  const { service, port, gateway } = backend
  const way = protocol === 'http' ? '' : `#${protocol}`
  return `${service.namespace}/${service.name}/${port.port}${way}${rulesOf(working, backend, gateway)}`
}

function rulesOf(working: Working, backend: BackendPort, { resource, flavour }: GatewayState): string {
  if (resource.value.spec.tls?.backend?.clientCertificateRef !== undefined)
    return `@${resource.namespace}/${resource.name}`
  const agc = flavour === 'agc' ? '@agc' : ''
  return hasPoliciesOfTraffic(working, backend) ? `${agc}@${resource.namespace}/*` : agc
}

function unresolved(working: Working, { route, gateway, spot }: BackendRequest, why: Unresolved): ResolvedBackend {
  for (const [index, reference] of (attachableRoute(route)?.parentRefs ?? []).entries()) {
    const named = reference.name === gateway.resource.name
    if (!named || (reference.namespace ?? route.namespace) !== gateway.resource.namespace) continue
    const conditions = working.status.part(route, parentPart(index))
    if (conditions.get('ResolvedRefs')?.status !== 'False')
      conditions.set({ type: 'ResolvedRefs', status: 'False', ...why })
  }
  working.error(spot, `the backend is not resolved (${why.reason}): ${why.message}`)
  return { kind: 'unresolved', ...why }
}
