// filter of a pool: which requests a candidate pool takes.

import type { PoolMatch } from '../model/route.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import type { RequestMatcher } from './pool-schema.ts'

export function lowerPoolMatch(loading: Loading, filter: RequestMatcher, spot: Spot): PoolMatch {
  const permil = filter.permil ?? 0
  switch (filter.policy) {
    case 'ipHash':
      warnOfIgnored(loading, filter, spot)
      return { kind: 'ip-hash', permil }
    case 'headerHash':
      warnOfIgnored(loading, filter, spot)
      return { kind: 'header-hash', permil, header: (filter.headerHashKey ?? '').toLowerCase() }
    case 'random':
      warnOfIgnored(loading, filter, spot)
      return { kind: 'random', permil }
    case 'general':
    case '':
    case undefined:
      if (filter.permil !== undefined)
        loading.warning(spot.field('permil'), 'permil has no effect with policy general: headers and urls decide')
      return {
        kind: 'general',
        headers: filter.headers ?? [],
        allHeaders: filter.matchAllHeaders ?? false,
        urls: (filter.urls ?? []).map(({ methods, url }) => ({
          methods: methods ?? [],
          url: url.match,
          empty: url.empty,
        })),
      }
  }
}

function warnOfIgnored(loading: Loading, filter: RequestMatcher, spot: Spot): void {
  for (const field of ['headers', 'urls', 'matchAllHeaders'] as const) {
    if (filter[field] !== undefined)
      loading.warning(
        spot.field(field),
        `${field} has no effect with policy ${filter.policy}: permil alone decides`,
        'policy general goes by headers and urls',
      )
  }
}
