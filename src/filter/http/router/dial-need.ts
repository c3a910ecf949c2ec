// What a forwarded request asks of the cluster's connections: server name, priority, the named target, the client's side.

import type { ProxyProtocolSend } from '../../../config/model/proxy-protocol.ts'
import type { DialNeed } from '../../../upstream/stream-need.ts'
import type { Forwarding } from './forwarding.ts'

/** `proxyProtocol` is sent ahead of a terminated tunnel, whatever the cluster says. */
export function dialNeed(forwarding: Forwarding, proxyProtocol: ProxyProtocolSend | undefined): DialNeed {
  const { destination, sink } = forwarding
  const { serverName, priority, target, upstream } = destination
  if (proxyProtocol === undefined && !upstream.needsOrigin) return { serverName, priority, target }
  const { facts, stream } = sink
  const { info } = stream.connection
  return { serverName, priority, target, downstream: { connectionId: facts.connectionId, info, proxyProtocol } }
}
