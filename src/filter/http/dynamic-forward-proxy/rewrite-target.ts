// The host that a route has looked up and dialled in place of the request's own (Envoy: PerRouteConfig.host_rewrite_literal
// and host_rewrite_header). It also becomes the request's authority.

import type { RequestHead } from '../../../codec/http-stream.ts'
import { isAuthority, portStart } from '../../../route/authority.ts'

interface HostRewrite {
  readonly hostRewrite: string
  readonly hostRewriteHeader: string
}

/** Changes the authority when the override says so and its source has a usable value. */
export function rewriteTarget(head: RequestHead, { hostRewrite, hostRewriteHeader }: HostRewrite): void {
  const host =
    hostRewrite !== '' ? hostRewrite : hostRewriteHeader === '' ? undefined : head.headers.get(hostRewriteHeader)
  if (host === undefined || !isAuthority(host)) return
  // RFC 9110 §9.3.6: a CONNECT names its port, whatever the route says of the host.
  const keepsPort = head.tunnel?.kind === 'connect' && portStart(host) < 0 && portStart(head.authority) >= 0
  head.authority = keepsPort ? host + head.authority.slice(portStart(head.authority)) : host
}
