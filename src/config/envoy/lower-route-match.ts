// When a route applies. Envoy: config.route.v3.RouteMatch.

import type { PathMatch, RouteMatch } from '../model/route.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { fraction } from './lower-duration.ts'
import { each } from './lower-each.ts'
import { lowerHeaderMatch, lowerQueryMatch, lowerRegex } from './lower-string-match.ts'
import type { RouteMatch as RouteMatchMessage } from './messages.ts'

/** A path no request has, for matches that are refused elsewhere. */
const NO_PATH: PathMatch = { kind: 'exact', value: '', caseSensitive: true }

export function lowerRouteMatch(loading: Loading, message: RouteMatchMessage | undefined, spot: Spot): RouteMatch {
  if (message === undefined) {
    return { path: NO_PATH, headers: [], query: [], grpcOnly: false, fraction: undefined, tls: undefined }
  }
  const percent = message.runtimeFraction?.defaultValue
  const tls = message.tlsContext
  return {
    path: lowerPath(loading, message, spot),
    headers: each(message.headers, spot.field('headers'), (header, at) => lowerHeaderMatch(loading, header, at)),
    query: each(message.queryParameters, spot.field('query_parameters'), (query, at) =>
      lowerQueryMatch(loading, query, at),
    ),
    grpcOnly: message.grpc !== undefined,
    fraction: percent === undefined ? undefined : fraction(percent),
    tls: tls === undefined ? undefined : { presented: tls.presented, validated: tls.validated },
  }
}

function lowerPath(loading: Loading, message: RouteMatchMessage, spot: Spot): PathMatch {
  const path = message.pathSpecifier
  const caseSensitive = message.caseSensitive ?? true
  switch (path.case) {
    case 'prefix':
      return { kind: 'prefix', value: folded(path.value, caseSensitive), caseSensitive }
    case 'path':
      return { kind: 'exact', value: folded(path.value, caseSensitive), caseSensitive }
    case 'pathSeparatedPrefix':
      return { kind: 'separated-prefix', value: folded(path.value, caseSensitive), caseSensitive }
    case 'safeRegex':
      return { kind: 'regex', regex: lowerRegex(loading, path.value, spot.field('safe_regex')) }
    case 'connectMatcher':
      return { kind: 'connect' }
    default:
      return NO_PATH
  }
}

const folded = (path: string, caseSensitive: boolean): string => (caseSensitive ? path : path.toLowerCase())
