// When a route applies.

import type { PathMatch, RouteMatch } from '../model/route.ts'
import { fields, type Fields, fractionalPercent, listOf, unless } from './json.ts'
import { headerMatcher, queryMatcher, regexMatcher } from './string-match.ts'

/** config.route.v3.RouteMatch, as far as Envoy goes. */
export const routeMatch = (match: RouteMatch): Fields =>
  fields({
    ...pathSpecifier(match.path),
    headers: listOf(match.headers, headerMatcher),
    query_parameters: listOf(match.query, queryMatcher),
    grpc: match.grpcOnly ? {} : undefined,
    runtime_fraction:
      match.fraction === undefined
        ? undefined
        : { runtime_key: 'sluice', default_value: fractionalPercent(match.fraction) },
    tls_context: match.tls && fields({ presented: match.tls.presented, validated: match.tls.validated }),
  })

function pathSpecifier(path: PathMatch): Fields {
  switch (path.kind) {
    case 'prefix':
      return fields({ prefix: path.value, case_sensitive: unless(path.caseSensitive, true) })
    case 'exact':
      return fields({ path: path.value, case_sensitive: unless(path.caseSensitive, true) })
    case 'separated-prefix':
      return fields({ path_separated_prefix: path.value, case_sensitive: unless(path.caseSensitive, true) })
    case 'regex':
      return { safe_regex: regexMatcher(path.regex) }
    case 'connect':
      return { connect_matcher: {} }
    case 'any':
      return { prefix: '/' }
  }
}

/** The part that Envoy has no words for; undefined when there is none. */
export const matchPart = ({ path, hosts, methods, anyHeader, anyQuery, sources }: RouteMatch): unknown => {
  const part = {
    path: path.kind === 'any' ? path : undefined,
    hosts,
    methods,
    anyHeader,
    anyQuery,
    sources,
  }
  return Object.values(part).some((value) => value !== undefined) ? part : undefined
}
