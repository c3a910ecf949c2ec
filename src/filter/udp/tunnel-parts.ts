// What a session's attempt to get a tunnel is made of: its request, what it asks of the pools, and when the answer agrees.

import type { Endpoint } from '../../cluster/endpoint.ts'
import type { RequestHead } from '../../codec/http-stream.ts'
import type { UdpTunnelingConfig } from '../../config/model/udp-proxy.ts'
import type { StreamFacts } from '../../format/stream-facts.ts'
import type { ClusterUpstream } from '../../upstream/cluster-upstream.ts'
import type { TunnelAttemptParts } from '../../upstream/tunnel-attempt.ts'

export const udpTunnelParts = (
  upstream: ClusterUpstream,
  config: UdpTunnelingConfig,
  head: RequestHead,
  tried: readonly Endpoint[],
  facts: StreamFacts,
  hash: bigint | undefined,
): TunnelAttemptParts => ({
  upstream,
  head,
  need: {
    upgrade: head.tunnel !== undefined,
    // Envoy opens UDP tunnels by HTTP/2 where a cluster leaves the choice.
    downstreamProtocol: 'HTTP/2',
    serverName: upstream.serverNameFor(head),
    priority: 'default',
    downstream: { connectionId: facts.connectionId, info: facts.downstream },
    tried,
    hash,
  },
  // RFC 9298 §3.3, §3.5 by way of the codec, which makes HTTP/2's 200 a 101; Envoy takes exactly 200 for a POST.
  accepts: (status) => status === (head.tunnel === undefined ? 200 : 101),
  propagation: {
    state: facts.downstream.state,
    headersKey: config.propagateResponseHeaders ? STATE.responseHeaders : undefined,
    trailersKey: config.propagateResponseTrailers ? STATE.responseTrailers : undefined,
  },
})

/** Filter state keys, as in Envoy. */
const STATE = {
  responseHeaders: 'envoy.udp_proxy.propagate_response_headers',
  responseTrailers: 'envoy.udp_proxy.propagate_response_trailers',
} as const
