// Chooses the route of a request: virtual host by authority, then the first route whose path and conditions match. Pure:
// called by the connection manager, again when a filter changed what routing depends on.

import type { RequestHead } from '../codec/http-stream.ts'
import type { Place } from '../config/model/place.ts'
import type { VirtualHost } from '../config/model/route.ts'
import type { CompiledRoute, CompiledRouteTable, SelectedRoute } from './compiled-table.ts'
import { explainMissingRoute } from './explain-missing-route.ts'
import { explainMissingVirtualHost } from './explain-missing-virtual-host.ts'
import type { MatchedHead } from './header-test.ts'
import { pathInput, type PathInput } from './path-matcher.ts'
import { needsTlsRedirect } from './require-tls.ts'
import { nearestRefusal, type Refusal } from './refusal.ts'
import type { ConditionInput } from './route-conditions.ts'

/** What routing depends on. */
export interface RouteInput extends ConditionInput {
  readonly head: MatchedHead & Pick<RequestHead, 'tunnel'>
  /** The request comes from inside, as the connection manager judged; for require_tls EXTERNAL_ONLY. */
  readonly internal: boolean
}

/** No route: what was looked for, what nearly matched, and where to look in the configuration. No secrets, bounded. */
export interface RouteMiss {
  readonly kind: 'no-virtual-host' | 'no-route'
  /** Known for `no-route`. */
  readonly virtualHost: VirtualHost | undefined
  readonly explanation: string
  /** 404 unless the table asks for the nearest miss. */
  readonly status: Refusal
  readonly place: Place
}

/** The route for a request, or why there is none. */
export function selectRoute(compiled: CompiledRouteTable, input: RouteInput): SelectedRoute | RouteMiss {
  const { head } = input
  const host = compiled.index.find(head.authority)
  if (host === undefined) {
    const explanation = explainMissingVirtualHost(compiled, head.authority)
    return { kind: 'no-virtual-host', virtualHost: undefined, explanation, status: 404, place: compiled.table.place }
  }
  const { virtualHost } = host
  // A CONNECT too: it must not pass in clear text where TLS is required.
  if (needsTlsRedirect(virtualHost, head, input.internal)) return host.tlsRedirect
  const path = pathInput(head, compiled.table.ignorePathParameters)
  const found = firstMatch(host.routes, path, input)
  if (found !== undefined) return found
  const explanation = explainMissingRoute(host, path, input)
  const status = compiled.table.refusal === 'nearest' ? nearestRefusal(host.routes, path, input) : 404
  return { kind: 'no-route', virtualHost, explanation, status, place: virtualHost.place }
}

function firstMatch(routes: readonly CompiledRoute[], path: PathInput, input: RouteInput): SelectedRoute | undefined {
  for (const route of routes) if (route.path.test(path) && conditionsHold(route, input)) return route.selected
  return undefined
}

function conditionsHold(route: CompiledRoute, input: RouteInput): boolean {
  for (const condition of route.conditions) if (!condition.test(input)) return false
  return true
}
