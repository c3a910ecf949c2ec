// The cross-origin policy of a route or virtual host. Envoy: extensions.filters.http.cors.v3.CorsPolicy.

import type { CorsPolicy } from '../model/cors.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { fraction } from './lower-duration.ts'
import { each } from './lower-each.ts'
import { lowerStringMatch } from './lower-string-match.ts'
import type { CorsPolicy as CorsMessage } from './messages.ts'

/** The policy, and whether filter_enabled has it in force. */
export function lowerCorsPolicy(
  loading: Loading,
  message: CorsMessage,
  spot: Spot,
): { readonly enabled: boolean; readonly policy: CorsPolicy } {
  const policy = {
    allowOrigins: each(message.allowOriginStringMatch, spot.field('allow_origin_string_match'), (matcher, at) =>
      lowerStringMatch(loading, matcher, at),
    ),
    allowMethods: listed(message.allowMethods),
    allowHeaders: listed(message.allowHeaders),
    exposeHeaders: listed(message.exposeHeaders),
    allowCredentials: message.allowCredentials ?? false,
    maxAge: lowerMaxAge(loading, message.maxAge, spot.field('max_age')),
    allowPrivateNetwork: message.allowPrivateNetworkAccess ?? false,
    keepUnmatchedPreflights: message.forwardNotMatchingPreflights === false,
  }
  return { enabled: lowerEnabled(loading, message, spot), policy }
}

const listed = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

/** Envoy sends any text; a browser reads seconds (WHATWG Fetch, Access-Control-Max-Age). */
function lowerMaxAge(loading: Loading, text: string, spot: Spot): number | undefined {
  if (text === '') return undefined
  if (/^-?\d{1,10}$/.test(text)) return Number(text)
  loading.error(spot, `"${text}" is not a number of seconds`)
  return undefined
}

/** All or nothing: a policy that holds for some of a page's requests breaks the page. */
function lowerEnabled(loading: Loading, { filterEnabled }: CorsMessage, spot: Spot): boolean {
  const share = filterEnabled?.defaultValue
  const enabled = share === undefined ? 1 : fraction(share)
  if (enabled > 0 && enabled < 1)
    loading.error(
      spot.field('filter_enabled'),
      'takes 0 or 100 %',
      'a policy for some of the requests is not supported',
    )
  return enabled > 0
}
