// One route: match, action, and what it changes. Envoy: config.route.v3.Route.

import { PART_KEYS } from '../model/model-part.ts'
import type { Route, RouteAction, RouteMatch } from '../model/route.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerMutations } from './lower-header-mutation.ts'
import { lowerPerFilter } from './lower-http-filter.ts'
import { metadataPart } from './lower-model-part.ts'
import { lowerDirect, lowerForward, lowerRedirect, REFUSED, type RouteContext } from './lower-route-action.ts'
import { lowerRouteMatch } from './lower-route-match.ts'
import type { Route as RouteMessage } from './messages.ts'

/** What `sluice convert` writes beside Envoy's fields. */
interface RoutePart {
  readonly maxRequestBodyBytes: number | undefined
  readonly match: Partial<RouteMatch>
  /** Of the action that Envoy's fields say, without its kind. */
  readonly action: object
}

export function lowerRoute(loading: Loading, message: RouteMessage, spot: Spot, context: RouteContext): Route {
  const part = metadataPart<RoutePart>(loading, message.metadata, spot.field('metadata'), PART_KEYS.route)
  return {
    name: message.name,
    match: { ...lowerRouteMatch(loading, message.match, spot.field('match')), ...part.match },
    action: { ...lowerAction(loading, message, spot, context), ...part.action },
    mutations: lowerMutations(loading, message, spot),
    perFilter: lowerPerFilter(loading, message.typedPerFilterConfig, spot.field('typed_per_filter_config')),
    maxRequestBodyBytes: part.maxRequestBodyBytes,
    place: spot.place,
  }
}

function lowerAction(loading: Loading, { action }: RouteMessage, spot: Spot, context: RouteContext): RouteAction {
  switch (action.case) {
    case 'route':
      return lowerForward(loading, action.value, spot.field('route'), context)
    case 'redirect':
      return lowerRedirect(loading, action.value, spot.field('redirect'))
    case 'directResponse':
      return lowerDirect(loading, action.value, spot.field('direct_response'), context)
    default:
      return REFUSED
  }
}
