// What a forwarded request asks of the cluster's connections: server name, priority, the endpoint it wants or a retry
// avoids, the named target, the client's side.

import type { ProxyProtocolSend } from '../../../config/model/proxy-protocol.ts'
import { NO_CHOICE } from '../../../route/endpoint-choice.ts'
import type { DialNeed } from '../../../upstream/stream-need.ts'
import type { Forwarding } from './forwarding.ts'

/** `proxyProtocol` is sent ahead of a terminated tunnel, whatever the cluster says. */
export function dialNeed(forwarding: Forwarding, proxyProtocol: ProxyProtocolSend | undefined): DialNeed {
  const { destination, sink, retries } = forwarding
  const { serverName, priority, target, upstream, choice } = destination
  const { hash } = choice
  // As in Envoy a session holds for the first try only: the others are made because that one went wrong.
  const { preferred, strict } = retries?.retrying === true ? NO_CHOICE : choice
  const need: DialNeed = { serverName, priority, target, hash, preferred, strict, ...retries?.avoidance }
  if (proxyProtocol === undefined && !upstream.needsOrigin) return need
  const { facts, stream } = sink
  const { info } = stream.connection
  return { ...need, downstream: { connectionId: facts.connectionId, info, proxyProtocol } }
}
