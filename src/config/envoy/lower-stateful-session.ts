// Stateful sessions: a cookie or header that brings a client back to its endpoint. Envoy has a filter for it; here it is a
// property of the routes behind that filter. Envoy: extensions.filters.http.stateful_session.v3.
// Deviation: Envoy writes the endpoint's address into the cookie; here it is an HMAC of it, which tells and allows nothing.

import { isMessage, type Message } from '@bufbuild/protobuf'
import type { EndpointAffinity } from '../model/hash-policy.ts'
import type { PerFilterConfig, Route, RouteTable, VirtualHost } from '../model/route.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { milliseconds } from './lower-duration.ts'
import { lowerCookieAttributes } from './lower-hash-policy.ts'
import {
  CookieBasedSessionStateSchema,
  HeaderBasedSessionStateSchema,
  StatefulSessionPerRouteSchema,
  StatefulSessionSchema,
  type HttpFilter,
  type StatefulSession,
} from './messages.ts'

/** What the entry of a route says in place of the filter. */
const overrides = new WeakMap<object, EndpointAffinity>()

/** A route's or virtual host's word on the filter; undefined when it is about another filter. */
export function lowerSessionOverride(
  loading: Loading,
  config: Message | undefined,
  spot: Spot,
): { readonly disabled: boolean; readonly config: undefined } | undefined {
  if (!isMessage(config, StatefulSessionPerRouteSchema)) return undefined
  const { override } = config
  if (override.case === 'disabled') return { disabled: override.value, config: undefined }
  const affinity =
    override.case === 'statefulSession'
      ? lowerSession(loading, override.value, spot.field('stateful_session'))
      : undefined
  const entry = { disabled: affinity === undefined, config: undefined }
  if (affinity !== undefined) overrides.set(entry, affinity)
  return entry
}

/** Gives the routes the affinity of the stateful_session filter of their chain. */
export function withStatefulSession(
  loading: Loading,
  filters: readonly HttpFilter[],
  spot: Spot,
  table: RouteTable,
): RouteTable {
  for (const [index, filter] of filters.entries()) {
    const config = filter.configType.case === 'typedConfig' ? loading.unpack(filter.configType.value) : undefined
    if (!isMessage(config, StatefulSessionSchema)) continue
    const affinity = lowerSession(loading, config, spot.at(index).field('typed_config'))
    const standing = filter.disabled ? undefined : affinity
    return { ...table, virtualHosts: table.virtualHosts.map((host) => inHost(host, filter.name, standing)) }
  }
  return table
}

function inHost(host: VirtualHost, filter: string, affinity: EndpointAffinity | undefined): VirtualHost {
  const own = affinityFor(host.perFilter, filter, affinity)
  return { ...host, routes: host.routes.map((route) => inRoute(route, affinityFor(route.perFilter, filter, own))) }
}

function inRoute(route: Route, affinity: EndpointAffinity | undefined): Route {
  const { action } = route
  return action.kind === 'forward' && affinity !== undefined ? { ...route, action: { ...action, affinity } } : route
}

function affinityFor(
  perFilter: PerFilterConfig,
  filter: string,
  affinity: EndpointAffinity | undefined,
): EndpointAffinity | undefined {
  const entry = perFilter.get(filter)
  if (entry === undefined) return affinity
  return entry.disabled ? undefined : (overrides.get(entry) ?? affinity)
}

/** undefined without session_state: such a filter does nothing. */
function lowerSession(loading: Loading, message: StatefulSession, spot: Spot): EndpointAffinity | undefined {
  const state = loading.unpack(message.sessionState?.typedConfig)
  const at = spot.field('session_state').field('typed_config')
  const common = { onlyWithCookie: undefined, key: undefined, strict: message.strict }
  if (isMessage(state, HeaderBasedSessionStateSchema)) {
    return { carrier: { kind: 'header', name: state.name.toLowerCase() }, ...common }
  }
  if (!isMessage(state, CookieBasedSessionStateSchema) || state.cookie === undefined) return undefined
  const { name, ttl } = state.cookie
  const lowered = lowerCookieAttributes(loading, state.cookie, at.field('cookie'))
  const ttlMs = ttl === undefined ? 0 : milliseconds(ttl)
  return { carrier: { kind: 'cookie', name, ttlMs, attributes: lowered }, ...common }
}
