// What of a request or connection is hashed. Envoy: config.route.v3.RouteAction.HashPolicy, type.v3.HashPolicy.

import type { CookieAttributes, HashPolicy, HashSource } from '../model/hash-policy.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { milliseconds } from './lower-duration.ts'
import { each } from './lower-each.ts'
import { lowerRewrite } from './lower-string-match.ts'
import type { RouteAction_HashPolicy as Message, TcpHashPolicy } from './messages.ts'

/** undefined when there are none. */
export function lowerHashPolicies(
  loading: Loading,
  messages: readonly Message[],
  spot: Spot,
): readonly HashPolicy[] | undefined {
  const policies = each(messages, spot, (message, at): HashPolicy | undefined => {
    const source = lowerSource(loading, message, at)
    return source && { source, terminal: message.terminal, hash: 'xxhash' }
  }).filter((policy) => policy !== undefined)
  return policies.length === 0 ? undefined : policies
}

/** undefined = the policy gives no hash: source_ip false, as in Envoy, which then leaves it out. */
function lowerSource(loading: Loading, { policySpecifier: policy }: Message, spot: Spot): HashSource | undefined {
  switch (policy.case) {
    case 'header': {
      const { headerName, regexRewrite } = policy.value
      const rewrite = regexRewrite && lowerRewrite(loading, regexRewrite, spot.field('header').field('regex_rewrite'))
      return { kind: 'header', name: headerName.toLowerCase(), rewrite }
    }
    case 'cookie': {
      const { name, ttl } = policy.value
      return {
        kind: 'cookie',
        name,
        ttlMs: ttl === undefined ? undefined : milliseconds(ttl),
        attributes: lowerCookieAttributes(loading, policy.value, spot.field('cookie')),
      }
    }
    case 'connectionProperties':
      return policy.value.sourceIp ? { kind: 'source-ip', real: false } : undefined
    case 'queryParameter':
      return { kind: 'query', name: policy.value.name }
    case 'filterState':
      return { kind: 'filter-state', key: policy.value.key }
    case undefined:
      return undefined
  }
}

/** Those of a tcp_proxy or udp_proxy: a connection has no more. */
export function lowerConnectionHashPolicies(messages: readonly TcpHashPolicy[]): readonly HashPolicy[] | undefined {
  const policies = messages.flatMap(({ policySpecifier: policy }): HashPolicy[] => {
    if (policy.case === undefined) return []
    const source: HashSource =
      policy.case === 'sourceIp' ? { kind: 'source-ip', real: false } : { kind: 'filter-state', key: policy.value.key }
    return [{ source, terminal: false, hash: 'xxhash' }]
  })
  return policies.length === 0 ? undefined : policies
}

interface CookieMessage {
  readonly name: string
  readonly path: string
  readonly attributes: readonly { readonly name: string; readonly value: string }[]
}

const SAME_SITE: Readonly<Record<string, CookieAttributes['sameSite']>> = { strict: 'Strict', lax: 'Lax', none: 'None' }

/** HttpOnly is always set, as in Envoy: no script has use for these cookies. */
export function lowerCookieAttributes(
  loading: Loading,
  { name: cookie, path, attributes }: CookieMessage,
  spot: Spot,
): CookieAttributes {
  let secure = false
  let sameSite: CookieAttributes['sameSite'] = ''
  for (const [index, { name, value }] of attributes.entries()) {
    const lower = name.toLowerCase()
    const site = SAME_SITE[value.toLowerCase()]
    if (lower === 'secure') secure = true
    else if (lower === 'samesite' && site !== undefined) sameSite = site
    else if (lower !== 'httponly')
      loading.error(
        spot.field('attributes').at(index),
        `the cookie attribute "${value === '' ? name : `${name}=${value}`}" is not supported`,
        'Secure, HttpOnly and SameSite=Strict|Lax|None are',
      )
  }
  if (!isCookieName(cookie)) loading.error(spot.field('name'), 'a cookie name is a token (RFC 6265 §4.1.1)')
  if (!isCookiePath(path))
    loading.error(spot.field('path'), 'the path of a cookie has no semicolon and no control characters')
  return { path, secure, httpOnly: true, sameSite }
}

// RFC 6265 §4.1.1.
const isCookieName = (name: string): boolean => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)
const isCookiePath = (path: string): boolean => /^[\x20-\x3a\x3c-\x7e]*$/.test(path)
