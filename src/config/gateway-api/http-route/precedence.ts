// Which of several matches wins. Gateway API, HTTPRouteRule.matches: hostname, exact path, longest prefix, method, most
// headers, most query parameters, then the older route, its name, its order. Regular expressions, whose place the API leaves
// open, come after exact paths and before prefixes, longer ones first.

import type { Route } from '../../model/route.ts'
import { olderFirst, type Resource } from '../resource.ts'
import { specificHostFirst } from '../attach/hostname.ts'

/** A route of the model with what decides its place. */
export interface RankedRoute {
  readonly owner: Resource
  /** Higher ones first, number by number. */
  readonly rank: readonly number[]
  /** Position in its route. */
  readonly order: number
  readonly route: Route
}

/** The same under the hostname by which it came to a virtual host. */
export interface HostedRoute extends RankedRoute {
  readonly host: string
}

/** For sorting. */
export function firstToMatch(a: HostedRoute, b: HostedRoute): number {
  return (
    specificHostFirst(a.host, b.host) ||
    byRank(a.rank, b.rank) ||
    (a.owner === b.owner ? a.order - b.order : olderFirst(a.owner, b.owner))
  )
}

function byRank(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = (b[index] ?? 0) - value
    if (difference !== 0) return difference
  }
  return 0
}
