// All that a forwarding route does to a request before it goes up, in Envoy's order: header mutations, then host, then
// path; so rewrites may use headers that were added.

import { isConnectAuthority } from '../codec/connect-target.ts'
import type { RequestHead } from '../codec/http-stream.ts'
import type { ForwardAction, WeightedCluster } from '../config/model/route.ts'
import type { SelectedRoute } from './compiled-table.ts'
import { applyMutations, withMember } from './header-mutations.ts'
import { rewrittenHost, setAuthority } from './host-rewrite.ts'
import { type Evaluate, rewritePath } from './path-rewrite.ts'

export interface RequestRewrite {
  readonly selected: SelectedRoute
  readonly action: ForwardAction
  /** The chosen member of a weighted cluster. */
  readonly member: WeightedCluster | undefined
  /** `x-envoy` or the configured prefix; '' = keep no original host and path (suppress_envoy_headers). */
  readonly headerPrefix: string
  readonly evaluate: Evaluate
}

/** Changes `head` for the upstream. `auto` host rewrites wait for the endpoint: see `rewriteHostForEndpoint`. */
export function rewriteRequest(head: RequestHead, rewrite: RequestRewrite): void {
  const { selected, action, member, evaluate } = rewrite
  const levels = selected.requestMutations
  const all =
    member === undefined
      ? levels
      : withMember(levels, member.mutations.request, selected.table.mostSpecificMutationsWin)
  applyMutations(head.headers, all, evaluate)
  if (member !== undefined && member.hostRewrite !== '') changeHost(head, member.hostRewrite, rewrite, false)
  // Deviation: the member's own host is more specific than the route's; in Envoy the route overwrites it.
  else if (action.hostRewrite !== undefined && action.hostRewrite.kind !== 'auto') {
    changeHost(head, rewrittenHost(action.hostRewrite, head, '', evaluate), rewrite, action.appendForwardedHost)
  }
  changePath(head, rewrite)
}

/**
 * auto_host_rewrite: the endpoint's hostname, known once it is picked. For another attempt start again from a copy of the
 * head that was made before the first.
 */
export function rewriteHostForEndpoint(head: RequestHead, rewrite: RequestRewrite, endpointHostname: string): void {
  const { action, member } = rewrite
  if (action.hostRewrite?.kind !== 'auto' || (member !== undefined && member.hostRewrite !== '')) return
  const host = rewrittenHost(action.hostRewrite, head, endpointHostname, rewrite.evaluate)
  changeHost(head, host, rewrite, action.appendForwardedHost)
}

function changeHost(
  head: RequestHead,
  host: string | undefined,
  rewrite: RequestRewrite,
  appendForwardedHost: boolean,
): void {
  if (host === undefined || !fits(head, host)) return
  if (head.authority !== '' && head.authority !== host) keepOriginal(head, rewrite, 'original-host', head.authority)
  setAuthority(head, host, appendForwardedHost)
}

/** The target of a CONNECT must read the same to every proxy on the way. */
const fits = ({ tunnel }: RequestHead, host: string): boolean => tunnel?.kind !== 'connect' || isConnectAuthority(host)

function changePath(head: RequestHead, rewrite: RequestRewrite): void {
  const { action, member, selected, evaluate } = rewrite
  const pathRewrite = member?.pathRewrite ?? action.pathRewrite
  if (pathRewrite === undefined) return
  const path = rewritePath(pathRewrite, selected.route.match.path, head.path, evaluate)
  if (path === undefined) return
  keepOriginal(head, rewrite, 'original-path', head.path)
  head.path = path
}

/** What the client sent under this name does not survive. */
function keepOriginal(head: RequestHead, rewrite: RequestRewrite, name: string, value: string): void {
  if (rewrite.headerPrefix !== '') head.headers.set(`${rewrite.headerPrefix}-${name}`, value)
}
