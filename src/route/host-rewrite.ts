// Rewrites the authority of a request. Envoy: the host_rewrite_specifier of config.route.v3.RouteAction. For a CONNECT
// that is proxied this is the tunnel's target.

import type { RequestHead } from '../codec/http-stream.ts'
import type { HostRewrite } from '../config/model/route.ts'
import { isAuthority } from './authority.ts'
import type { Evaluate } from './path-rewrite.ts'
import { pathOf } from './target.ts'

/** The new authority; undefined when it stays, because the source is missing, empty, or not a valid authority. */
export function rewrittenHost(
  rewrite: HostRewrite,
  head: RequestHead,
  endpointHostname: string,
  evaluate: Evaluate,
): string | undefined {
  const host = newHost(rewrite, head, endpointHostname, evaluate)
  return host !== undefined && isAuthority(host) ? host : undefined
}

function newHost(
  rewrite: HostRewrite,
  head: RequestHead,
  endpointHostname: string,
  evaluate: Evaluate,
): string | undefined {
  switch (rewrite.kind) {
    case 'literal':
      return rewrite.host
    case 'auto':
      return endpointHostname
    case 'header':
      return head.headers.get(rewrite.header)
    case 'path-regex':
      return rewrite.regex.replaceAll(pathOf(head.path), rewrite.substitution)
    case 'format':
      return evaluate(rewrite.template)
  }
}

/** Sets the authority, keeping the old one in X-Forwarded-Host when asked, once even if rewritten twice. */
export function setAuthority(head: RequestHead, host: string, appendForwardedHost: boolean): void {
  const old = head.authority
  if (appendForwardedHost && old !== '') appendOnce(head, old)
  head.authority = host
}

function appendOnce(head: RequestHead, old: string): void {
  const list = head.headers.getAll('x-forwarded-host')
  if (list === undefined || list === '') head.headers.set('x-forwarded-host', old)
  else if (list.slice(list.lastIndexOf(',') + 1).trim() !== old) head.headers.set('x-forwarded-host', `${list},${old}`)
}
