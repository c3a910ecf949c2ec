// Where a Service's port is reached. EndpointSlices that belong to it say so; a Service without any is reached by its
// clusterIP, by the name that a cluster's DNS has for it, or by its externalName. Kubernetes: EndpointSlice conditions.

import type { Discovery, EndpointConfig } from '../../model/cluster.ts'
import type { Place } from '../../model/place.ts'
import {
  ENDPOINT_SLICE,
  type EndpointSliceValue,
  type EndpointSpec,
  type ServicePort,
  type ServiceValue,
} from '../kinds/core.ts'
import type { Resource } from '../resource.ts'
import type { Working } from '../working.ts'

const SERVICE_LABEL = 'kubernetes.io/service-name'

export interface ServiceEndpoints {
  readonly discovery: Discovery
  readonly endpoints: readonly EndpointConfig[]
}

/** The endpoints of one port. An empty list is an answer, too: 503. */
export function serviceEndpoints(
  working: Working,
  service: Resource<ServiceValue>,
  port: ServicePort,
): ServiceEndpoints {
  const slices = working.store
    .all(ENDPOINT_SLICE)
    .filter(({ namespace, labels }) => namespace === service.namespace && labels[SERVICE_LABEL] === service.name)
  return slices.length > 0 ? fromSlices(slices, port) : withoutSlices(service, port)
}

function fromSlices(slices: readonly Resource<EndpointSliceValue>[], port: ServicePort): ServiceEndpoints {
  const found = slices.flatMap((slice) => reachable(slice, port))
  const ready = found.filter(({ spec }) => spec.conditions.ready ?? true)
  // While every endpoint is on its way out, the ones that still serve are better than none.
  const usable = ready.length > 0 ? ready : found.filter(({ spec }) => spec.conditions.serving === true)
  return {
    discovery: found.some(({ named }) => named) ? 'strict-dns' : 'static',
    endpoints: usable.flatMap(({ spec, target, place, named }) =>
      // Kubernetes: the addresses of one endpoint are interchangeable; the first is used.
      spec.addresses.slice(0, 1).map((host) => endpoint(host, target, place, named ? host : '')),
    ),
  }
}

interface Reachable {
  readonly spec: EndpointSpec
  readonly target: number
  readonly place: Place
  readonly named: boolean
}

function reachable(slice: Resource<EndpointSliceValue>, port: ServicePort): readonly Reachable[] {
  const target = slice.value.ports.find((each) => each.name === (port.name ?? '') && each.protocol === 'TCP')?.port
  if (target === undefined) return []
  const spot = slice.spot.key('endpoints')
  const named = slice.value.addressType === 'FQDN'
  return slice.value.endpoints.map((spec, index) => ({ spec, target, place: spot.at(index).place, named }))
}

function withoutSlices(service: Resource<ServiceValue>, port: ServicePort): ServiceEndpoints {
  const { type, externalName, clusterIP } = service.value.spec
  const { place } = service.spot.key('spec')
  if (type === 'ExternalName')
    return { discovery: 'strict-dns', endpoints: [endpoint(externalName ?? '', port.port, place, externalName ?? '')] }
  if (clusterIP !== undefined && clusterIP !== '' && clusterIP !== 'None')
    return { discovery: 'static', endpoints: [endpoint(clusterIP, port.port, place, '')] }
  const name = `${service.name}.${service.namespace}.svc`
  // A headless Service's name leads to the endpoints themselves, which listen on the target port.
  const headless = clusterIP === 'None' && typeof port.targetPort === 'number'
  return {
    discovery: 'strict-dns',
    endpoints: [endpoint(name, headless ? Number(port.targetPort) : port.port, place, name)],
  }
}

const endpoint = (host: string, port: number, place: Place, hostname: string): EndpointConfig => ({
  address: { kind: 'socket', host, port, place },
  hostname,
  weight: 1,
  priority: 0,
  locality: { region: '', zone: '', subZone: '' },
  health: 'healthy',
  place,
})
