// What a CONNECT-UDP request must satisfy, forwarded or ended here (RFC 9298 §3, envoy.md §2.9): its path names the target,
// which from here on is its authority, so that virtual hosts, filters and clusters see where it wants to go.

import { readUdpPath } from '../codec/capsule/udp-path.ts'
import type { RequestHead, TunnelIntent } from '../codec/http-stream.ts'
import { isConnectUdp } from '../codec/upgrade-translation.ts'
import type { ErrorCode } from '../core/errors.ts'

/** Why a request is refused. */
export interface ConnectUdpRefusal {
  readonly kind: 'refused'
  readonly code: ErrorCode
  readonly explanation: string
}

/** Whether the request asks for a UDP tunnel. */
export const asksForUdp = (tunnel: TunnelIntent | undefined): boolean =>
  tunnel?.kind === 'upgrade' && isConnectUdp(tunnel.type)

/** Makes the target of the path the authority; answers why that cannot be. `endStream`: the request is its head alone. */
export function checkConnectUdp(head: RequestHead, endStream: boolean): ConnectUdpRefusal | undefined {
  const target = readUdpPath(head.path)
  if (target.kind === 'invalid') return { kind: 'refused', code: 'connect_udp_path', explanation: target.explanation }
  if (endStream) {
    const explanation = 'a UDP tunnel needs an open stream for its datagrams (RFC 9298 §3)'
    return { kind: 'refused', code: 'connect_udp_ended', explanation }
  }
  head.authority = target.authority
  return undefined
}
