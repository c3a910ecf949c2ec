// One route: match, action, and what it changes. Envoy: config.route.v3.Route.

import type { Route, RouteAction } from '../model/route.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerMutations } from './lower-header-mutation.ts'
import { lowerPerFilter } from './lower-http-filter.ts'
import { lowerDirect, lowerForward, lowerRedirect, REFUSED, type RouteContext } from './lower-route-action.ts'
import { lowerRouteMatch } from './lower-route-match.ts'
import type { Route as RouteMessage } from './messages.ts'

export function lowerRoute(loading: Loading, message: RouteMessage, spot: Spot, context: RouteContext): Route {
  return {
    name: message.name,
    match: lowerRouteMatch(loading, message.match, spot.field('match')),
    action: lowerAction(loading, message, spot, context),
    mutations: lowerMutations(loading, message, spot),
    perFilter: lowerPerFilter(loading, message.typedPerFilterConfig, spot.field('typed_per_filter_config')),
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
