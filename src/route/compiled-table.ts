// A route table made ready for requests: domains indexed, matchers compiled, header mutations put in order. Built once per
// configuration, shared by all connections, never changed.

import type { HeaderMutations, MessageMutations } from '../config/model/header-mutation.ts'
import type { ForwardAction, Route, RouteTable, VirtualHost } from '../config/model/route.ts'
import { PathMatcher } from './path-matcher.ts'
import { compileConditions, type Condition } from './route-conditions.ts'
import { tlsRedirectRoute } from './require-tls.ts'
import { VirtualHostIndex } from './virtual-host-index.ts'

/** A route that was selected, with all that applies to its request. Made once per route, not per request. */
export interface SelectedRoute {
  readonly kind: 'route'
  readonly table: RouteTable
  readonly virtualHost: VirtualHost
  readonly route: Route
  /** In the order they apply; without those that change nothing. */
  readonly requestMutations: readonly HeaderMutations[]
  readonly responseMutations: readonly HeaderMutations[]
}

const redirected = new WeakMap<SelectedRoute, Map<ForwardAction, SelectedRoute>>()

/** The selected route with another action, which a filter chose; made once for each action. */
export function withAction(selected: SelectedRoute, action: ForwardAction): SelectedRoute {
  if (selected.route.action === action) return selected
  const known = redirected.get(selected) ?? new Map<ForwardAction, SelectedRoute>()
  redirected.set(selected, known)
  let changed = known.get(action)
  if (changed === undefined) known.set(action, (changed = { ...selected, route: { ...selected.route, action } }))
  return changed
}

export interface CompiledRoute {
  readonly path: PathMatcher
  readonly conditions: readonly Condition[]
  readonly selected: SelectedRoute
}

export interface CompiledVirtualHost {
  readonly virtualHost: VirtualHost
  readonly routes: readonly CompiledRoute[]
  /** The answer for clear-text requests when the virtual host requires TLS. */
  readonly tlsRedirect: SelectedRoute
}

/** What `selectRoute` works on. */
export interface CompiledRouteTable {
  readonly table: RouteTable
  readonly index: VirtualHostIndex<CompiledVirtualHost>
  readonly virtualHosts: readonly CompiledVirtualHost[]
}

/** Compiles a route table. */
export function compileRouteTable(table: RouteTable): CompiledRouteTable {
  const virtualHosts = table.virtualHosts.map((virtualHost) => compileVirtualHost(table, virtualHost))
  return { table, virtualHosts, index: new VirtualHostIndex(domainsOf(virtualHosts), table.ignorePortInHostMatching) }
}

function* domainsOf(virtualHosts: readonly CompiledVirtualHost[]): Generator<readonly [string, CompiledVirtualHost]> {
  for (const compiled of virtualHosts) for (const domain of compiled.virtualHost.domains) yield [domain, compiled]
}

function compileVirtualHost(table: RouteTable, virtualHost: VirtualHost): CompiledVirtualHost {
  return {
    virtualHost,
    routes: virtualHost.routes.map((route) => ({
      path: new PathMatcher(route.match.path),
      conditions: compileConditions(route.match),
      selected: select(table, virtualHost, route),
    })),
    tlsRedirect: select(table, virtualHost, tlsRedirectRoute(virtualHost)),
  }
}

function select(table: RouteTable, virtualHost: VirtualHost, route: Route): SelectedRoute {
  const levels = mutationLevels(table, virtualHost, route)
  return {
    kind: 'route',
    table,
    virtualHost,
    route,
    requestMutations: levels.map((level) => level.request).filter(changesSomething),
    responseMutations: levels.map((level) => level.response).filter(changesSomething),
  }
}

/** Later ones win: the table by default, the route with most_specific_header_mutations_wins. */
function mutationLevels(table: RouteTable, virtualHost: VirtualHost, route: Route): MessageMutations[] {
  const levels = [route.mutations, virtualHost.mutations, table.mutations]
  return table.mostSpecificMutationsWin ? levels.reverse() : levels
}

const changesSomething = ({ add, remove }: HeaderMutations): boolean => add.length > 0 || remove.length > 0
