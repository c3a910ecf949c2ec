// Routes to listeners: by parentRef, section and port, by what the listener allows, by hostname. Writes the routes'
// condition Accepted. Gateway API: ParentReference, AllowedRoutes.

import type { Conditions } from '../condition.ts'
import { olderFirst } from '../resource.ts'
import type { ParentReference } from '../kinds/field.ts'
import { GATEWAY } from '../kinds/gateway.ts'
import { parentPart, type GatewayState, type ListenerState, type Working } from '../working.ts'
import { namespaceAllowed } from './allowed-namespace.ts'
import { type AttachableRoute, routesOf } from './attachable.ts'
import { commonHosts, hostOrAny, intersection } from './hostname.ts'

/** Fills in the listeners' routes, oldest first. */
export function attachRoutes(working: Working, gateways: readonly GatewayState[]): void {
  const routes = [...routesOf(working)].sort((a, b) => olderFirst(a.route, b.route))
  for (const each of routes) {
    for (const [index, reference] of each.parentRefs.entries()) attachTo(working, gateways, each, reference, index)
  }
}

function attachTo(
  working: Working,
  gateways: readonly GatewayState[],
  each: AttachableRoute,
  reference: ParentReference,
  index: number,
): void {
  const { route } = each
  const spot = route.spot.key('spec').key('parentRefs').at(index)
  if (reference.kind !== GATEWAY.kind || reference.group !== GATEWAY.group)
    return working.warning(spot, `a parent of kind ${reference.kind} is not served by Sluice`)
  const namespace = reference.namespace ?? route.namespace
  const gateway = gateways.find(({ resource }) => resource.name === reference.name && resource.namespace === namespace)
  // Another controller's Gateway: nothing is said of it.
  if (gateway === undefined && working.store.get(GATEWAY, namespace, reference.name) !== undefined) return
  const conditions = working.status.part(route, parentPart(index))
  const refusal =
    gateway === undefined
      ? { reason: 'NoMatchingParent', message: `there is no Gateway ${namespace}/${reference.name}` }
      : place(working, gateway, each, reference, conditions)
  if (refusal === undefined) {
    conditions.set({ type: 'Accepted', status: 'True', reason: 'Accepted', message: 'the route is accepted' })
    return
  }
  conditions.set({ type: 'Accepted', status: 'False', ...refusal })
  conditions.default({ type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'nothing is refused' })
  working.error(spot, `the route is not attached (${refusal.reason}): ${refusal.message}`)
}

interface Refusal {
  readonly reason: string
  readonly message: string
}

/** Attaches to every listener that takes the route; or why none does. */
function place(
  working: Working,
  gateway: GatewayState,
  each: AttachableRoute,
  reference: ParentReference,
  conditions: Conditions,
): Refusal | undefined {
  const named = gateway.listeners.filter(({ spec }) => isNamed(spec, reference))
  if (named.length === 0) return { reason: 'NoMatchingParent', message: 'no listener has that name and port' }
  const allowed = named.filter((listener) => allows(working, listener, each))
  if (allowed.length === 0)
    return { reason: 'NotAllowedByListeners', message: `no listener takes a ${each.kind} of this namespace` }
  const fitting = allowed.map((listener) => ({ listener, hosts: hostsOf(listener, each) }))
  const open = fitting.filter(({ hosts }) => hosts.length > 0)
  if (open.length === 0)
    return { reason: 'NoMatchingListenerHostname', message: 'no hostname of the route fits the listener’s' }
  const free = open.filter(({ listener, hosts }) => !isTaken(listener, each, hosts))
  for (const { listener, hosts } of free) add(listener, each, hosts, conditions)
  if (free.length > 0) return undefined
  return {
    reason: 'NotAllowedByListeners',
    message: 'an older route of another kind has the hostname; HTTPRoute and GRPCRoute cannot share one',
  }
}

const isNamed = (spec: ListenerState['spec'], { sectionName, port }: ParentReference): boolean =>
  (sectionName === undefined || sectionName === spec.name) && (port === undefined || port === spec.port)

const allows = (working: Working, listener: ListenerState, { kind, route }: AttachableRoute): boolean =>
  listener.supportedKinds.includes(kind) &&
  namespaceAllowed(
    working.store,
    listener.spec.allowedRoutes.namespaces,
    listener.gateway.resource.namespace,
    route.namespace,
  )

const hostsOf = ({ spec }: ListenerState, { kind, hostnames }: AttachableRoute): readonly string[] =>
  kind === 'TCPRoute' ? ['*'] : commonHosts(hostOrAny(spec.hostname), hostnames)

/** HTTPRoute and GRPCRoute may not share a hostname on one listener: the older one has it. */
function isTaken(listener: ListenerState, { kind }: AttachableRoute, hosts: readonly string[]): boolean {
  if (kind !== 'HTTPRoute' && kind !== 'GRPCRoute') return false
  return listener.attached.some(
    (other) =>
      other.route.kind !== kind && other.hostnames.some((a) => hosts.some((b) => intersection(a, b) !== undefined)),
  )
}

function add(
  listener: ListenerState,
  { route }: AttachableRoute,
  hostnames: readonly string[],
  conditions: Conditions,
): void {
  const index = listener.attached.findIndex((each) => each.route === route)
  const known = listener.attached[index]
  if (known === undefined) listener.attached.push({ route, hostnames, parents: [conditions] })
  else listener.attached[index] = { ...known, parents: [...known.parents, conditions] }
}
