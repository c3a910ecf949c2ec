// What all kinds of routes have in common: whom they ask to serve them, and for which hosts.

import { z } from 'zod'
import { parentReferences, type ParentReference } from '../kinds/field.ts'
import type { Resource } from '../resource.ts'
import type { RouteKindName, Working } from '../working.ts'

const attachable = z.looseObject({
  spec: z.looseObject({ parentRefs: parentReferences, hostnames: z.array(z.string()).default([]) }),
})

/** A route of any kind. */
export interface AttachableRoute {
  readonly route: Resource
  readonly kind: RouteKindName
  readonly parentRefs: readonly ParentReference[]
  readonly hostnames: readonly string[]
}

const ROUTE_KINDS = new Map<string, RouteKindName>([
  ['HTTPRoute', 'HTTPRoute'],
  ['GRPCRoute', 'GRPCRoute'],
  ['TLSRoute', 'TLSRoute'],
  ['TCPRoute', 'TCPRoute'],
])

/** The kind of a route; undefined for other objects. */
export const routeKindOf = ({ group, kind }: Resource): RouteKindName | undefined =>
  group === 'gateway.networking.k8s.io' ? ROUTE_KINDS.get(kind) : undefined

/** What a route says of its parents and hosts; undefined for other objects. Its kind's own schema has checked the fields. */
export function attachableRoute(route: Resource): AttachableRoute | undefined {
  const kind = routeKindOf(route)
  if (kind === undefined) return undefined
  const { spec } = attachable.parse(route.value)
  return { route, kind, parentRefs: spec.parentRefs, hostnames: spec.hostnames }
}

/** All routes. */
export const routesOf = (working: Working): readonly AttachableRoute[] =>
  working.store
    .everything()
    .map(attachableRoute)
    .filter((route) => route !== undefined)
