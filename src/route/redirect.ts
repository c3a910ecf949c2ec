// The Location of a redirect (RFC 9110 §10.2.2). Envoy: config.route.v3.RedirectAction.

import type { PathMatch, RedirectAction } from '../config/model/route.ts'
import { portStart } from './authority.ts'
import type { MatchedHead } from './header-test.ts'
import { type Evaluate, rewritePath } from './path-rewrite.ts'
import { forwardedProto } from './require-tls.ts'
import { pathEnd, safeTarget } from './target.ts'

/** The absolute URL that a request is sent to. */
export function redirectLocation(
  action: RedirectAction,
  match: PathMatch,
  head: MatchedHead,
  evaluate: Evaluate,
): string {
  const scheme = action.scheme === '' ? head.scheme : action.scheme
  const port = portText(action, scheme)
  const dropsPort = port !== '' || action.omitDefaultPort === true
  const host = action.host === '' ? requestHost(head, scheme, dropsPort) : action.host
  return `${scheme}://${host}${port}${newPath(action, match, head.path, evaluate)}`
}

const DEFAULT_PORTS: ReadonlyMap<string, number> = new Map([
  ['http', 80],
  ['https', 443],
])

function portText({ port, omitDefaultPort }: RedirectAction, scheme: string): string {
  if (port === 0 || (omitDefaultPort === true && port === DEFAULT_PORTS.get(scheme))) return ''
  return `:${port}`
}

/**
 * The request's authority, without its port when another one is set, or when the scheme changes and the port was the
 * default of the old one: `http://x:80/` becomes `https://x/`. Any other port stays.
 */
function requestHost(head: MatchedHead, scheme: string, portReplaced: boolean): string {
  const { authority } = head
  const colon = portStart(authority)
  if (colon < 0) return authority
  const port = authority.slice(colon)
  const proto = forwardedProto(head)
  const wasDefault =
    scheme !== proto && ((proto === 'https' && port === ':443') || (proto === 'http' && port === ':80'))
  return portReplaced || wasDefault ? authority.slice(0, colon) : authority
}

function newPath(action: RedirectAction, match: PathMatch, target: string, evaluate: Evaluate): string {
  const { path } = action
  const rewritten = path === undefined ? undefined : rewritePath(path, match, target, evaluate)
  const result = rewritten ?? target
  if (result === '') return ''
  // A query that the redirect itself names is never stripped.
  const ownQuery = path?.kind === 'full' && path.path.includes('?')
  return safeTarget(action.stripQuery && !ownQuery ? result.slice(0, pathEnd(result)) : result)
}
