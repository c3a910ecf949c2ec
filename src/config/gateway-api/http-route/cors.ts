// Cross-origin policy of a rule. Gateway API: HTTPCORSFilter.

import type { CorsPolicy } from '../../model/cors.ts'
import type { HttpFilterConfig } from '../../model/http-filter.ts'
import type { Place } from '../../model/place.ts'
import type { StringMatch } from '../../model/string-match.ts'
import type { CorsFilter } from '../kinds/http-filter.ts'
import { regexOf } from './match.ts'

/** Name of the filter in the chain. */
export const CORS = 'cors'

/** The filter for the chain, without policy, or for a route with one. */
export const corsFilter = (policy: CorsPolicy | undefined, place: Place): HttpFilterConfig => ({
  kind: 'cors',
  name: CORS,
  disabled: false,
  policy,
  place,
})

export const lowerCors = (filter: CorsFilter): CorsPolicy => ({
  allowOrigins: filter.allowOrigins.map(originMatch),
  allowMethods: filter.allowMethods,
  allowHeaders: filter.allowHeaders,
  exposeHeaders: filter.exposeHeaders,
  allowCredentials: filter.allowCredentials,
  maxAge: filter.maxAge,
})

/** Scheme and host compare without case (RFC 6454 §4); a star stands for one or more labels. */
function originMatch(origin: string): StringMatch {
  if (origin === '*') return { kind: 'prefix', value: '', ignoreCase: false }
  if (!origin.includes('*')) return { kind: 'exact', value: origin, ignoreCase: true }
  const [before = '', after = ''] = origin.split('*')
  return { kind: 'regex', regex: regexOf(`(?i)${quoted(before)}[^/:@]+${quoted(after)}`) }
}

const quoted = (text: string): string => text.replace(/[^A-Za-z0-9]/g, (sign) => `\\${sign}`)
